//! Settings and counts of a store of blocks.

use std::sync::atomic::{AtomicU64, Ordering};

use super::content::BLOCK_BYTES_MAX;
use crate::error::{Error, Result};
use crate::ops::{Durability, WriteOptions};
use crate::planted::{Bug, Planted};

/// Settings of [`Blocks`](super::Blocks).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BlockOptions {
    /// The longest block in bytes, 1 to [`BLOCK_BYTES_MAX`]; 4 MiB by default. It may change at any time: contents that
    /// are stored are read as they are.
    pub block_bytes: u64,
    /// How often a block is written while the backend does not say whether it is stored; 5 by default.
    pub attempts: u32,
    /// Bugs on purpose.
    #[doc(hidden)]
    pub planted: Planted,
}

impl Default for BlockOptions {
    fn default() -> Self {
        Self { block_bytes: 4 << 20, attempts: 5, planted: Planted::default() }
    }
}

impl BlockOptions {
    /// Sets the longest block in bytes.
    #[must_use]
    pub fn with_block_bytes(mut self, block_bytes: u64) -> Self {
        self.block_bytes = block_bytes;
        self
    }

    /// Sets how often a block is written while nobody knows whether it is stored.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(1..=BLOCK_BYTES_MAX).contains(&self.block_bytes) {
            return Err(Error::invalid("blocks are 1 byte to 64 MiB").with("block_bytes", self.block_bytes));
        }
        match self.attempts {
            0 => Err(Error::invalid("a block takes one attempt at least")),
            _ => Ok(()),
        }
    }

    pub(super) fn write_options(&self) -> WriteOptions {
        match self.planted.has(Bug::BlocksNotDurable) {
            true => WriteOptions::default().with_durability(Durability::None),
            false => WriteOptions::default(),
        }
    }
}

/// What a store of blocks has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BlockStats {
    /// Blocks written.
    pub written: u64,
    /// Their bytes.
    pub written_bytes: u64,
    /// Blocks that were put and not written, because they are there.
    pub deduplicated: u64,
    /// Their bytes.
    pub deduplicated_bytes: u64,
    /// Blocks read and found right.
    pub read: u64,
    /// Their bytes.
    pub read_bytes: u64,
    /// Writes after which the backend did not know whether the block is stored.
    pub unknown: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    written: Count,
    deduplicated: Count,
    read: Count,
    unknown: AtomicU64,
}

#[derive(Debug, Default)]
struct Count {
    number: AtomicU64,
    bytes: AtomicU64,
}

impl Count {
    fn add(&self, bytes: u64) {
        self.number.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn get(&self) -> (u64, u64) {
        (self.number.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

impl Counters {
    pub fn written(&self, bytes: u64) {
        self.written.add(bytes);
    }

    pub fn deduplicated(&self, bytes: u64) {
        self.deduplicated.add(bytes);
    }

    pub fn read(&self, bytes: u64) {
        self.read.add(bytes);
    }

    pub fn unknown(&self) {
        self.unknown.fetch_add(1, Ordering::Relaxed);
    }

    pub fn stats(&self) -> BlockStats {
        let (written, written_bytes) = self.written.get();
        let (deduplicated, deduplicated_bytes) = self.deduplicated.get();
        let (read, read_bytes) = self.read.get();
        let unknown = self.unknown.load(Ordering::Relaxed);
        BlockStats { written, written_bytes, deduplicated, deduplicated_bytes, read, read_bytes, unknown }
    }
}
