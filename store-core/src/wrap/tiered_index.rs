//! What a tier keeps and what it drops first: bookkeeping without I/O.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tiered_entry::TierEntry;
use crate::key::Key;
use crate::ops::ObjectMeta;

/// How much a tier keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierOptions {
    /// Bytes of all that is kept, bookkeeping included. 10 GiB by default.
    pub bytes_max: u64,
    /// The longest object that is kept; longer ones are read from far away each time. 1 GiB by default.
    pub object_bytes_max: u64,
}

impl Default for TierOptions {
    fn default() -> Self {
        Self { bytes_max: 10 << 30, object_bytes_max: 1 << 30 }
    }
}

impl TierOptions {
    /// Bounds all that is kept.
    #[must_use]
    pub fn with_bytes_max(mut self, bytes: u64) -> Self {
        self.bytes_max = bytes;
        self
    }

    /// Bounds each object.
    #[must_use]
    pub fn with_object_bytes_max(mut self, bytes: u64) -> Self {
        self.object_bytes_max = bytes;
        self
    }
}

/// What a tier has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TierStats {
    /// Reads that found the object.
    pub hits: u64,
    /// Reads that had to fetch it.
    pub misses: u64,
    /// Objects that had to make room.
    pub evicted: u64,
    /// Objects that were damaged and dropped.
    pub damaged: u64,
    /// Objects that could not be kept or removed because the store near by failed. Reads went far away instead.
    pub failed: u64,
    /// Bytes that are kept or being written.
    pub bytes: u64,
}

/// What a tier keeps, by name; the least recently used go first.
#[derive(Debug)]
pub struct TierIndex {
    options: TierOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes and the time of the last use.
    entries: HashMap<Key, (u64, u64)>,
    used: BTreeMap<u64, Key>,
    clock: u64,
    stats: TierStats,
}

/// Room for an object that is being fetched. It is given back unless it is [`kept`](Self::kept).
#[derive(Debug)]
#[must_use = "dropping it gives the room back"]
pub struct TierRoom {
    index: Arc<TierIndex>,
    name: Key,
    bytes: u64,
    is_kept: bool,
}

impl TierIndex {
    /// An index of nothing.
    pub fn new(options: TierOptions) -> Self {
        Self { options, state: Mutex::default() }
    }

    /// What was done so far.
    pub fn stats(&self) -> TierStats {
        self.lock().stats
    }

    /// Learns what is there already, the oldest first to go; answers what has to be removed. Names that are none of a
    /// tier's are left alone.
    pub fn restore(&self, mut objects: Vec<ObjectMeta>) -> Vec<Key> {
        objects.retain(|object| TierEntry::is_name(&object.key));
        objects.sort_by_key(|object| object.modified);
        let mut state = self.lock();
        for object in objects {
            state.add(object.key, object.size);
        }
        state.make_room(self.options.bytes_max)
    }

    /// True if an entry may be kept at all.
    pub fn takes(&self, entry: &TierEntry) -> bool {
        entry.meta.size <= self.options.object_bytes_max && entry.bytes() <= self.options.bytes_max
    }

    /// Notes a read; true if something of this name is there.
    pub fn touch(&self, name: &Key) -> bool {
        let mut state = self.lock();
        match state.remove(name) {
            Some(bytes) => {
                state.add(name.clone(), bytes);
                true
            }
            None => false,
        }
    }

    /// Notes that a read found what it wanted, or did not.
    pub fn count(&self, is_hit: bool) {
        let mut state = self.lock();
        match is_hit {
            true => state.stats.hits += 1,
            false => state.stats.misses += 1,
        }
    }

    /// Makes room for an entry; answers what has to be removed before it is written.
    pub fn reserve(self: &Arc<Self>, entry: &TierEntry) -> (TierRoom, Vec<Key>) {
        let bytes = entry.bytes();
        let mut state = self.lock();
        let removed = state.make_room(self.options.bytes_max.saturating_sub(bytes));
        state.stats.bytes += bytes;
        (TierRoom { index: Arc::clone(self), name: entry.name.clone(), bytes, is_kept: false }, removed)
    }

    /// Forgets an entry; true if it was there and has to be removed.
    pub fn forget(&self, name: &Key) -> bool {
        self.lock().remove(name).is_some()
    }

    /// Notes that an entry was damaged.
    pub fn count_damaged(&self) {
        self.lock().stats.damaged += 1;
    }

    /// Notes that the store near by failed.
    pub fn count_failed(&self) {
        self.lock().stats.failed += 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, name: Key, bytes: u64) {
        self.remove(&name);
        self.clock += 1;
        self.used.insert(self.clock, name.clone());
        self.entries.insert(name, (bytes, self.clock));
        self.stats.bytes += bytes;
    }

    fn remove(&mut self, name: &Key) -> Option<u64> {
        let (bytes, time) = self.entries.remove(name)?;
        self.used.remove(&time);
        self.stats.bytes -= bytes;
        Some(bytes)
    }

    fn make_room(&mut self, bytes_max: u64) -> Vec<Key> {
        let mut removed = Vec::new();
        while self.stats.bytes > bytes_max {
            let Some((_, name)) = self.used.pop_first() else { break };
            self.remove(&name);
            self.stats.evicted += 1;
            removed.push(name);
        }
        removed
    }
}

impl TierRoom {
    /// The object is there.
    pub fn kept(mut self) {
        self.is_kept = true;
    }
}

impl Drop for TierRoom {
    fn drop(&mut self) {
        let mut state = self.index.lock();
        state.stats.bytes -= self.bytes;
        if self.is_kept {
            state.add(self.name.clone(), self.bytes);
        }
    }
}
