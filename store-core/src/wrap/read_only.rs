//! A backend without its changes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::{Backend, Presign, Writer};
use crate::capability::Capability;
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

use super::no_links;

/// A backend that only reads: every change is refused with `Unsupported` before the backend below is called, and so are
/// links that allow to write. Checking proves that the root can be listed.
#[derive(Debug, Clone)]
pub struct ReadOnlyBackend {
    inner: Arc<dyn Backend>,
}

impl ReadOnlyBackend {
    /// Reads from `inner`.
    pub fn new(inner: Arc<dyn Backend>) -> Self {
        Self { inner }
    }
}

fn refuse<Value>() -> Result<Value> {
    Err(Error::unsupported("the backend was opened for reading only"))
}

impl fmt::Display for ReadOnlyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read_only({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for ReadOnlyBackend {
    fn info(&self) -> BackendInfo {
        let mut info = self.inner.info();
        let Capability { list_sorted, versions, .. } = info.capability;
        info.capability = Capability::read_only();
        (info.capability.list_sorted, info.capability.versions) = (list_sorted, versions);
        info
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.inner.stat(key, options)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        self.inner.read(key, options)
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.inner.read_ranges(key, ranges, options)
    }

    fn write(&self, _key: &Key, _body: Bytes, _options: &WriteOptions) -> Result<Outcome> {
        refuse()
    }

    fn open_writer(&self, _key: &Key, _options: &WriteOptions) -> Result<Box<dyn Writer>> {
        refuse()
    }

    fn settle(&self, _key: &Key, _token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        refuse()
    }

    fn delete(&self, _keys: &[Key], _options: &DeleteOptions) -> Result<Vec<Deleted>> {
        refuse()
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.inner.list(prefix, options)
    }

    fn copy(&self, _from: &Key, _to: &Key, _options: &CopyOptions) -> Result<Outcome> {
        refuse()
    }

    fn rename(&self, _from: &Key, _to: &Key, _options: &RenameOptions) -> Result<Outcome> {
        refuse()
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        // Backends that write try that too when they are checked.
        match self.inner.info().capability.write {
            true => self.inner.list(&Prefix::root(), &ListOptions::default().with_limit(1)).map(drop),
            false => self.inner.check(options),
        }
    }

    fn presign(&self) -> Option<&dyn Presign> {
        self.inner.presign().map(|_| self as &dyn Presign)
    }
}

impl Presign for ReadOnlyBackend {
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        match options.access {
            Access::Read => self.inner.presign().ok_or_else(no_links)?.sign(key, options),
            Access::Write => refuse(),
        }
    }
}
