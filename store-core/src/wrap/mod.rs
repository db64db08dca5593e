//! Wrappers: backends around a backend, each with one job, and a [`Stack`] that puts them in the right order.
//!
//! | wrapper | what it adds |
//! |---|---|
//! | [`ReadOnlyBackend`] | refuses changes |
//! | [`PrefixBackend`] | a folder as the root |
//! | [`MetricsBackend`] | counts and times, per call or per attempt |
//! | `TraceBackend` | spans, per call or per attempt (feature `tracing`) |
//! | [`TieredBackend`] | whole objects in a store near by, in front of one far away; survives a restart |
//! | [`CacheBackend`] | whole small objects and ranges in memory, checked by version before each use |
//! | [`ChecksumBackend`] | digests of what is written, compared when it is read |
//! | [`RetryBackend`] | another attempt after a failure that passes |
//! | [`LimitBackend`] | bounds on calls and on bytes per second |
//! | [`FaultBackend`] | failures on purpose, from a seed |
//!
//! `worldstore-async` has each of them as `Async…`, and `AsyncTimeoutBackend` besides: only a future can be given up. A
//! sync backend that shall have deadlines is wrapped there and adapted back.
//!
//! What they decide is here once, without I/O and without a clock or a source of chance of its own: [`RetryPolicy`],
//! [`Bucket`], [`CacheIndex`], [`TierIndex`], [`FaultPlan`], [`Metrics`]. The wrappers of both sides only drive it.

mod below;
mod bucket;
mod cache;
mod cache_index;
mod checksum;
mod clock;
mod dice;
mod digest;
mod fault;
mod faults;
mod limit;
mod limits;
mod metered;
mod metrics;
mod operation;
mod prefix;
mod read_only;
mod retry;
mod retry_policy;
mod stack;
mod tiered;
mod tiered_entry;
mod tiered_index;
mod timeouts;
#[cfg(feature = "tracing")]
mod trace;

pub use below::Below;
pub use bucket::Bucket;
pub use cache::CacheBackend;
pub use cache_index::{CacheIndex, CacheOptions, CacheStats, ENTRY_BYTES};
pub use checksum::ChecksumBackend;
pub use clock::{Clock, ManualClock, SystemClock};
pub use dice::{Dice, Tokens};
pub use digest::{Digest, DigestBook, Digester, MemoryDigests};
pub use fault::FaultBackend;
pub use faults::{Ending, Fate, Fault, FaultOptions, FaultPlan, Odds, injected};
pub use limit::LimitBackend;
pub use limits::{Bandwidth, LimitOptions};
pub use metered::MetricsBackend;
pub use metrics::{DURATION_BUCKETS_US, Metrics, MetricsSnapshot, Timing};
pub use operation::{Class, Operation};
pub use prefix::PrefixBackend;
pub use read_only::ReadOnlyBackend;
pub use retry::RetryBackend;
pub use retry_policy::{Attempts, Next, Repeat, Rest, RetryOptions, RetryPolicy, WriteSteps};
pub use stack::Stack;
pub use tiered::TieredBackend;
pub use tiered_entry::{TIER_BLOCK_BYTES, TierChecks, TierDigester, TierEntry};
pub use tiered_index::{TierIndex, TierOptions, TierRoom, TierStats};
pub use timeouts::TimeoutOptions;
#[cfg(feature = "tracing")]
pub use trace::{TraceBackend, TraceScope, ended, ended_change, failed, failed_as};

use crate::error::Error;

fn no_links() -> Error {
    Error::unsupported("the backend signs no links")
}

#[cfg(test)]
mod tests;
