//! Bounds on calls and bytes: settings, and the shared arithmetic.

use std::time::Duration;

use super::bucket::Bucket;

/// Bounds. None by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LimitOptions {
    /// Calls at the backend at one time; a chunk of a body or of a writer is a call of its own, so that bodies and
    /// writers that are open but idle take no place. 0 counts as 1.
    pub calls_max: Option<usize>,
    /// Bytes that reads deliver per second.
    pub read_bytes_per_second: Option<u64>,
    /// Bytes that writes send per second.
    pub write_bytes_per_second: Option<u64>,
    /// Bytes that may move at once after a quiet time, in each direction; as many as in one second by default.
    pub burst_bytes: Option<u64>,
}

impl LimitOptions {
    /// Bounds calls.
    #[must_use]
    pub fn with_calls_max(mut self, calls: usize) -> Self {
        self.calls_max = Some(calls);
        self
    }

    /// Bounds what is read.
    #[must_use]
    pub fn with_read_bytes_per_second(mut self, bytes: u64) -> Self {
        self.read_bytes_per_second = Some(bytes);
        self
    }

    /// Bounds what is written.
    #[must_use]
    pub fn with_write_bytes_per_second(mut self, bytes: u64) -> Self {
        self.write_bytes_per_second = Some(bytes);
        self
    }

    /// Bounds what may move at once.
    #[must_use]
    pub fn with_burst_bytes(mut self, bytes: u64) -> Self {
        self.burst_bytes = Some(bytes);
        self
    }
}

/// The buckets of both directions.
#[derive(Debug)]
pub struct Bandwidth {
    read: Option<Bucket>,
    write: Option<Bucket>,
}

impl Bandwidth {
    /// Buckets that are full now.
    pub fn new(options: &LimitOptions, now: Duration) -> Self {
        let bucket = |rate: Option<u64>| rate.map(|rate| Bucket::new(rate, options.burst_bytes.unwrap_or(rate), now));
        Self { read: bucket(options.read_bytes_per_second), write: bucket(options.write_bytes_per_second) }
    }

    /// How long bytes wait that were read.
    pub fn read(&self, bytes: u64, now: Duration) -> Duration {
        self.read.as_ref().map_or(Duration::ZERO, |bucket| bucket.take(bytes, now))
    }

    /// How long bytes wait that are to be written.
    pub fn write(&self, bytes: u64, now: Duration) -> Duration {
        self.write.as_ref().map_or(Duration::ZERO, |bucket| bucket.take(bytes, now))
    }
}
