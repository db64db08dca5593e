//! State in a sled database: embedded, for one process at a time, and not power-safe.
//!
//! All tables share one tree, so that a step is one atomic batch: keys begin with the number of their table. Number 0
//! holds what the store knows of itself: the tables with their numbers and signatures, and the times.

mod overlay;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use worldstore_core::{Error, ErrorKind, Result};

use super::schema::{self, Stored};
use super::{Change, Head, KeyRange, Mode, Order, Snapshot, Store, Transaction, ValueVisitor, Visitor, later};
use crate::table::Table;
use crate::weight::{self, Weight};
use overlay::Overlay;

/// How long opening waits for a database that is being closed: sled lets go of it a little later.
const CLOSING_MAX: Duration = Duration::from_secs(1);
const CLOSING_PAUSE: Duration = Duration::from_millis(10);
/// Eight times sled's own: the fewer segments are taken and truncated, the less often sled 0.34.7 can stand still, see
/// worldstore-sled.
const SEGMENT_BYTES: usize = 4 << 20;

/// Keys of number 0.
const TIME: &[u8] = b"time";
const GENERATION: &[u8] = b"generation";
const GIVEN: &[u8] = b"given";
const TABLES: &[u8] = b"table ";

/// A store in the folder of a sled database.
///
/// Each committed step has been handed to the system: a killed process loses none. sled does not flush the device, so a
/// power cut may lose the last steps, or more.
pub struct Sled {
    database: sled::Db,
    numbers: BTreeMap<String, u32>,
    path: PathBuf,
}

impl fmt::Debug for Sled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sled({})", self.path.display())
    }
}

impl Sled {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// `Conflict` if it is open already; `Corrupt` if the database is damaged; otherwise those of the file system.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let open = || {
            wait_for_lock(path)?;
            let database = sled::Config::new().path(path).segment_size(SEGMENT_BYTES).open().map_err(failed)?;
            let mut store = Self { database, numbers: BTreeMap::new(), path: path.to_owned() };
            store.numbers = store.stored()?.into_iter().map(|(name, (number, _))| (name, number)).collect();
            Ok(store)
        };
        open().map_err(|error: Error| error.with("path", path.display()))
    }

    /// The tables that are there, with their numbers.
    fn stored(&self) -> Result<BTreeMap<String, (u32, Stored)>> {
        let mut stored = BTreeMap::new();
        let prefix = about(TABLES);
        for entry in self.database.scan_prefix(&prefix) {
            let (key, value) = entry.map_err(failed)?;
            let name = String::from_utf8(key.get(prefix.len()..).unwrap_or_default().to_vec());
            let number = value.get(..4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
            let signature = String::from_utf8(value.get(5..).unwrap_or_default().to_vec());
            let (Ok(name), Some(number), Ok(signature)) = (name, number, signature) else {
                return Err(Error::new(ErrorKind::Corrupt, "the list of tables is damaged"));
            };
            stored.insert(name, (number, Stored { signature, is_filled: value.get(4) == Some(&1) }));
        }
        Ok(stored)
    }

    fn held(&self) -> Held<'_> {
        Held { store: self, changes: Overlay::default() }
    }
}

/// The key of something that the store knows of itself.
fn about(what: &[u8]) -> Vec<u8> {
    [&0_u32.to_be_bytes(), what].concat()
}

fn about_table(name: &str) -> Vec<u8> {
    about(&[TABLES, name.as_bytes()].concat())
}

/// What is kept of a table: its number, whether it is filled, its signature.
fn record(number: u32, is_filled: u8, signature: &str) -> Vec<u8> {
    [&number.to_be_bytes(), [is_filled].as_slice(), signature.as_bytes()].concat()
}

/// Waits while the database is being closed.
fn wait_for_lock(path: &Path) -> Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path.join("db")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("open", error)),
    };
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(Error::io("open", error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < CLOSING_MAX => std::thread::sleep(CLOSING_PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(ErrorKind::Conflict, "the database is open already"));
            }
        }
    }
}

impl Store for Sled {
    fn prepare(&mut self, tables: &[&Table], mode: Mode) -> Result<Vec<String>> {
        let stored = self.stored()?;
        let first = stored.values().map(|(number, _)| number + 1).max().unwrap_or(1);
        let stored = stored.into_iter().map(|(name, (_, stored))| (name, stored)).collect();
        let todo = schema::compare(&stored, tables, mode)?;
        if todo.is_nothing() {
            return Ok(todo.fill);
        }
        let mut batch = sled::Batch::default();
        for name in &todo.remove {
            batch.remove(about_table(name));
        }
        for (number, table) in (first..).zip(&todo.create) {
            let is_filled = u8::from(!todo.fill.contains(&table.name));
            batch.insert(about_table(&table.name), record(number, is_filled, &table.signature));
            self.numbers.insert(table.name.clone(), number);
        }
        self.database.apply_batch(batch).and_then(|()| self.database.flush()).map_err(half_way)?;
        Ok(todo.fill)
    }

    fn wants_columns(&self) -> bool {
        false
    }

    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        Ok(Box::new(self.held()))
    }

    fn snapshot(&mut self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(self.held()))
    }

    fn next_time(&mut self) -> Result<i64> {
        let mut held = Box::new(self.held());
        let next = later(held.number_at(GIVEN, -1)?, held.number_at(TIME, -1)?)?;
        held.changes.set(about(GIVEN), Some(next.to_be_bytes().to_vec()));
        held.commit().map(|()| next)
    }
}

