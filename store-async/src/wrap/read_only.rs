//! A backend without its changes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use worldstore_core::ops::*;
use worldstore_core::{Capability, Error, Key, Prefix, Result};

use super::no_links;
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A backend that only reads: every change is refused with `Unsupported` before the backend below is called, and so are
/// links that allow to write. Checking proves that the root can be listed.
#[derive(Debug, Clone)]
pub struct AsyncReadOnlyBackend {
    inner: Arc<dyn AsyncBackend>,
}

impl AsyncReadOnlyBackend {
    /// Reads from `inner`.
    pub fn new(inner: Arc<dyn AsyncBackend>) -> Self {
        Self { inner }
    }
}

fn refuse<Value>() -> Result<Value> {
    Err(Error::unsupported("the backend was opened for reading only"))
}

impl fmt::Display for AsyncReadOnlyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read_only({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncReadOnlyBackend {
    fn info(&self) -> BackendInfo {
        let mut info = self.inner.info();
        let Capability { list_sorted, versions, .. } = info.capability;
        info.capability = Capability::read_only();
        (info.capability.list_sorted, info.capability.versions) = (list_sorted, versions);
        info
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.inner.stat(key, options).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        self.inner.read(key, options).await
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.inner.read_ranges(key, ranges, options).await
    }

    async fn write(&self, _key: &Key, _body: Bytes, _options: &WriteOptions) -> Result<Outcome> {
        refuse()
    }

    async fn open_writer(&self, _key: &Key, _options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        refuse()
    }

    async fn settle(&self, _key: &Key, _token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        refuse()
    }

    async fn delete(&self, _keys: &[Key], _options: &DeleteOptions) -> Result<Vec<Deleted>> {
        refuse()
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.inner.list(prefix, options).await
    }

    async fn copy(&self, _from: &Key, _to: &Key, _options: &CopyOptions) -> Result<Outcome> {
        refuse()
    }

    async fn rename(&self, _from: &Key, _to: &Key, _options: &RenameOptions) -> Result<Outcome> {
        refuse()
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        // Backends that write try that too when they are checked.
        match self.inner.info().capability.write {
            true => self.inner.list(&Prefix::root(), &ListOptions::default().with_limit(1)).await.map(drop),
            false => self.inner.check(options).await,
        }
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for AsyncReadOnlyBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        match options.access {
            Access::Read => self.inner.presign().ok_or_else(no_links)?.sign(key, options).await,
            Access::Write => refuse(),
        }
    }
}
