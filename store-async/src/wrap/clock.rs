//! Time as an argument, async.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use worldstore_core::wrap::{Clock, ManualClock};

/// A clock by which async wrappers measure and wait: what [`Clock`] is to the sync ones.
#[async_trait]
pub trait Timer: Send + Sync + Debug + 'static {
    /// The time since some fixed moment. It never goes back.
    fn now(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, pause: Duration);
}

/// Tokio's clock. It needs a runtime with time enabled around it to sleep.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    origin: Instant,
}

impl Default for TokioClock {
    fn default() -> Self {
        Self { origin: Instant::now() }
    }
}

#[async_trait]
impl Timer for TokioClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    async fn sleep(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

#[async_trait]
impl Timer for ManualClock {
    fn now(&self) -> Duration {
        Clock::now(self)
    }

    async fn sleep(&self, pause: Duration) {
        Clock::sleep(self, pause);
    }
}
