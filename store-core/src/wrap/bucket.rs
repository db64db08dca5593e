//! A token bucket: how long bytes have to wait, without a clock of its own.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A bucket that fills with bytes at a steady rate. Who takes more than it holds goes into debt and waits for as long as
/// the debt takes to be filled; so bytes flow at the rate whatever their portions are.
#[derive(Debug)]
pub struct Bucket {
    bytes_per_second: f64,
    burst_bytes: f64,
    /// Bytes in the bucket, negative for a debt, and when that was so.
    level: Mutex<(f64, Duration)>,
}

impl Bucket {
    /// A full bucket. It holds `burst_bytes`; a rate of 0 counts as 1 byte per second.
    pub fn new(bytes_per_second: u64, burst_bytes: u64, now: Duration) -> Self {
        let (rate, burst) = (bytes_per_second.max(1) as f64, burst_bytes as f64);
        Self { bytes_per_second: rate, burst_bytes: burst, level: Mutex::new((burst, now)) }
    }

    /// Takes bytes, and says how long to wait before they may move.
    pub fn take(&self, bytes: u64, now: Duration) -> Duration {
        let mut state = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let (level, at) = *state;
        let filled = now.saturating_sub(at).as_secs_f64() * self.bytes_per_second;
        let level = (level + filled).min(self.burst_bytes) - bytes as f64;
        *state = (level, now.max(at));
        Duration::try_from_secs_f64(-level.min(0.0) / self.bytes_per_second).unwrap_or(Duration::MAX)
    }
}
