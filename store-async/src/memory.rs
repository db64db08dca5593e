//! Objects in memory, async, without a hop to another thread.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use worldstore_core::{
    Backend, BackendInfo, CheckOptions, CopyOptions, DeleteOptions, Deleted, Key, ListOptions, ListPage, Memory,
    ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions, Result, SettleOptions,
    Settled, StatOptions, WriteOptions, WriteToken, Writer,
};

use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A [`Memory`] as an [`AsyncBackend`].
///
/// Its work waits for nothing but other threads that read or change the same memory, so it is done where it is awaited,
/// and every future is ready when it is first polled. It needs no runtime. Behind a
/// [`SyncBackendAdapter`](crate::SyncBackendAdapter) the same memory would take a hop to another thread and back for
/// each call, some microseconds instead of some dozen nanoseconds. A hook of the memory runs where the call is awaited,
/// too: one that blocks is at home in the adapter.
///
/// ```
/// use std::sync::Arc;
///
/// use worldstore_async::{AsyncMemory, AsyncStore};
/// use worldstore_core::{Memory, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> worldstore_core::Result<()> {
/// let memory = Arc::new(Memory::new());
/// let (one, other) = (AsyncStore::new(Arc::new(AsyncMemory::from(memory.clone()))), Store::new(memory));
/// one.write("a", "seen on both sides").await?;
/// assert_eq!(other.read_text("a")?, "seen on both sides");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct AsyncMemory {
    memory: Arc<Memory>,
}

impl AsyncMemory {
    /// An empty backend.
    pub fn new() -> Self {
        Self::default()
    }

    /// The memory behind it, for sync code.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }
}

impl From<Memory> for AsyncMemory {
    fn from(memory: Memory) -> Self {
        Self { memory: Arc::new(memory) }
    }
}

impl From<Arc<Memory>> for AsyncMemory {
    fn from(memory: Arc<Memory>) -> Self {
        Self { memory }
    }
}

impl fmt::Display for AsyncMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.memory.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncMemory {
    fn info(&self) -> BackendInfo {
        self.memory.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.memory.stat(key, options)
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let ReadReply { meta, range, body, .. } = self.memory.read(key, options)?;
        Ok(ReadReply::new(meta, range, stream::iter(body).boxed()))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.memory.read_ranges(key, ranges, options)
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.memory.write(key, body, options)
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        Ok(Box::new(MemoryWriter(self.memory.open_writer(key, options)?)))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.memory.settle(key, token, options)
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        self.memory.delete(keys, options)
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.memory.list(prefix, options)
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.memory.copy(from, to, options)
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.memory.rename(from, to, options)
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.memory.check(options)
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        None
    }
}

/// A writer whose every call is ready at once.
#[derive(Debug)]
struct MemoryWriter(Box<dyn Writer>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for MemoryWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.0.write(chunk)
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        self.0.commit()
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.0.abort()
    }
}
