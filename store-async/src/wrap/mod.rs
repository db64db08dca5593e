//! Wrappers: async backends around an async backend, each with one job, and an [`AsyncStack`] that puts them in the
//! right order. What they decide is decided in [`worldstore_core::wrap`], once for both sides.

mod cache;
mod checksum;
mod clock;
mod fault;
#[cfg(feature = "snapshots")]
mod ledger;
mod limit;
mod metered;
mod prefix;
mod read_only;
mod retry;
mod stack;
mod tiered;
mod timeout;
#[cfg(feature = "tracing")]
mod trace;

pub use cache::AsyncCacheBackend;
pub use checksum::AsyncChecksumBackend;
pub use clock::{Timer, TokioClock};
pub use fault::AsyncFaultBackend;
#[cfg(feature = "snapshots")]
pub use ledger::{AsyncLedgerBackend, Ledger, Noted};
pub use limit::AsyncLimitBackend;
pub use metered::AsyncMetricsBackend;
pub use prefix::AsyncPrefixBackend;
pub use read_only::AsyncReadOnlyBackend;
pub use retry::AsyncRetryBackend;
pub use stack::AsyncStack;
pub use tiered::AsyncTieredBackend;
pub use timeout::AsyncTimeoutBackend;
#[cfg(feature = "tracing")]
pub use trace::AsyncTraceBackend;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use worldstore_core::{Error, Result};

use crate::backend::AsyncChunks;

/// A body that is made chunk by chunk.
trait Steps: Send + 'static {
    /// The next chunk; none at the end.
    fn step(&mut self) -> impl Future<Output = Option<Result<Bytes>>> + Send;
}

fn into_stream(steps: impl Steps) -> AsyncChunks {
    let next = |mut steps| async move {
        let item = Steps::step(&mut steps).await?;
        Some((item, steps))
    };
    stream::unfold(steps, next).boxed()
}

fn no_links() -> Error {
    Error::unsupported("the backend signs no links")
}
