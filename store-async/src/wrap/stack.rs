//! The order of wrappers, decided once.

use std::sync::Arc;

use worldstore_core::Prefix;
#[cfg(feature = "tracing")]
use worldstore_core::wrap::TraceScope;
use worldstore_core::wrap::{
    CacheOptions, Dice, DigestBook, FaultOptions, LimitOptions, Metrics, RetryOptions, TimeoutOptions,
};

use super::cache::AsyncCacheBackend;
use super::checksum::AsyncChecksumBackend;
use super::clock::{Timer, TokioClock};
use super::fault::AsyncFaultBackend;
use super::limit::AsyncLimitBackend;
use super::metered::AsyncMetricsBackend;
use super::prefix::AsyncPrefixBackend;
use super::read_only::AsyncReadOnlyBackend;
use super::retry::AsyncRetryBackend;
use super::timeout::AsyncTimeoutBackend;
#[cfg(feature = "tracing")]
use super::trace::AsyncTraceBackend;
use crate::backend::AsyncBackend;

/// Builds wrappers around a backend. Whatever the order of the calls, the wrappers stand in one order, from the outside:
///
/// 1. read-only: nothing below is asked for what is refused;
/// 2. prefix: everything below sees the backend's own keys, so that caches and digests can be shared;
/// 3. tracing and metrics per call: what the caller sees, hits of the cache included;
/// 4. cache: a hit costs no attempt, and keeps only what was compared;
/// 5. checksum: compares bodies after they were mended by the retry;
/// 6. timeout per call: bounds all attempts and their pauses;
/// 7. retry: around all that follows, so that each attempt is bounded, limited and counted;
/// 8. timeout per attempt: inside the retry, or a call that hangs would never be made again;
/// 9. limit: an attempt waits for its place within its deadline, and gives it back before the pause;
/// 10. tracing and metrics per attempt: what the backend sees, without the waiting for a place;
/// 11. faults: as if the backend had them;
/// 12. the backend.
///
/// A second call of one method replaces the first.
#[derive(Debug)]
#[must_use]
pub struct AsyncStack {
    backend: Arc<dyn AsyncBackend>,
    clock: Arc<dyn Timer>,
    read_only: bool,
    prefix: Option<Prefix>,
    #[cfg(feature = "tracing")]
    trace: bool,
    metrics: Option<Arc<Metrics>>,
    cache: Option<CacheOptions>,
    checksum: Option<Arc<dyn DigestBook>>,
    call_timeout: Option<TimeoutOptions>,
    retry: Option<(RetryOptions, Option<u64>)>,
    attempt_timeout: Option<TimeoutOptions>,
    limit: Option<LimitOptions>,
    #[cfg(feature = "tracing")]
    attempt_trace: bool,
    attempt_metrics: Option<Arc<Metrics>>,
    faults: Option<FaultOptions>,
}

impl AsyncStack {
    /// Begins with the backend alone.
    pub fn new(backend: Arc<dyn AsyncBackend>) -> Self {
        Self {
            backend,
            clock: Arc::new(TokioClock::default()),
            read_only: false,
            prefix: None,
            #[cfg(feature = "tracing")]
            trace: false,
            metrics: None,
            cache: None,
            checksum: None,
            call_timeout: None,
            retry: None,
            attempt_timeout: None,
            limit: None,
            #[cfg(feature = "tracing")]
            attempt_trace: false,
            attempt_metrics: None,
            faults: None,
        }
    }

    /// Measures and waits by this clock.
    pub fn clock(mut self, clock: Arc<dyn Timer>) -> Self {
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

    /// Bounds each call with all its attempts.
    pub fn call_timeout(mut self, options: TimeoutOptions) -> Self {
        self.call_timeout = Some(options);
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

    /// Bounds each attempt.
    pub fn attempt_timeout(mut self, options: TimeoutOptions) -> Self {
        self.attempt_timeout = Some(options);
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
    pub fn build(self) -> Arc<dyn AsyncBackend> {
        let clock = || Arc::clone(&self.clock);
        let mut backend = self.backend;
        if let Some(options) = self.faults {
            backend = Arc::new(AsyncFaultBackend::with_clock(backend, options, clock()));
        }
        if let Some(metrics) = self.attempt_metrics {
            backend = Arc::new(AsyncMetricsBackend::with_clock(backend, metrics, clock()));
        }
        #[cfg(feature = "tracing")]
        if self.attempt_trace {
            backend = Arc::new(AsyncTraceBackend::new(backend, TraceScope::Attempt));
        }
        if let Some(options) = self.limit {
            backend = Arc::new(AsyncLimitBackend::with_clock(backend, options, clock()));
        }
        if let Some(options) = self.attempt_timeout {
            backend = Arc::new(AsyncTimeoutBackend::with_clock(backend, options, clock()));
        }
        if let Some((options, seed)) = self.retry {
            let jitter = seed.map_or_else(Dice::unseeded, Dice::new);
            backend = Arc::new(AsyncRetryBackend::with_clock(backend, options, clock(), jitter));
        }
        if let Some(options) = self.call_timeout {
            backend = Arc::new(AsyncTimeoutBackend::with_clock(backend, options, clock()));
        }
        if let Some(book) = self.checksum {
            backend = Arc::new(AsyncChecksumBackend::new(backend, book));
        }
        if let Some(options) = self.cache {
            backend = Arc::new(AsyncCacheBackend::new(backend, options));
        }
        if let Some(metrics) = self.metrics {
            backend = Arc::new(AsyncMetricsBackend::with_clock(backend, metrics, clock()));
        }
        #[cfg(feature = "tracing")]
        if self.trace {
            backend = Arc::new(AsyncTraceBackend::new(backend, TraceScope::Call));
        }
        if let Some(prefix) = self.prefix {
            backend = Arc::new(AsyncPrefixBackend::new(backend, prefix));
        }
        if self.read_only {
            backend = Arc::new(AsyncReadOnlyBackend::new(backend));
        }
        backend
    }
}
