//! What is appended: how many writers, how long, and records of which each can be made again to be checked.

use std::time::Duration;

/// No round writes more than this.
const ROUND_BYTES_MAX: usize = 1 << 30;
/// What a frame adds to its payload, for the raw files and the limits of a round.
pub const HEADER: usize = 32;
/// More appends by one writer are not reached in a round: what preallocated files need not have room for.
const WRITER_APPENDS_MAX: usize = 12_000;

/// One round's work.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Threads, each with at most one append under way.
    pub writers: usize,
    /// Bytes of a record.
    pub payload: usize,
    /// After so long nobody begins an append.
    pub time: Duration,
    /// After so many appends a writer stops.
    pub each_max: usize,
}

impl Load {
    /// So many writers of such records for so long.
    pub fn new(writers: usize, payload: usize, time: Duration) -> Self {
        let each_max = (ROUND_BYTES_MAX / (payload + HEADER) / writers).clamp(1, WRITER_APPENDS_MAX);
        Self { writers, payload, time, each_max }
    }

    /// So many records by one writer, however long that takes.
    pub fn of_records(count: usize, payload: usize) -> Self {
        Self { writers: 1, payload, time: Duration::MAX, each_max: count }
    }

    /// For so long everyone appends before anything is timed: files have grown then, and caches are filled.
    pub fn warm_up(&self) -> Duration {
        self.time / 2
    }

    /// After so many appends a writer is warm.
    pub fn warm_max(&self) -> usize {
        self.each_max / 3
    }

    /// Bytes of a frame in a raw file.
    pub fn frame(&self) -> usize {
        self.payload + HEADER
    }

    /// The most bytes that a round can write, frames included.
    pub fn bytes_max(&self) -> usize {
        self.writers * self.each_max * self.frame()
    }

    /// The records of one writer, to be made one after the other.
    pub fn records(&self, writer: usize) -> Records {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut buffer: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .take(self.payload)
        .collect();
        buffer[..8].copy_from_slice(&(writer as u64).to_le_bytes());
        Records { buffer, next: 0 }
    }

    /// What must be found after these numbers of appends by each writer.
    pub fn expected(&self, appended: &[u64]) -> Found {
        let mut found = Found::default();
        for (writer, count) in appended.iter().enumerate() {
            let mut records = self.records(writer);
            (0..*count).for_each(|_| found.add(records.step()));
        }
        found
    }
}

/// Records that nothing can compress and no two of which are equal.
pub struct Records {
    buffer: Vec<u8>,
    next: u64,
}

impl Records {
    /// Makes the next record.
    pub fn step(&mut self) -> &[u8] {
        self.buffer[8..16].copy_from_slice(&self.next.to_le_bytes());
        self.next += 1;
        &self.buffer
    }
}

/// How many records, and the sum of their hashes: the order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    count: u64,
    hashes: u64,
}

impl Found {
    /// Adds one record.
    pub fn add(&mut self, record: &[u8]) {
        let hash = blake3::hash(record);
        let (first, _) = hash.as_bytes().split_at(8);
        self.hashes = first.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)).wrapping_add(self.hashes);
        self.count += 1;
    }
}