/// A transaction: what it changes lies over the tree until it is committed. The store is borrowed, and nobody else has
/// it open, so the tree stands still meanwhile.
struct Held<'s> {
    store: &'s Sled,
    changes: Overlay,
}

impl Held<'_> {
    fn number(&self, table: &Table) -> Result<u32> {
        let number = self.store.numbers.get(&table.name).copied();
        number.ok_or_else(|| Error::not_found("the store has no such table").with("table", &table.name))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.changes.get(key) {
            Some(change) => Ok(change.map(<[u8]>::to_vec)),
            None => Ok(self.store.database.get(key).map_err(failed)?.map(|value| value.to_vec())),
        }
    }

    fn number_at(&self, what: &[u8], otherwise: i64) -> Result<i64> {
        self.get(&about(what))?.map_or(Ok(otherwise), |bytes| integer(&bytes))
    }
}

fn integer(bytes: &[u8]) -> Result<i64> {
    let damaged = |_| Error::new(ErrorKind::Corrupt, "a number in the database is damaged");
    bytes.try_into().map(i64::from_be_bytes).map_err(damaged)
}

/// The key of an entry of a table.
fn entry_of(number: u32, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 4);
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(key);
    bytes
}

impl Snapshot for Held<'_> {
    fn head(&mut self) -> Result<Head> {
        Ok(Head { time: self.number_at(TIME, -1)?, generation: self.number_at(GENERATION, 0)? })
    }

    fn signature(&mut self, table: &str) -> Result<Option<String>> {
        Ok(self.store.stored()?.remove(table).map(|(_, stored)| stored.signature))
    }

    fn weights(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Weight>> {
        let number = self.number(table)?;
        let weight = |key: &Vec<u8>| self.get(&entry_of(number, key))?.map_or(Ok(0), |bytes| integer(&bytes));
        keys.iter().map(weight).collect()
    }

    fn values(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let number = self.number(table)?;
        keys.iter().map(|key| self.get(&entry_of(number, key))).collect()
    }

    fn scan(&mut self, table: &Table, ranges: &[KeyRange], visitor: &mut Visitor<'_>) -> Result<()> {
        let number = self.number(table)?;
        for (index, range) in ranges.iter().enumerate() {
            let end = match &range.end {
                Some(end) if *end <= range.start => continue,
                Some(end) => entry_of(number, end),
                None => (number + 1).to_be_bytes().to_vec(),
            };
            let start = entry_of(number, &range.start);
            self.changes.scan(&self.store.database, start..end, range.order, &mut |key, value| {
                visitor(index, key.get(4..).unwrap_or_default(), integer(value)?)
            })?;
        }
        Ok(())
    }

    fn scan_values(&mut self, table: &Table, visitor: &mut ValueVisitor<'_>) -> Result<()> {
        let number = self.number(table)?;
        let all = number.to_be_bytes().to_vec()..(number + 1).to_be_bytes().to_vec();
        self.changes.scan(&self.store.database, all, Order::Ascending, &mut |key, value| {
            visitor(key.get(4..).unwrap_or_default(), value)
        })
    }
}

impl Transaction for Held<'_> {
    fn add(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<Vec<Weight>> {
        let number = self.number(table)?;
        let mut sums = Vec::with_capacity(changes.len());
        for Change { key, change, .. } in changes {
            let key = entry_of(number, &key);
            let before = self.get(&key)?.map_or(Ok(0), |bytes| integer(&bytes))?;
            let sum = weight::plus(before, change)?;
            self.changes.set(key, (sum != 0).then(|| sum.to_be_bytes().to_vec()));
            sums.push(sum);
        }
        Ok(sums)
    }

    fn put(&mut self, table: &Table, changes: Vec<Change<Option<Vec<u8>>>>) -> Result<()> {
        let number = self.number(table)?;
        for Change { key, change, .. } in changes {
            self.changes.set(entry_of(number, &key), change);
        }
        Ok(())
    }

    fn set_time(&mut self, time: i64) -> Result<()> {
        self.changes.set(about(TIME), Some(time.to_be_bytes().to_vec()));
        Ok(())
    }

    fn unfilled(&mut self) -> Result<Vec<String>> {
        let stored = self.store.stored()?.into_iter();
        Ok(stored.filter(|(_, (_, stored))| !stored.is_filled).map(|(name, _)| name).collect())
    }

    fn mark_filled(&mut self, tables: &[String]) -> Result<()> {
        for (name, (number, stored)) in self.store.stored()? {
            if tables.contains(&name) {
                self.changes.set(about_table(&name), Some(record(number, 1, &stored.signature)));
            }
        }
        let generation = self.number_at(GENERATION, 0)? + 1;
        self.changes.set(about(GENERATION), Some(generation.to_be_bytes().to_vec()));
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        let database = &self.store.database;
        database.apply_batch(self.changes.into_batch()).map_err(half_way)?;
        database.flush().map(drop).map_err(half_way)
    }
}

/// It is not known how far the change has come.
fn half_way(error: sled::Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "the commit failed half way").caused_by(failed(error))
}

/// Translates an error of an operation that has changed nothing.
fn failed(error: sled::Error) -> Error {
    let (kind, message) = match &error {
        sled::Error::Corruption { .. } => (ErrorKind::Corrupt, "the database is damaged"),
        sled::Error::Io(source) => {
            (Error::io("", source.kind().into()).kind(), "the database cannot be read or written")
        }
        sled::Error::Unsupported(_) => {
            (ErrorKind::Unsupported, "the database was made with other settings or versions")
        }
        _ => (ErrorKind::Unexpected, "the database failed"),
    };
    Error::new(kind, message).caused_by(error)
}
