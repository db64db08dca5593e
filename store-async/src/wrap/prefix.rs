//! A folder of a backend as a backend.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use worldstore_core::ops::*;
use worldstore_core::wrap::Below;
use worldstore_core::{Key, Prefix, Result};

use super::no_links;
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A backend whose root is a folder of another one. Nothing outside of the folder can be named.
///
/// Errors of the backend below name its own keys. A key that becomes too long below the folder is
/// `Invalid`.
#[derive(Debug, Clone)]
pub struct AsyncPrefixBackend {
    inner: Arc<dyn AsyncBackend>,
    below: Below,
}

impl AsyncPrefixBackend {
    /// The folder `prefix` of `inner` as a backend. It need not exist.
    pub fn new(inner: Arc<dyn AsyncBackend>, prefix: Prefix) -> Self {
        Self { inner, below: Below::new(prefix) }
    }
}

impl fmt::Display for AsyncPrefixBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "prefix({}, {})", self.inner, self.below)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncPrefixBackend {
    fn info(&self) -> BackendInfo {
        self.below.info(self.inner.info())
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.below.meta(self.inner.stat(&self.below.key(key)?, options).await?)
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let ReadReply { meta, range, body, .. } = self.inner.read(&self.below.key(key)?, options).await?;
        Ok(ReadReply::new(self.below.meta(meta)?, range, body))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.inner.read_ranges(&self.below.key(key)?, ranges, options).await
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.below.outcome(self.inner.write(&self.below.key(key)?, body, options).await?)
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let inner = self.inner.open_writer(&self.below.key(key)?, options).await?;
        Ok(Box::new(PrefixWriter { inner, below: self.below.clone() }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        Ok(match self.inner.settle(&self.below.key(key)?, token, options).await? {
            Settled::Applied(meta) => Settled::Applied(self.below.meta(meta)?),
            Settled::Absent => Settled::Absent,
            Settled::Other(meta) => Settled::Other(self.below.meta(meta)?),
        })
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let keys = keys.iter().map(|key| self.below.key(key)).collect::<Result<Vec<_>>>()?;
        self.inner.delete(&keys, options).await
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let (prefix, options) = self.below.listing(prefix, options)?;
        self.below.page(self.inner.list(&prefix, &options).await?)
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let (from, to) = (self.below.key(from)?, self.below.key(to)?);
        self.below.outcome(self.inner.copy(&from, &to, options).await?)
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let (from, to) = (self.below.key(from)?, self.below.key(to)?);
        self.below.outcome(self.inner.rename(&from, &to, options).await?)
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options).await
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for AsyncPrefixBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let key = self.below.key(key)?;
        self.inner.presign().ok_or_else(no_links)?.sign(&key, options).await
    }
}

#[derive(Debug)]
struct PrefixWriter {
    inner: Box<dyn AsyncWriter>,
    below: Below,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for PrefixWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.inner.write(chunk).await
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        self.below.outcome(self.inner.commit().await?)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
