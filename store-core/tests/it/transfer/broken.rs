//! A backend in memory that breaks on purpose, and counts.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use worldstore_core::*;

/// Chunks of its bodies.
pub const CHUNK: usize = 1000;

#[derive(Debug, Default)]
pub struct Broken {
    pub memory: Memory,
    /// Reads break after so many bytes, if not zero.
    pub read_breaks_after: AtomicU64,
    /// Writers store something else.
    pub writes_damage: AtomicBool,
    /// It copies nothing.
    pub without_copy: bool,
    /// Writes to keys that end so fail.
    pub refuses: Option<&'static str>,
    /// Bytes that reads have delivered.
    pub bytes_read: AtomicU64,
    pub copies: AtomicUsize,
    /// How many keys each delete had.
    pub deletes: std::sync::Mutex<Vec<usize>>,
    /// Calls of `copy` at work, and the most at once.
    pub at_work: (AtomicUsize, AtomicUsize),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl Backend for Broken {
    fn info(&self) -> BackendInfo {
        let mut info = self.memory.info();
        info.capability.copy &= !self.without_copy;
        info
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.memory.stat(key, options)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let ReadReply { meta, range, body, .. } = self.memory.read(key, options)?;
        let whole = body.collect::<Result<Vec<_>>>()?.concat();
        let limit = match self.read_breaks_after.load(Ordering::SeqCst) {
            0 => whole.len(),
            limit => whole.len().min(limit as usize),
        };
        self.bytes_read.fetch_add(limit as u64, Ordering::SeqCst);
        let mut chunks: Vec<_> = whole[..limit].chunks(CHUNK).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        if limit < whole.len() {
            chunks.push(Err(Error::new(ErrorKind::Unavailable, "connection is gone")));
        }
        Ok(ReadReply::new(meta, range, Box::new(chunks.into_iter())))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.memory.read_ranges(key, ranges, options)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.memory.write(key, body, options)
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        if self.refuses.is_some_and(|end| key.as_str().ends_with(end)) {
            return Err(Error::new(ErrorKind::StorageFull, "no space is left"));
        }
        let inner = self.memory.open_writer(key, options)?;
        Ok(Box::new(BrokenWriter { inner, damages: self.writes_damage.load(Ordering::SeqCst) }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.memory.settle(key, token, options)
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        self.deletes.lock().unwrap().push(keys.len());
        if keys.iter().any(|key| key.as_str().ends_with("unreachable")) {
            return Err(Error::new(ErrorKind::Unavailable, "service is away").with("key", "some"));
        }
        self.memory.delete(keys, options)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.memory.list(prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.copies.fetch_add(1, Ordering::SeqCst);
        let now = self.at_work.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_work.1.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(2));
        let outcome = self.memory.copy(from, to, options);
        self.at_work.0.fetch_sub(1, Ordering::SeqCst);
        outcome
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.memory.rename(from, to, options)
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.memory.check(options)
    }
}

#[derive(Debug)]
struct BrokenWriter {
    inner: Box<dyn Writer>,
    damages: bool,
}

impl Writer for BrokenWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        match self.damages {
            true => {
                let mut bytes = chunk.to_vec();
                bytes[0] ^= 1;
                self.inner.write(bytes.into())
            }
            false => self.inner.write(chunk),
        }
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        self.inner.commit()
    }

    fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort()
    }
}
