//! What a ledger remembers, and when it must not: one change of a key at a time, or nothing is known of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use worldstore_core::blocks::Hash;
use worldstore_core::{ErrorKind, Key, Outcome, Result};

/// An object as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// Its length in bytes.
    pub length: u64,
    /// BLAKE3 of its bytes.
    pub hash: Hash,
}

/// Length and hash of objects that were written through an [`AsyncLedgerBackend`](super::AsyncLedgerBackend). Clones
/// are the same ledger.
///
/// It knows only of what went through the wrapper: an object that others overwrite is remembered as it was. So it is for
/// objects that are written once, such as the files of tables. It forgets a key when it is overwritten or deleted, when two
/// changes of it overlap, and for good when nobody knows how a change of it ended, for that may still arrive.
#[derive(Debug, Clone)]
pub struct Ledger {
    book: Arc<Mutex<Book>>,
}

#[derive(Debug)]
struct Book {
    entries_max: usize,
    /// Grows with each entry, so that the oldest is known.
    serial: u64,
    noted: HashMap<Key, (u64, Noted)>,
    order: BTreeMap<u64, Key>,
    changing: HashMap<Key, Changing>,
    /// Keys of changes that may still arrive.
    lost: HashSet<Key>,
    /// More of these than can be remembered: nothing is known of any key any more.
    blind: bool,
}

#[derive(Debug, Default)]
struct Changing {
    count: usize,
    overlapped: bool,
}

/// How a change of a key ended.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// The key holds this.
    Holds(Noted),
    /// The key holds nothing, or something that is not known.
    Forgotten,
    /// Nobody knows, and it may still happen.
    Lost,
}

impl Ledger {
    pub(super) fn new(entries_max: usize) -> Self {
        let book = Book {
            entries_max,
            serial: 0,
            noted: HashMap::new(),
            order: BTreeMap::new(),
            changing: HashMap::new(),
            lost: HashSet::new(),
            blind: false,
        };
        Self { book: Arc::new(Mutex::new(book)) }
    }

    /// Length and hash of the object, if it was written whole through the wrapper and nothing has happened to it since.
    pub fn get(&self, key: &Key) -> Option<Noted> {
        self.book().noted.get(key).map(|(_, noted)| *noted)
    }

    /// How many objects it remembers.
    pub fn len(&self) -> usize {
        self.book().noted.len()
    }

    /// True if it remembers none.
    pub fn is_empty(&self) -> bool {
        self.book().noted.is_empty()
    }

    /// The entry of a key and its serial number, which another entry of the key does not have.
    pub(super) fn entry(&self, key: &Key) -> Option<(u64, Noted)> {
        self.book().noted.get(key).copied()
    }

    /// A change begins: from now on nothing is known of the key.
    pub(super) fn begin(&self, key: &Key) -> Change {
        let mut book = self.book();
        let before = book.forget(key);
        let changing = book.changing.entry(key.clone()).or_default();
        changing.count += 1;
        changing.overlapped |= changing.count > 1;
        drop(book);
        Change { ledger: self.clone(), key: key.clone(), before, ended: false }
    }

    /// The key may change at any time from now on.
    pub(super) fn lose(&self, key: &Key) {
        let mut book = self.book();
        book.forget(key);
        book.lose(key);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn forget(&mut self, key: &Key) -> Option<Noted> {
        let (serial, noted) = self.noted.remove(key)?;
        self.order.remove(&serial);
        Some(noted)
    }

    fn note(&mut self, key: &Key, noted: Noted) {
        if self.entries_max == 0 {
            return;
        }
        self.forget(key);
        while self.noted.len() >= self.entries_max {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.noted.remove(&oldest);
        }
        self.serial += 1;
        self.noted.insert(key.clone(), (self.serial, noted));
        self.order.insert(self.serial, key.clone());
    }

    fn lose(&mut self, key: &Key) {
        if self.blind || self.lost.contains(key) {
            return;
        }
        if self.lost.len() < self.entries_max {
            self.lost.insert(key.clone());
            return;
        }
        self.blind = true;
        self.lost.clear();
        self.noted.clear();
        self.order.clear();
    }

    /// True if no other change of the key has overlapped with the one that ends.
    fn end(&mut self, key: &Key, ending: Ending) -> bool {
        let mut overlapped = true;
        if let Some(changing) = self.changing.get_mut(key) {
            changing.count -= 1;
            overlapped = changing.overlapped;
            if changing.count == 0 {
                self.changing.remove(key);
            }
        }
        match ending {
            Ending::Holds(noted) if !overlapped && !self.blind && !self.lost.contains(key) => self.note(key, noted),
            Ending::Lost => self.lose(key),
            Ending::Holds(_) | Ending::Forgotten => {}
        }
        !overlapped
    }
}

/// A change of a key that is under way. Dropping it means that nobody knows how it ends.
#[derive(Debug)]
pub(super) struct Change {
    ledger: Ledger,
    key: Key,
    before: Option<Noted>,
    ended: bool,
}

impl Change {
    /// What the key held before, as far as it is known.
    pub fn before(&self) -> Option<Noted> {
        self.before
    }

    /// The key holds this now, or something that is not known. True if no other change of it has overlapped.
    pub fn holds(self, noted: Option<Noted>) -> bool {
        self.end(noted.map_or(Ending::Forgotten, Ending::Holds))
    }

    /// Nothing has changed. True if no other change of the key has overlapped.
    pub fn unchanged(self) -> bool {
        let before = self.before;
        self.holds(before)
    }

    /// It ended with this answer; if it was applied, the key holds `noted`. True if no other change of the key has
    /// overlapped, and it is known how this one ended.
    pub fn answered(self, answer: &Result<Outcome>, noted: Option<Noted>) -> bool {
        match answer {
            // What has another length is not what was counted.
            Ok(Outcome::Applied(meta)) => self.holds(noted.filter(|noted| noted.length == meta.size)),
            Ok(Outcome::Rejected) => self.unchanged(),
            // Dropped, it is lost.
            Ok(Outcome::Unknown) => false,
            Err(error) if matches!(error.kind(), ErrorKind::OutcomeUnknown | ErrorKind::Unexpected) => false,
            Err(_) => self.holds(None),
        }
    }

    fn end(mut self, ending: Ending) -> bool {
        self.ended = true;
        self.ledger.book().end(&self.key, ending)
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if !self.ended {
            self.ledger.book().end(&self.key, Ending::Lost);
        }
    }
}
