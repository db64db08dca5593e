//! A read cache that never serves what is no longer there.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use worldstore_core::ops::*;
use worldstore_core::wrap::{CacheIndex, CacheOptions, CacheStats};
use worldstore_core::{Capability, ErrorKind, Key, Prefix, Result};

use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A backend that keeps what was read: whole small objects, and short ranges of larger ones, up to a bound in bytes.
///
/// Before each read it asks for the object's metadata, and serves only what it holds of that very version: a change by
/// anyone is seen at once, for the price of one `stat`. A change through the cache drops what is held of the key, whatever
/// its outcome. Without versions, and for what is too large, reads go to the backend. A body is held in memory while
/// it is fetched, so it is at most [`CacheOptions::entry_bytes_max`] long.
#[derive(Debug, Clone)]
pub struct AsyncCacheBackend {
    inner: Arc<dyn AsyncBackend>,
    index: Arc<CacheIndex>,
    capability: Capability,
}

impl AsyncCacheBackend {
    /// Keeps what is read from `inner`.
    pub fn new(inner: Arc<dyn AsyncBackend>, options: CacheOptions) -> Self {
        let capability = inner.info().capability;
        Self { inner, index: Arc::new(CacheIndex::new(options)), capability }
    }

    /// What the cache has done so far.
    pub fn stats(&self) -> CacheStats {
        self.index.stats()
    }

    /// The bytes of a range of one state, held or fetched. None if they cannot be kept, or the object has changed.
    async fn part(&self, meta: &ObjectMeta, version: &Version, wanted: &Range<u64>) -> Result<Option<Bytes>> {
        if let Some(bytes) = self.index.get(&meta.key, version, wanted) {
            return Ok(Some(bytes));
        }
        let Some(range) = self.index.fetch(meta, wanted) else { return Ok(None) };
        let options =
            ReadOptions::default().with_range(ReadRange::Bounded(range.clone())).with_version(version.clone());
        let bytes = match self.fetch(&meta.key, &options).await {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::ConditionFailed | ErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        if bytes.len() as u64 != range.end - range.start {
            return Ok(None);
        }
        self.index.put(&meta.key, version, &range, &bytes);
        Ok(Some(bytes.slice((wanted.start - range.start) as usize..(wanted.end - range.start) as usize)))
    }

    async fn fetch(&self, key: &Key, options: &ReadOptions) -> Result<Bytes> {
        let reply = self.inner.read(key, options).await?;
        let chunks: Vec<Bytes> = reply.body.try_collect().await?;
        Ok(match &chunks[..] {
            [one] => one.clone(),
            many => many.concat().into(),
        })
    }

    fn forget(&self, keys: &[&Key]) {
        keys.iter().for_each(|key| self.index.forget(key));
    }
}

impl fmt::Display for AsyncCacheBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cache({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncCacheBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.inner.stat(key, options).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        if !self.capability.versions {
            return self.inner.read(key, options).await;
        }
        let meta = self.inner.stat(key, &StatOptions::default()).await?;
        meta.expect_version(options.version.as_ref())?;
        let whole = ReadRange::From(0);
        let wanted = options.range.as_ref().unwrap_or(&whole).resolve(meta.size);
        let wanted = wanted.map_err(|error| error.with("key", key))?;
        let Some(version) = meta.version.clone() else { return self.inner.read(key, options).await };
        let Some(bytes) = self.part(&meta, &version, &wanted).await? else {
            return self.inner.read(key, options).await;
        };
        let chunks = (!bytes.is_empty()).then_some(Ok(bytes));
        Ok(ReadReply::new(meta, wanted, stream::iter(chunks).boxed()))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        if !self.capability.versions {
            return self.inner.read_ranges(key, ranges, options).await;
        }
        let meta = self.inner.stat(key, &StatOptions::default()).await?;
        meta.expect_version(options.version.as_ref())?;
        check_ranges(ranges, meta.size).map_err(|error| error.with("key", key))?;
        let Some(version) = &meta.version else { return self.inner.read_ranges(key, ranges, options).await };
        let held: Vec<_> = ranges.iter().map(|range| self.index.get(key, version, range)).collect();
        if held.iter().all(Option::is_some) {
            return Ok(held.into_iter().flatten().collect());
        }
        // Missing parts are fetched in one call, which the backend may join; all from the state that is held.
        let missing: Vec<_> = ranges.iter().zip(&held).filter(|(_, held)| held.is_none()).collect();
        let missing: Vec<_> = missing.into_iter().map(|(range, _)| range.clone()).collect();
        let pinned = ReadRangesOptions::default().with_version(version.clone());
        let fetched = match self.inner.read_ranges(key, &missing, &pinned).await {
            Ok(fetched) => fetched,
            Err(error) if error.kind() == ErrorKind::ConditionFailed && options.version.is_none() => {
                return self.inner.read_ranges(key, ranges, options).await;
            }
            Err(error) => return Err(error),
        };
        // Only a read of the whole is compared with a checksum.
        let kept = missing.iter().zip(&fetched).filter(|(range, _)| **range != (0..meta.size));
        kept.for_each(|(range, bytes)| self.index.put(key, version, range, bytes));
        let mut fetched = fetched.into_iter();
        Ok(held.into_iter().filter_map(|held| held.or_else(|| fetched.next())).collect())
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let answer = self.inner.write(key, body, options).await;
        self.forget(&[key]);
        answer
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let inner = self.inner.open_writer(key, options).await?;
        Ok(Box::new(CacheWriter { inner, key: key.clone(), index: Arc::clone(&self.index) }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.inner.settle(key, token, options).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let answers = self.inner.delete(keys, options).await;
        keys.iter().for_each(|key| self.forget(&[key]));
        answers
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.inner.list(prefix, options).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let answer = self.inner.copy(from, to, options).await;
        self.forget(&[to]);
        answer
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let answer = self.inner.rename(from, to, options).await;
        self.forget(&[from, to]);
        answer
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options).await
    }

    /// What is written by a link is another version, which the next read sees.
    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign()
    }
}

#[derive(Debug)]
struct CacheWriter {
    inner: Box<dyn AsyncWriter>,
    key: Key,
    index: Arc<CacheIndex>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for CacheWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.inner.write(chunk).await
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, key, index } = *self;
        let answer = inner.commit().await;
        index.forget(&key);
        answer
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
