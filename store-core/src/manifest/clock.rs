//! The time of day as an argument. It decides when leases end and what is old, never who has won.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock that tells the time of day, and waits.
pub trait WallClock: Send + Sync + Debug + 'static {
    /// Milliseconds since 1970. It may jump, and differ between machines.
    fn unix_ms(&self) -> u64;

    /// Waits.
    fn sleep(&self, pause: Duration);
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemWallClock;

impl WallClock for SystemWallClock {
    fn unix_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, pause: Duration) {
        std::thread::sleep(pause);
    }
}

/// A clock for tests: it stands still until it is moved, and sleeping takes no time.
#[derive(Debug, Default)]
pub struct ManualWallClock {
    unix_ms: AtomicU64,
}

impl ManualWallClock {
    /// A clock at this time.
    pub fn new(unix_ms: u64) -> Self {
        Self { unix_ms: AtomicU64::new(unix_ms) }
    }

    /// Sets the time, forwards or back.
    pub fn set(&self, unix_ms: u64) {
        self.unix_ms.store(unix_ms, Ordering::Relaxed);
    }
}

impl WallClock for ManualWallClock {
    fn unix_ms(&self) -> u64 {
        self.unix_ms.load(Ordering::Relaxed)
    }

    fn sleep(&self, _pause: Duration) {
        std::thread::yield_now();
    }
}
