//! Figures of caches, logs and stores as metrics: names, units and kinds as OpenTelemetry and Prometheus know them, for any
//! exporter. The chapter [`docs::telemetry`](crate::docs::telemetry) lists them, and the spans beside them.
//!
//! ```
//! use worldstore::telemetry;
//! use worldstore::{World, WorldOptions};
//!
//! # fn main() -> worldstore::Result<()> { tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let world = World::create("memory:", &WorldOptions::default()).await?;
//! for metric in world.stats().iter().flat_map(telemetry::of_cache) {
//!     println!("{} {} {}", metric.name, metric.value, metric.unit);
//! }
//! world.shutdown().await?;
//! # Ok(()) }) }
//! ```

use worldstore_cache::CacheStats;
use worldstore_core::wal::WalStats;
use worldstore_core::wrap::{MetricsSnapshot, Operation};

/// One figure at one moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// As OpenTelemetry writes names: `worldstore.cache.buffered.rows`.
    pub name: &'static str,
    /// In UCUM, with what is counted in braces: `By`, `s`, `{row}`.
    pub unit: &'static str,
    /// Whether it only grows.
    pub kind: MetricKind,
    /// What tells it from others of its name: at most one pair.
    pub attribute: Option<(&'static str, String)>,
    /// The figure.
    pub value: f64,
}

/// Whether a figure only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// It only grows while the process lives.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Metric {
    fn counter(name: &'static str, unit: &'static str, value: u64) -> Self {
        Self { name, unit, kind: MetricKind::Counter, attribute: None, value: value as f64 }
    }

    fn gauge(name: &'static str, unit: &'static str, value: u64) -> Self {
        Self { kind: MetricKind::Gauge, ..Self::counter(name, unit, value) }
    }

    fn of(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.attribute = Some((key, value.into()));
        self
    }
}

/// The figures of a world's cache, of its tables (attribute `db.collection.name`), and of its log if it has one.
pub fn of_cache(stats: &CacheStats) -> Vec<Metric> {
    let mut metrics = vec![
        Metric::counter("worldstore.cache.seq", "{append}", stats.last_seq),
        Metric::counter("worldstore.cache.durable.seq", "{append}", stats.durable_seq),
        Metric::counter("worldstore.cache.committed.seq", "{append}", stats.committed_seq),
        Metric::counter("worldstore.cache.published.seq", "{append}", stats.published_seq),
        Metric::counter("worldstore.cache.flushes", "{flush}", stats.flushes),
        Metric::counter("worldstore.cache.flushed.rows", "{row}", stats.flushed_rows),
        Metric::counter("worldstore.cache.flush.failures", "{flush}", stats.failed_flushes),
        Metric::counter("worldstore.cache.publications", "{publication}", stats.publications),
        Metric::counter("worldstore.cache.publication.failures", "{publication}", stats.failed_publications),
        Metric::gauge("worldstore.cache.fenced", "1", u64::from(stats.fenced.is_some())),
    ];
    for table in &stats.tables {
        let of = |metric: Metric| metric.of("db.collection.name", table.table.as_str());
        let oldest = table.oldest.unwrap_or_default().as_secs_f64();
        metrics.extend([
            of(Metric::gauge("worldstore.cache.buffered.rows", "{row}", table.buffered_rows as u64)),
            of(Metric::gauge("worldstore.cache.buffered.size", "By", table.buffered_bytes as u64)),
            Metric { value: oldest, ..of(Metric::gauge("worldstore.cache.buffered.age", "s", 0)) },
            of(Metric::counter("worldstore.table.version", "{version}", table.version)),
        ]);
    }
    metrics.extend(stats.log.iter().flat_map(of_log));
    metrics
}

/// The figures of a write-ahead log.
pub fn of_log(stats: &WalStats) -> Vec<Metric> {
    vec![
        Metric::counter("worldstore.log.records", "{record}", stats.records),
        Metric::counter("worldstore.log.written", "By", stats.bytes),
        Metric::counter("worldstore.log.syncs", "{sync}", stats.groups),
        Metric::gauge("worldstore.log.unsynced.size", "By", stats.unsynced_bytes),
        Metric::gauge("worldstore.log.size", "By", stats.retained_bytes),
        Metric::gauge("worldstore.log.segments", "{segment}", stats.segments as u64),
    ]
}

/// What went through a byte store: that of a [world](crate::World::store_stats), or one in a `MetricsBackend`. Calls and
/// their durations by `db.operation.name`, errors by `error.type`.
pub fn of_store(stats: &MetricsSnapshot) -> Vec<Metric> {
    let used = Operation::ALL.into_iter().filter(|operation| stats.calls_of(*operation) > 0);
    let calls = used.flat_map(|operation| {
        let of = |metric: Metric| metric.of("db.operation.name", operation.as_str());
        let busy = stats.busy_of(operation).as_secs_f64();
        [
            of(Metric::counter("worldstore.store.operations", "{operation}", stats.calls_of(operation))),
            of(Metric { value: busy, ..Metric::counter("worldstore.store.duration", "s", 0) }),
        ]
    });
    let errors = stats.errors.iter().map(|(kind, count)| {
        Metric::counter("worldstore.store.errors", "{error}", *count).of("error.type", kind.code())
    });
    let rest = [
        Metric::counter("worldstore.store.read", "By", stats.bytes_read),
        Metric::counter("worldstore.store.written", "By", stats.bytes_written),
        Metric::counter("worldstore.store.rejected", "{operation}", stats.rejected),
        Metric::counter("worldstore.store.unknown", "{operation}", stats.unknown),
        Metric::counter("worldstore.store.abandoned", "{operation}", stats.abandoned),
        Metric::gauge("worldstore.store.in_flight", "{operation}", stats.in_flight),
    ];
    calls.chain(errors).chain(rest).collect()
}
