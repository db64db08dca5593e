//! The time of a step, and what it waits for.

use serde::{Deserialize, Serialize};
use worldstore_core::{Error, ErrorKind, Result};

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
    /// The step is the next one after this time of the store and no other: it fails if the store's time is not this one, and
    /// its own time is not released if it fails, whatever the reason. For changes that are all those since a time. `None` (the
    /// default): any earlier time will do.
    #[serde(default)]
    pub after: Option<i64>,
}

impl Default for Time {
    fn default() -> Self {
        Self { input_time: -1, frontier: -1, flush_every_set: false, after: None }
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

    /// Sets after which time of the store the step is the next one.
    #[must_use]
    pub fn with_after(mut self, after: i64) -> Self {
        self.after = Some(after);
        self
    }

    /// Sets whether what each operator keeps is committed by itself.
    #[must_use]
    pub fn with_flush_every_set(mut self, flush_every_set: bool) -> Self {
        self.flush_every_set = flush_every_set;
        self
    }
}

/// The time of a step must be later than the store's.
pub(crate) fn not_reached(reached: i64, input_time: i64) -> Result<()> {
    if input_time == -1 || input_time > reached {
        return Ok(());
    }
    let error = Error::new(ErrorKind::ConditionFailed, "the step's time is not later than the store's");
    Err(error.with("input_time", input_time).with("reached", reached))
}

/// The store's time must be the one that a step follows.
pub(crate) fn follows(reached: i64, after: Option<i64>) -> Result<()> {
    match after.filter(|after| *after != reached) {
        None => Ok(()),
        Some(after) => {
            let error = Error::new(ErrorKind::ConditionFailed, "the store's time is not the one that the step follows");
            Err(error.with("after", after).with("reached", reached))
        }
    }
}
