//! A folder of a backend as a backend.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::{Backend, Presign, Writer};
use crate::error::Result;
use crate::key::{Key, Prefix};
use crate::ops::*;

use super::below::Below;
use super::no_links;

/// A backend whose root is a folder of another one. Nothing outside of the folder can be named.
///
/// Errors of the backend below name its own keys. A key that becomes too long below the folder is
/// `Invalid`.
#[derive(Debug, Clone)]
pub struct PrefixBackend {
    inner: Arc<dyn Backend>,
    below: Below,
}

impl PrefixBackend {
    /// The folder `prefix` of `inner` as a backend. It need not exist.
    pub fn new(inner: Arc<dyn Backend>, prefix: Prefix) -> Self {
        Self { inner, below: Below::new(prefix) }
    }
}

impl fmt::Display for PrefixBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "prefix({}, {})", self.inner, self.below)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for PrefixBackend {
    fn info(&self) -> BackendInfo {
        self.below.info(self.inner.info())
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.below.meta(self.inner.stat(&self.below.key(key)?, options)?)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let ReadReply { meta, range, body, .. } = self.inner.read(&self.below.key(key)?, options)?;
        Ok(ReadReply::new(self.below.meta(meta)?, range, body))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.inner.read_ranges(&self.below.key(key)?, ranges, options)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.below.outcome(self.inner.write(&self.below.key(key)?, body, options)?)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        let inner = self.inner.open_writer(&self.below.key(key)?, options)?;
        Ok(Box::new(PrefixWriter { inner, below: self.below.clone() }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        Ok(match self.inner.settle(&self.below.key(key)?, token, options)? {
            Settled::Applied(meta) => Settled::Applied(self.below.meta(meta)?),
            Settled::Absent => Settled::Absent,
            Settled::Other(meta) => Settled::Other(self.below.meta(meta)?),
        })
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let keys = keys.iter().map(|key| self.below.key(key)).collect::<Result<Vec<_>>>()?;
        self.inner.delete(&keys, options)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let (prefix, options) = self.below.listing(prefix, options)?;
        self.below.page(self.inner.list(&prefix, &options)?)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let (from, to) = (self.below.key(from)?, self.below.key(to)?);
        self.below.outcome(self.inner.copy(&from, &to, options)?)
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let (from, to) = (self.below.key(from)?, self.below.key(to)?);
        self.below.outcome(self.inner.rename(&from, &to, options)?)
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options)
    }

    fn presign(&self) -> Option<&dyn Presign> {
        self.inner.presign().map(|_| self as &dyn Presign)
    }
}

impl Presign for PrefixBackend {
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let key = self.below.key(key)?;
        self.inner.presign().ok_or_else(no_links)?.sign(&key, options)
    }
}

#[derive(Debug)]
struct PrefixWriter {
    inner: Box<dyn Writer>,
    below: Below,
}

#[deny(clippy::missing_trait_methods)]
impl Writer for PrefixWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.inner.write(chunk)
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        self.below.outcome(self.inner.commit()?)
    }

    fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort()
    }
}
