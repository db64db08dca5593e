//! An ordered map in memory, with faults.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::{Error, ErrorKind, Result};
use crate::kv::{Finish, KvProfile, KvTransaction, OrderedKv, Scan, SeeEntry, SeeValue, Work};
use crate::ops::Durability;

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Clones share their entries, as two openings of one file do.
#[derive(Debug, Clone, Default)]
pub struct TreeMap {
    pub entries: Arc<Mutex<Entries>>,
    /// Durable commits happen, and nobody learns of it.
    pub loses_answers: Arc<AtomicBool>,
    /// Commits that are not durable happen, and nobody learns of it.
    pub loses_stages: Arc<AtomicBool>,
    /// Changes fail.
    pub fails: Arc<AtomicBool>,
    /// Entries that scans have shown.
    pub scanned: Arc<AtomicUsize>,
}

impl TreeMap {
    /// How many keys begin with this letter.
    pub fn count(&self, letter: u8) -> usize {
        self.entries.lock().unwrap().keys().filter(|key| key[0] == letter).count()
    }
}

impl fmt::Display for TreeMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tree map")
    }
}

impl OrderedKv for TreeMap {
    fn profile(&self) -> KvProfile {
        KvProfile::new("tree", "", false)
    }

    fn get(&self, key: &[u8], seen: SeeValue<'_>) -> Result<bool> {
        let value = self.entries.lock().unwrap().get(key).cloned();
        Ok(value.map(|value| seen(&value)).is_some())
    }

    fn scan(&self, from: Bound<&[u8]>, end: &[u8], seen: SeeEntry<'_>) -> Result<()> {
        let entries = self.entries.lock().unwrap();
        for (key, value) in entries.range::<[u8], _>((from, Bound::Excluded(end))) {
            self.scanned.fetch_add(1, Ordering::SeqCst);
            if seen(key, value)? == Scan::Stop {
                break;
            }
        }
        Ok(())
    }

    fn transact(&self, durability: Durability, work: Work<'_>) -> Result<()> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::StorageFull, "no space"));
        }
        let mut entries = self.entries.lock().unwrap();
        // Twice, as a store does that finds out late that another change was in its way.
        work(&mut Draft { entries: &entries, changes: BTreeMap::new() })?;
        let mut draft = Draft { entries: &entries, changes: BTreeMap::new() };
        if work(&mut draft)? == Finish::Commit {
            for (key, value) in draft.changes {
                match value {
                    Some(value) => entries.insert(key, value),
                    None => entries.remove(&key),
                };
            }
            let loses = if durability == Durability::None { &self.loses_stages } else { &self.loses_answers };
            if loses.load(Ordering::SeqCst) {
                return Err(Error::new(ErrorKind::OutcomeUnknown, "lost"));
            }
        }
        Ok(())
    }
}

struct Draft<'entries> {
    entries: &'entries Entries,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl KvTransaction for Draft<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.changes.get(key).cloned().unwrap_or_else(|| self.entries.get(key).cloned()))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.changes.insert(key.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.changes.insert(key.to_vec(), None);
        Ok(())
    }
}
