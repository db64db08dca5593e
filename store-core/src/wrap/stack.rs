//! The order of wrappers, decided once.

use std::sync::Arc;

use crate::backend::Backend;
use crate::key::Prefix;

use super::cache::CacheBackend;
use super::cache_index::CacheOptions;
use super::checksum::ChecksumBackend;
use super::clock::{Clock, SystemClock};
use super::dice::Dice;
use super::digest::DigestBook;
use super::fault::FaultBackend;
use super::faults::FaultOptions;
use super::limit::LimitBackend;
use super::limits::LimitOptions;
use super::metered::MetricsBackend;
use super::metrics::Metrics;
use super::prefix::PrefixBackend;
use super::read_only::ReadOnlyBackend;
use super::retry::RetryBackend;
use super::retry_policy::RetryOptions;
#[cfg(feature = "tracing")]
use super::trace::{TraceBackend, TraceScope};

/// Builds wrappers around a backend. Whatever the order of the calls, the wrappers stand in one order, from the outside:
///
/// 1. read-only: nothing below is asked for what is refused;
/// 2. prefix: everything below sees the backend's own keys, so that caches and digests can be shared;
/// 3. tracing and metrics per call: what the caller sees, hits of the cache included;
/// 4. cache: a hit costs no attempt, and keeps only what was compared;
/// 5. checksum: compares bodies after they were mended by the retry;
/// 6. retry: around all that follows, so that each attempt is limited and counted;
/// 7. limit: an attempt waits for its place, and gives it back before the pause;
/// 8. tracing and metrics per attempt: what the backend sees, without the waiting for a place;
/// 9. faults: as if the backend had them;
/// 10. the backend.
///
/// There is no timeout on the sync side: see [the module](crate::wrap).
///
/// A second call of one method replaces the first.
#[derive(Debug)]
#[must_use]
pub struct Stack {
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    read_only: bool,
    prefix: Option<Prefix>,
    #[cfg(feature = "tracing")]
    trace: bool,
    metrics: Option<Arc<Metrics>>,
    cache: Option<CacheOptions>,
    checksum: Option<Arc<dyn DigestBook>>,
    retry: Option<(RetryOptions, Option<u64>)>,
    limit: Option<LimitOptions>,
    #[cfg(feature = "tracing")]
    attempt_trace: bool,
    attempt_metrics: Option<Arc<Metrics>>,
    faults: Option<FaultOptions>,
}

impl Stack {
    /// Begins with the backend alone.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self {
            backend,
            clock: Arc::new(SystemClock::default()),
            read_only: false,
            prefix: None,
            #[cfg(feature = "tracing")]
            trace: false,
            metrics: None,
            cache: None,
            checksum: None,
            retry: None,
            limit: None,
            #[cfg(feature = "tracing")]
            attempt_trace: false,
            attempt_metrics: None,
            faults: None,
        }
    }

    /// Measures and waits by this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Refuses changes.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Shows a folder as the root.
    pub fn prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = Some(prefix);
        self
    }

    /// Opens a span for each call.
    #[cfg(feature = "tracing")]
    pub fn trace(mut self) -> Self {
        self.trace = true;
        self
    }

    /// Counts calls.
    pub fn metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Keeps what was read.
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.cache = Some(options);
        self
    }

    /// Compares what is read with what was written.
    pub fn checksum(mut self, book: Arc<dyn DigestBook>) -> Self {
        self.checksum = Some(book);
        self
    }

    /// Tries again, with a jitter that differs each time.
    pub fn retry(mut self, options: RetryOptions) -> Self {
        self.retry = Some((options, None));
        self
    }

    /// Tries again, with the jitter of this seed.
    pub fn retry_seeded(mut self, options: RetryOptions, seed: u64) -> Self {
        self.retry = Some((options, Some(seed)));
        self
    }

    /// Bounds calls and bytes.
    pub fn limit(mut self, options: LimitOptions) -> Self {
        self.limit = Some(options);
        self
    }

    /// Opens a span for each attempt.
    #[cfg(feature = "tracing")]
    pub fn attempt_trace(mut self) -> Self {
        self.attempt_trace = true;
        self
    }

    /// Counts attempts.
    pub fn attempt_metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.attempt_metrics = Some(metrics);
        self
    }

    /// Fails on purpose.
    pub fn faults(mut self, options: FaultOptions) -> Self {
        self.faults = Some(options);
        self
    }

    /// Puts the wrappers around the backend.
    #[must_use]
    pub fn build(self) -> Arc<dyn Backend> {
        let clock = || Arc::clone(&self.clock);
        let mut backend = self.backend;
        if let Some(options) = self.faults {
            backend = Arc::new(FaultBackend::with_clock(backend, options, clock()));
        }
        if let Some(metrics) = self.attempt_metrics {
            backend = Arc::new(MetricsBackend::with_clock(backend, metrics, clock()));
        }
        #[cfg(feature = "tracing")]
        if self.attempt_trace {
            backend = Arc::new(TraceBackend::new(backend, TraceScope::Attempt));
        }
        if let Some(options) = self.limit {
            backend = Arc::new(LimitBackend::with_clock(backend, options, clock()));
        }
        if let Some((options, seed)) = self.retry {
            let jitter = seed.map_or_else(Dice::unseeded, Dice::new);
            backend = Arc::new(RetryBackend::with_clock(backend, options, clock(), jitter));
        }
        if let Some(book) = self.checksum {
            backend = Arc::new(ChecksumBackend::new(backend, book));
        }
        if let Some(options) = self.cache {
            backend = Arc::new(CacheBackend::new(backend, options));
        }
        if let Some(metrics) = self.metrics {
            backend = Arc::new(MetricsBackend::with_clock(backend, metrics, clock()));
        }
        #[cfg(feature = "tracing")]
        if self.trace {
            backend = Arc::new(TraceBackend::new(backend, TraceScope::Call));
        }
        if let Some(prefix) = self.prefix {
            backend = Arc::new(PrefixBackend::new(backend, prefix));
        }
        if self.read_only {
            backend = Arc::new(ReadOnlyBackend::new(backend));
        }
        backend
    }
}
