//! A backend in memory that loses answers, lacks conditions, and counts.

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use worldstore_core::*;

/// What becomes of a write whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It has happened.
    Applied,
    /// It has not.
    Dropped,
}

#[derive(Debug, Default)]
pub struct Rigged {
    pub memory: Memory,
    /// What becomes of the next writes of the manifest, the last first.
    pub lost: Mutex<Vec<Lost>>,
    pub without_if_match: bool,
    /// Data files cannot be committed.
    pub refuses_data: AtomicBool,
    /// After the next answer that is lost, nothing can be read.
    pub goes_away: AtomicBool,
    pub is_away: AtomicBool,
    pub reads: AtomicU64,
    pub range_reads: AtomicU64,
    pub bytes_read: AtomicU64,
}

impl fmt::Display for Rigged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rigged")
    }
}

impl Rigged {
    fn expect_there(&self) -> Result<()> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "service is away")),
            false => Ok(()),
        }
    }
}

impl Backend for Rigged {
    fn info(&self) -> BackendInfo {
        let mut info = self.memory.info();
        info.capability.write_if_match &= !self.without_if_match;
        info
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.memory.stat(key, options)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        self.expect_there()?;
        let reply = self.memory.read(key, options)?;
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.bytes_read.fetch_add(reply.range.end - reply.range.start, Ordering::SeqCst);
        Ok(reply)
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.range_reads.fetch_add(1, Ordering::SeqCst);
        self.bytes_read.fetch_add(ranges.iter().map(|range| range.end - range.start).sum(), Ordering::SeqCst);
        self.memory.read_ranges(key, ranges, options)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        if key.name() != "_manifest.json" {
            return self.memory.write(key, body, options);
        }
        let lost = self.lost.lock().unwrap().pop();
        if lost.is_some() && self.goes_away.load(Ordering::SeqCst) {
            self.is_away.store(true, Ordering::SeqCst);
        }
        match lost {
            None => self.memory.write(key, body, options),
            Some(Lost::Dropped) => Ok(Outcome::Unknown),
            Some(Lost::Applied) => {
                let outcome = self.memory.write(key, body, options)?;
                assert!(matches!(outcome, Outcome::Applied(_)));
                Ok(Outcome::Unknown)
            }
        }
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        match self.refuses_data.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::StorageFull, "no space is left")),
            false => self.memory.open_writer(key, options),
        }
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.memory.settle(key, token, options)
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        self.memory.delete(keys, options)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.memory.list(prefix, options)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.memory.copy(from, to, options)
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.memory.rename(from, to, options)
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.memory.check(options)
    }
}
