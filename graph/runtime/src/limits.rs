//! How much a query may use: rows, memory, time, and the caller's patience.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};

/// How many ticks pass between two looks at the clock.
const TICKS_PER_LOOK: u32 = 32;

/// What a query may use. By default there are no limits.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Limits {
    /// Rows of the result.
    pub rows: Option<u64>,
    /// Bytes that sorting, grouping, `DISTINCT`, writing and paths under way may hold at one time.
    pub memory: Option<u64>,
    /// When the query must have come to its end.
    pub deadline: Option<Instant>,
    /// What the caller can stop the query with.
    pub cancel: Option<Cancel>,
}

impl Limits {
    /// At most this many rows in the result.
    #[must_use]
    pub fn with_rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// At most this many bytes held at one time.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Stops the query at this time.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Stops the query when the caller wants.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }
}

/// Stops a query from another thread; clones stop the same query.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops the query: it fails at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once it was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Watches the limits of one query.
#[derive(Debug, Default)]
pub struct Meter {
    limits: Limits,
    ticks: Cell<u32>,
    rows: Cell<u64>,
    held: Cell<u64>,
}

impl Meter {
    /// Watches these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// To be called in every loop: cheap, and looks at the clock now and then.
    ///
    /// # Errors
    /// `LimitError`: the time is over, or the caller gave up.
    pub fn tick(&self) -> Result<()> {
        let ticks = self.ticks.get().wrapping_add(1);
        self.ticks.set(ticks);
        match ticks.is_multiple_of(TICKS_PER_LOOK) {
            true => self.look(),
            false => self.look_at_caller(),
        }
    }

    /// To be called before anything that may take long, such as a read from storage: looks at the clock.
    ///
    /// # Errors
    /// `LimitError`: the time is over, or the caller gave up.
    pub fn look(&self) -> Result<()> {
        if self.limits.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(limit(ErrorDetail::DeadlineExceeded, "the deadline of the query has passed"));
        }
        self.look_at_caller()
    }

    fn look_at_caller(&self) -> Result<()> {
        match self.limits.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            true => Err(limit(ErrorDetail::Cancelled, "the query was cancelled")),
            false => Ok(()),
        }
    }

    /// Counts a row of the result.
    pub(crate) fn row(&self) -> Result<()> {
        let rows = self.rows.get() + 1;
        self.rows.set(rows);
        match self.limits.rows.filter(|most| rows > *most) {
            Some(most) => Err(limit(ErrorDetail::RowsExceeded, format!("the result has more than {most} rows"))),
            None => Ok(()),
        }
    }

    /// What one operator holds; nothing so far.
    pub(crate) fn holder(&self) -> Held<'_> {
        Held { meter: self, bytes: 0 }
    }

    /// The greatest number of bytes that one value may take.
    pub fn memory(&self) -> Option<u64> {
        self.limits.memory
    }
}

/// What one operator holds in memory; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held<'m> {
    meter: &'m Meter,
    bytes: u64,
}

impl Held<'_> {
    /// Holds some more bytes.
    pub(crate) fn add(&mut self, bytes: u64) -> Result<()> {
        let held = self.meter.held.get().saturating_add(bytes);
        if let Some(most) = self.meter.limits.memory.filter(|most| held > *most) {
            let message = format!("the query needs more than {most} bytes of memory");
            return Err(limit(ErrorDetail::MemoryExceeded, message));
        }
        self.meter.held.set(held);
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }

    /// Gives some bytes back.
    pub(crate) fn subtract(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.meter.held.set(self.meter.held.get().saturating_sub(bytes));
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.subtract(self.bytes);
    }
}

fn limit(detail: ErrorDetail, message: impl Into<String>) -> RuntimeError {
    RuntimeError::new(ErrorClass::LimitError, detail, message)
}

#[cfg(test)]
mod tests;
