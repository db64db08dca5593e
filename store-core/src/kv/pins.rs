//! Who is reading which generation, and which generations wait to be removed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A generation that belongs to no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loose {
    pub generation: u64,
    /// Its pieces.
    pub count: u32,
}

/// Readers by generation, and loose generations that are still to be removed.
#[derive(Debug, Default)]
pub(super) struct Pins {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    readers: BTreeMap<u64, usize>,
    waiting: BTreeMap<u64, u32>,
}

impl Pins {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a generation from being removed.
    pub fn pin(&self, generation: u64) {
        *self.lock().readers.entry(generation).or_default() += 1;
    }

    /// Ends one [`pin`](Self::pin). True if the generation waits to be removed and nobody is at it any more.
    pub fn unpin(&self, generation: u64) -> bool {
        let mut state = self.lock();
        if let Some(readers) = state.readers.get_mut(&generation) {
            *readers -= 1;
            if *readers == 0 {
                state.readers.remove(&generation);
                return state.waiting.contains_key(&generation);
            }
        }
        false
    }

    /// Has a loose generation removed at the next occasion.
    pub fn discard(&self, loose: Loose) {
        self.lock().waiting.insert(loose.generation, loose.count);
    }

    /// Takes out what waits and nobody reads.
    pub fn removable(&self) -> Vec<Loose> {
        let mut guard = self.lock();
        let State { readers, waiting } = &mut *guard;
        let removable = waiting.extract_if(.., |generation, _| !readers.contains_key(generation));
        removable.map(|(generation, count)| Loose { generation, count }).collect()
    }
}
