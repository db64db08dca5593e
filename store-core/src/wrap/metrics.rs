//! Counts of what goes through a backend: plain atomic counters, read as a snapshot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::ErrorKind;
use crate::ops::Outcome;

use super::operation::Operation;

/// Upper bounds of the buckets of [`MetricsSnapshot::durations`], in microseconds; one more bucket holds the rest.
pub const DURATION_BUCKETS_US: [u64; 12] =
    [10, 100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000, 60_000_000];

/// Counters that a wrapper adds to. Several wrappers may share them.
#[derive(Debug, Default)]
pub struct Metrics {
    calls: [AtomicU64; Operation::ALL.len()],
    /// By the place of the kind in [`ErrorKind::ALL`].
    errors: [AtomicU64; ErrorKind::ALL.len()],
    rejected: AtomicU64,
    unknown: AtomicU64,
    abandoned: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    in_flight: AtomicU64,
    busy_us: [AtomicU64; Operation::ALL.len()],
    durations: [AtomicU64; DURATION_BUCKETS_US.len() + 1],
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Calls begun, at the place of their operation in [`Operation::ALL`].
    pub calls: [u64; Operation::ALL.len()],
    /// Errors of calls, and of bodies under way, by kind; without the kinds that did not occur.
    pub errors: Vec<(ErrorKind, u64)>,
    /// Changes whose condition was false.
    pub rejected: u64,
    /// Changes whose outcome is unknown.
    pub unknown: u64,
    /// Calls whose future was dropped, and bodies that were dropped before their end.
    pub abandoned: u64,
    /// Bytes that reads delivered.
    pub bytes_read: u64,
    /// Bytes handed to writes.
    pub bytes_written: u64,
    /// Calls that have not returned and bodies that have not ended.
    pub in_flight: u64,
    /// How long the calls of an operation took together, at its place in [`Operation::ALL`], reads to the end of their
    /// bodies. Those that were abandoned are left out.
    pub busy: [Duration; Operation::ALL.len()],
    /// How long calls took, reads to the end of their bodies: counts by [`DURATION_BUCKETS_US`].
    pub durations: [u64; DURATION_BUCKETS_US.len() + 1],
}

impl MetricsSnapshot {
    /// Calls of one operation.
    pub fn calls_of(&self, operation: Operation) -> u64 {
        self.calls[operation as usize]
    }

    /// How long the calls of one operation took together.
    pub fn busy_of(&self, operation: Operation) -> Duration {
        self.busy[operation as usize]
    }

    /// All calls.
    pub fn calls_total(&self) -> u64 {
        self.calls.iter().sum()
    }

    /// Errors of one kind.
    pub fn errors_of(&self, kind: ErrorKind) -> u64 {
        self.errors.iter().find(|(other, _)| *other == kind).map_or(0, |(_, count)| *count)
    }
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}

impl Metrics {
    /// The counts so far.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let errors = ErrorKind::ALL.iter().zip(&self.errors).map(|(kind, count)| (*kind, get(count)));
        MetricsSnapshot {
            calls: std::array::from_fn(|place| get(&self.calls[place])),
            errors: errors.filter(|(_, count)| *count > 0).collect(),
            rejected: get(&self.rejected),
            unknown: get(&self.unknown),
            abandoned: get(&self.abandoned),
            bytes_read: get(&self.bytes_read),
            bytes_written: get(&self.bytes_written),
            in_flight: get(&self.in_flight),
            busy: std::array::from_fn(|place| Duration::from_micros(get(&self.busy_us[place]))),
            durations: std::array::from_fn(|place| get(&self.durations[place])),
        }
    }

    /// Counts bytes that a read delivered.
    pub fn read(&self, bytes: u64) {
        add(&self.bytes_read, bytes);
    }

    /// Counts bytes that are handed to a write.
    pub fn wrote(&self, bytes: u64) {
        add(&self.bytes_written, bytes);
    }

    /// Counts how a change ended.
    pub fn ended(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Applied(_) => {}
            Outcome::Rejected => add(&self.rejected, 1),
            Outcome::Unknown => add(&self.unknown, 1),
        }
    }

    /// Begins a call.
    pub fn begin(self: &Arc<Self>, operation: Operation, now: Duration) -> Timing {
        add(&self.calls[operation as usize], 1);
        add(&self.in_flight, 1);
        Timing { metrics: Arc::clone(self), operation, began: now, open: true }
    }

    /// Counts an error.
    pub fn failed(&self, kind: ErrorKind) {
        add(&self.errors[kind as usize], 1);
    }
}

/// A call under way. Dropping it counts the call as abandoned.
#[derive(Debug)]
pub struct Timing {
    metrics: Arc<Metrics>,
    operation: Operation,
    began: Duration,
    open: bool,
}

impl Timing {
    /// Ends the call.
    pub fn finish(mut self, now: Duration, error: Option<ErrorKind>) {
        self.open = false;
        let micros = u64::try_from(now.saturating_sub(self.began).as_micros()).unwrap_or(u64::MAX);
        let bucket = DURATION_BUCKETS_US.partition_point(|bound| *bound < micros);
        add(&self.metrics.durations[bucket], 1);
        add(&self.metrics.busy_us[self.operation as usize], micros);
        if let Some(kind) = error {
            self.metrics.failed(kind);
        }
    }
}

impl Drop for Timing {
    fn drop(&mut self) {
        self.metrics.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.open {
            add(&self.metrics.abandoned, 1);
        }
    }
}
