//! Counting: how often a backend is called, and how many bytes go through it.

use std::fmt;
use std::ops::{Range, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use worldstore_core::{
    BackendInfo, CheckOptions, CopyOptions, DeleteOptions, Deleted, Key, ListOptions, ListPage, ObjectMeta, Outcome,
    Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions, Result, SettleOptions, Settled, StatOptions,
    WriteOptions, WriteToken,
};

use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// What went through a [`CountingBackend`] so far. The difference of two is what went through in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Calls of `stat` and `settle`.
    pub stats: u64,
    /// Calls of `read`.
    pub reads: u64,
    /// Calls of `read_ranges`.
    pub range_reads: u64,
    /// Bytes that reads delivered.
    pub bytes_read: u64,
    /// Calls of `write`, and writers opened.
    pub writes: u64,
    /// Bytes handed to `write` and to writers.
    pub bytes_written: u64,
    /// Keys given to `delete`.
    pub deletes: u64,
    /// Calls of `list`.
    pub lists: u64,
    /// Calls of `copy` and `rename`.
    pub moves: u64,
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            stats: self.stats - earlier.stats,
            reads: self.reads - earlier.reads,
            range_reads: self.range_reads - earlier.range_reads,
            bytes_read: self.bytes_read - earlier.bytes_read,
            writes: self.writes - earlier.writes,
            bytes_written: self.bytes_written - earlier.bytes_written,
            deletes: self.deletes - earlier.deletes,
            lists: self.lists - earlier.lists,
            moves: self.moves - earlier.moves,
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    stats: AtomicU64,
    reads: AtomicU64,
    range_reads: AtomicU64,
    bytes_read: Arc<AtomicU64>,
    writes: AtomicU64,
    bytes_written: AtomicU64,
    deletes: AtomicU64,
    lists: AtomicU64,
    moves: AtomicU64,
}

fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}

/// A backend that counts what goes through it and changes nothing.
#[derive(Debug, Clone)]
pub struct CountingBackend {
    inner: Arc<dyn AsyncBackend>,
    counters: Arc<Counters>,
}

impl CountingBackend {
    /// Counts what goes through `inner`, from zero.
    pub fn new(inner: Arc<dyn AsyncBackend>) -> Self {
        Self { inner, counters: Arc::default() }
    }

    /// Counts what goes through `inner`, from zero, and adds the bytes that are read to a count of others.
    pub fn with_bytes_read(inner: Arc<dyn AsyncBackend>, bytes_read: Arc<AtomicU64>) -> Self {
        Self { inner, counters: Arc::new(Counters { bytes_read, ..Counters::default() }) }
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &*self.counters;
        Counts {
            stats: get(&counters.stats),
            reads: get(&counters.reads),
            range_reads: get(&counters.range_reads),
            bytes_read: get(&counters.bytes_read),
            writes: get(&counters.writes),
            bytes_written: get(&counters.bytes_written),
            deletes: get(&counters.deletes),
            lists: get(&counters.lists),
            moves: get(&counters.moves),
        }
    }
}

impl fmt::Display for CountingBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "counting({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for CountingBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        add(&self.counters.stats, 1);
        self.inner.stat(key, options).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        add(&self.counters.reads, 1);
        let ReadReply { meta, range, body, .. } = self.inner.read(key, options).await?;
        let counters = Arc::clone(&self.counters);
        let counted = body.inspect(move |chunk| {
            if let Ok(chunk) = chunk {
                add(&counters.bytes_read, chunk.len() as u64);
            }
        });
        Ok(ReadReply::new(meta, range, counted.boxed()))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        add(&self.counters.range_reads, 1);
        let parts = self.inner.read_ranges(key, ranges, options).await?;
        add(&self.counters.bytes_read, parts.iter().map(|part| part.len() as u64).sum());
        Ok(parts)
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        add(&self.counters.writes, 1);
        add(&self.counters.bytes_written, body.len() as u64);
        self.inner.write(key, body, options).await
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        add(&self.counters.writes, 1);
        let inner = self.inner.open_writer(key, options).await?;
        Ok(Box::new(CountingWriter { inner, counters: Arc::clone(&self.counters) }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        add(&self.counters.stats, 1);
        self.inner.settle(key, token, options).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        add(&self.counters.deletes, keys.len() as u64);
        self.inner.delete(keys, options).await
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        add(&self.counters.lists, 1);
        self.inner.list(prefix, options).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        add(&self.counters.moves, 1);
        self.inner.copy(from, to, options).await
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        add(&self.counters.moves, 1);
        self.inner.rename(from, to, options).await
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options).await
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign()
    }
}

#[derive(Debug)]
struct CountingWriter {
    inner: Box<dyn AsyncWriter>,
    counters: Arc<Counters>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for CountingWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        add(&self.counters.bytes_written, chunk.len() as u64);
        self.inner.write(chunk).await
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        self.inner.commit().await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
