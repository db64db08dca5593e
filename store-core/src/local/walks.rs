//! Walks that wait for the next page of their listing, so that it does not read and sort its folders again.
//!
//! They are a short cut and nothing else: a page without one begins anew and answers the same. A walk goes on only if
//! none of its folders was changed since it was read.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::walk::Walk;
use crate::key::Prefix;
use crate::listing::Start;
use crate::vfs::Vfs;

/// How many wait at a time; the one that has waited longest goes first.
const WAITING_MAX: usize = 8;

/// What is left of a listing: walks of one stage give the same entries.
#[derive(PartialEq, Eq)]
pub(super) struct Stage {
    pub prefix: Prefix,
    pub one_level: bool,
    pub start: Start,
}

/// The walks of one backend. Each keeps its folders open, and the names that are still to come.
pub(super) struct Walks<V: Vfs>(Mutex<VecDeque<(Stage, Walk<V>)>>);

impl<V: Vfs> Walks<V> {
    pub fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// The walk that has come this far; it is for one page only.
    pub fn take(&self, stage: &Stage) -> Option<Walk<V>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = waiting.iter().position(|(other, _)| other == stage)?;
        waiting.remove(place).map(|(_, walk)| walk)
    }

    /// Keeps a walk for the next page.
    pub fn put(&self, stage: Stage, walk: Walk<V>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if waiting.len() == WAITING_MAX { waiting.pop_front() } else { None };
        waiting.push_back((stage, walk));
        drop(waiting);
        // Closing its folders takes time that others need not wait for.
        drop(oldest);
    }

    /// How many wait.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl<V: Vfs> fmt::Debug for Walks<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Walks")
    }
}
