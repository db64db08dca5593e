//! Time as an argument, async.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use worldstore_core::wrap::{Clock, ManualClock};

/// A clock by which wrappers measure and wait: the mirror of [`Clock`].
#[async_trait]
pub trait AsyncClock: Send + Sync + Debug + 'static {
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
impl AsyncClock for TokioClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    async fn sleep(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

#[async_trait]
impl AsyncClock for ManualClock {
    fn now(&self) -> Duration {
        Clock::now(self)
    }

    async fn sleep(&self, pause: Duration) {
        Clock::sleep(self, pause);
    }
}
