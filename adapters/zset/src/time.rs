//! The time of a step, and what it waits for.

use serde::{Deserialize, Serialize};

/// The time of a set of changes, and the time that must have been reached before them.
///
/// A time is a whole number that the caller gives out: a sequence number, or a clock. A store remembers one: all changes
/// up to and including it are in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Time {
    /// The time of these changes, later than the time of the store. -1 (the default): none, the store's time stays.
    pub input_time: i64,
    /// The step waits until the store's time is at least this. -1 (the default): it does not wait.
    pub frontier: i64,
    /// Commit what each operator keeps by itself, as soon as the operator is through, and wait for the frontier before each
    /// operator and not once (default: false, the step is one transaction). See [`Engine::step`](crate::Engine::step).
    pub flush_every_set: bool,
}

impl Default for Time {
    fn default() -> Self {
        Self { input_time: -1, frontier: -1, flush_every_set: false }
    }
}

impl Time {
    /// No time: the changes come after all that are in the store.
    pub fn none() -> Self {
        Self::default()
    }

    /// Changes at a time.
    pub fn at(input_time: i64) -> Self {
        Self { input_time, ..Self::default() }
    }

    /// Waits for a time first.
    #[must_use]
    pub fn with_frontier(mut self, frontier: i64) -> Self {
        self.frontier = frontier;
        self
    }

    /// Sets whether what each operator keeps is committed by itself.
    #[must_use]
    pub fn with_flush_every_set(mut self, flush_every_set: bool) -> Self {
        self.flush_every_set = flush_every_set;
        self
    }
}
