//! What a read cache holds and what it drops first: bookkeeping without I/O.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::key::Key;
use crate::ops::{ObjectMeta, Version};

/// How much a cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Bytes of all entries together, each counted with [`ENTRY_BYTES`] for its bookkeeping. 64 MiB by default.
    pub bytes_max: u64,
    /// The longest entry: objects up to this size are kept whole, of larger ones the ranges up to this length.
    /// 1 MiB by default.
    pub entry_bytes_max: u64,
}

/// What an entry counts beyond its bytes.
pub const ENTRY_BYTES: u64 = 256;

impl Default for CacheOptions {
    fn default() -> Self {
        Self { bytes_max: 64 << 20, entry_bytes_max: 1 << 20 }
    }
}

impl CacheOptions {
    /// Bounds all entries together.
    #[must_use]
    pub fn with_bytes_max(mut self, bytes: u64) -> Self {
        self.bytes_max = bytes;
        self
    }

    /// Bounds each entry.
    #[must_use]
    pub fn with_entry_bytes_max(mut self, bytes: u64) -> Self {
        self.entry_bytes_max = bytes;
        self
    }
}

/// What a cache has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Ranges that were held.
    pub hits: u64,
    /// Ranges that were not.
    pub misses: u64,
    /// Entries that had to make room.
    pub evicted: u64,
    /// Bytes held now, as [`CacheOptions::bytes_max`] counts them.
    pub bytes: u64,
}

/// Parts of objects by key, version and range; the least recently used go first. Of each key one version is held.
#[derive(Debug)]
pub struct CacheIndex {
    options: CacheOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: HashMap<Key, Object>,
    /// Entries by the time of their last use.
    used: BTreeMap<u64, (Key, Part)>,
    clock: u64,
    stats: CacheStats,
}

#[derive(Debug)]
struct Object {
    version: Version,
    parts: BTreeMap<Part, (Bytes, u64)>,
}

/// Start and end.
type Part = (u64, u64);

impl CacheIndex {
    /// An empty cache.
    pub fn new(options: CacheOptions) -> Self {
        Self { options, state: Mutex::default() }
    }

    /// What it has done so far.
    pub fn stats(&self) -> CacheStats {
        self.lock().stats
    }

    /// The range to fetch so that `wanted` can be served and kept: the whole of a small object, a short range as it is.
    /// None if neither fits.
    pub fn fetch(&self, meta: &ObjectMeta, wanted: &Range<u64>) -> Option<Range<u64>> {
        let fits = |range: &Range<u64>| range.end - range.start <= self.options.entry_bytes_max;
        [0..meta.size, wanted.clone()].into_iter().find(fits)
    }

    /// The bytes of a range of this state of the object, if they are held.
    pub fn get(&self, key: &Key, version: &Version, wanted: &Range<u64>) -> Option<Bytes> {
        let mut state = self.lock();
        let found = state.find(key, version, wanted);
        match found {
            Some(_) => state.stats.hits += 1,
            None => state.stats.misses += 1,
        }
        found
    }

    /// Keeps the bytes of a range of this state of the object; other states of it are dropped.
    ///
    /// The bytes are copied: they may be a slice of a buffer that is larger than what they are counted for.
    pub fn put(&self, key: &Key, version: &Version, range: &Range<u64>, bytes: &[u8]) {
        let cost = bytes.len() as u64 + ENTRY_BYTES;
        if bytes.len() as u64 > self.options.entry_bytes_max || cost > self.options.bytes_max {
            return;
        }
        let bytes = Bytes::copy_from_slice(bytes);
        let mut state = self.lock();
        if state.objects.get(key).is_some_and(|object| object.version != *version) {
            state.forget(key);
        }
        let part = (range.start, range.end);
        let time = state.tick();
        let fresh = || Object { version: version.clone(), parts: BTreeMap::new() };
        let object = state.objects.entry(key.clone()).or_insert_with(fresh);
        let replaced = object.parts.insert(part, (bytes, time));
        if let Some((old, last_used)) = replaced {
            state.used.remove(&last_used);
            state.stats.bytes -= old.len() as u64 + ENTRY_BYTES;
        }
        state.used.insert(time, (key.clone(), part));
        state.stats.bytes += cost;
        while state.stats.bytes > self.options.bytes_max && state.evict() {}
    }

    /// Drops all that is held of an object.
    pub fn forget(&self, key: &Key) {
        self.lock().forget(key);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn find(&mut self, key: &Key, version: &Version, wanted: &Range<u64>) -> Option<Bytes> {
        let time = self.tick();
        let object = self.objects.get_mut(key).filter(|object| object.version == *version)?;
        let exact = (wanted.start, wanted.end);
        // The longest part from the beginning: the whole, if that is held.
        let from_start = || object.parts.range((0, wanted.end)..=(0, u64::MAX)).next_back().map(|(part, _)| *part);
        let part = if object.parts.contains_key(&exact) { exact } else { from_start()? };
        let (bytes, last_used) = object.parts.get_mut(&part)?;
        self.used.remove(last_used);
        self.used.insert(time, (key.clone(), part));
        *last_used = time;
        Some(bytes.slice((wanted.start - part.0) as usize..(wanted.end - part.0) as usize))
    }

    fn forget(&mut self, key: &Key) {
        for (bytes, last_used) in self.objects.remove(key).into_iter().flat_map(|object| object.parts.into_values()) {
            self.used.remove(&last_used);
            self.stats.bytes -= bytes.len() as u64 + ENTRY_BYTES;
        }
    }

    /// Drops the entry that was used longest ago. False if there is none.
    fn evict(&mut self) -> bool {
        let Some((_, (key, part))) = self.used.pop_first() else { return false };
        self.stats.evicted += 1;
        if let Some(object) = self.objects.get_mut(&key) {
            if let Some((bytes, _)) = object.parts.remove(&part) {
                self.stats.bytes -= bytes.len() as u64 + ENTRY_BYTES;
            }
            if object.parts.is_empty() {
                self.objects.remove(&key);
            }
        }
        true
    }
}
