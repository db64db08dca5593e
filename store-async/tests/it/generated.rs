//! A backend of one object of any size, made up while it is read and checked while it is written: for tests of streams.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::ThreadId;

use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;
use worldstore_core::{
    Backend, BackendInfo, Capability, CheckOptions, Chunks, CopyOptions, DeleteOptions, Deleted, Error, Key,
    ListOptions, ListPage, ObjectMeta, Outcome, Prefix, ReadOptions, ReadRangesOptions, ReadReply, RenameOptions,
    Result, SettleOptions, Settled, StatOptions, WriteOptions, WriteToken, Writer,
};

/// Bytes of a chunk.
pub const CHUNK: u64 = 256 << 10;

/// What happened to a [`Generated`].
#[derive(Debug, Default)]
pub struct Traffic {
    /// Chunks made up for readers.
    pub produced: AtomicU64,
    /// Chunks that writers delivered, and that were right.
    pub consumed: AtomicU64,
    /// Bodies that are gone.
    pub bodies_dropped: AtomicU64,
    /// Writers that are gone.
    pub writers_dropped: AtomicU64,
    /// Where bodies and writers went.
    pub dropped_on: Mutex<Vec<ThreadId>>,
    /// The runtime around the first `check`.
    pub checked_on: OnceLock<Handle>,
}

impl Traffic {
    fn dropped(&self, count: &AtomicU64) {
        self.dropped_on.lock().unwrap().push(std::thread::current().id());
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// See the module.
#[derive(Debug)]
pub struct Generated {
    pub chunks: u64,
    pub traffic: Arc<Traffic>,
}

impl Generated {
    pub fn new(chunks: u64) -> Self {
        Self { chunks, traffic: Arc::default() }
    }
}

/// The n-th chunk: its number, then a pattern.
pub fn chunk(number: u64) -> Bytes {
    let mut bytes = BytesMut::zeroed(CHUNK as usize);
    bytes.fill((number % 251) as u8);
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes.freeze()
}

/// True if this is the n-th chunk, byte for byte.
pub fn is_chunk(bytes: &[u8], number: u64) -> bool {
    bytes == chunk(number)
}

impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("generated")
    }
}

struct Body {
    next: u64,
    end: u64,
    traffic: Arc<Traffic>,
}

impl Iterator for Body {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.next < self.end).then(|| {
            self.next += 1;
            self.traffic.produced.fetch_add(1, Ordering::SeqCst);
            Ok(chunk(self.next - 1))
        })
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.traffic.dropped(&self.traffic.bodies_dropped);
    }
}

#[derive(Debug)]
struct Check {
    key: Key,
    seen: u64,
    traffic: Arc<Traffic>,
}

impl Drop for Check {
    fn drop(&mut self) {
        self.traffic.dropped(&self.traffic.writers_dropped);
    }
}

impl Writer for Check {
    fn write(&mut self, bytes: Bytes) -> Result<()> {
        if !is_chunk(&bytes, self.seen) {
            return Err(Error::unexpected("a chunk is not the one that was sent").with("number", self.seen));
        }
        self.seen += 1;
        self.traffic.consumed.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::Applied(ObjectMeta::new(self.key.clone(), self.seen * CHUNK)))
    }

    fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn refuse<Value>() -> Result<Value> {
    Err(Error::unsupported("a generated object is only streamed"))
}

impl Backend for Generated {
    fn info(&self) -> BackendInfo {
        let mut capability = Capability::default();
        capability.write = true;
        BackendInfo::new("generated", "", capability)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        Ok(ObjectMeta::new(key.clone(), self.chunks * CHUNK))
    }

    fn read(&self, key: &Key, _options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let meta = ObjectMeta::new(key.clone(), self.chunks * CHUNK);
        let range = 0..meta.size;
        let body = Body { next: 0, end: self.chunks, traffic: Arc::clone(&self.traffic) };
        Ok(ReadReply::new(meta, range, Box::new(body)))
    }

    fn read_ranges(&self, _key: &Key, _ranges: &[Range<u64>], _options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        refuse()
    }

    fn write(&self, _key: &Key, _body: Bytes, _options: &WriteOptions) -> Result<Outcome> {
        refuse()
    }

    fn open_writer(&self, key: &Key, _options: &WriteOptions) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Check { key: key.clone(), seen: 0, traffic: Arc::clone(&self.traffic) }))
    }

    fn settle(&self, _key: &Key, _token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        refuse()
    }

    fn delete(&self, _keys: &[Key], _options: &DeleteOptions) -> Result<Vec<Deleted>> {
        refuse()
    }

    fn list(&self, _prefix: &Prefix, _options: &ListOptions) -> Result<ListPage> {
        refuse()
    }

    fn copy(&self, _from: &Key, _to: &Key, _options: &CopyOptions) -> Result<Outcome> {
        refuse()
    }

    fn rename(&self, _from: &Key, _to: &Key, _options: &RenameOptions) -> Result<Outcome> {
        refuse()
    }

    fn check(&self, _options: &CheckOptions) -> Result<()> {
        if let Ok(handle) = Handle::try_current() {
            self.traffic.checked_on.get_or_init(|| handle);
        }
        Ok(())
    }
}
