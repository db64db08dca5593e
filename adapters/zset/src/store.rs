//! Where operators keep their state: the contract of a store, and the stores that are here.
//!
//! A store holds [tables](crate::Table): ordered maps from encoded keys to weights or values. A step of a circuit is one
//! [`Transaction`]; whatever it does not commit is undone. Calls carry many keys at once, so that a store behind a
//! network answers an operator in one round trip.

mod direct;
pub(crate) mod keys;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redb")]
mod redb;
mod schema;
#[cfg(feature = "sled")]
mod sled;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use direct::{Direct, Entries, FoundVisitor};
pub use keys::Keys;
pub use memory::Memory;
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresConfig};
#[cfg(feature = "redb")]
pub use redb::Redb;
#[cfg(feature = "sled")]
pub use sled::Sled;
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteConfig, SqliteSync};

use std::fmt;

use worldstore_core::{Error, Result};

use crate::columns::Datum;
use crate::table::Table;
use crate::weight::Weight;

/// Whether opening may make the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Makes the tables in a store that has none; opens those that fit.
    CreateTables,
    /// Opens tables that are there and fit.
    Open,
    /// Like [`CreateTables`](Self::CreateTables); and if the circuit has operators that the store has no tables for, makes
    /// and fills those. Tables that are there are kept as they are.
    Migrate,
}

/// How far a store has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The time up to which all changes are in the store; -1 before the first step that has a time.
    pub time: i64,
    /// How often tables were added since the first ones were made.
    pub generation: i64,
}

/// A part of a table, in the order of the keys or against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key that belongs to it.
    pub start: Vec<u8>,
    /// The first key behind it; `None` if it goes on to the end.
    pub end: Option<Vec<u8>>,
    /// The order in which its entries are visited.
    pub order: Order,
}

/// The order in which entries are visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the smallest key on.
    Ascending,
    /// From the largest key on.
    Descending,
}

impl KeyRange {
    /// All keys that begin with these bytes, ascending.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self { start: prefix.to_vec(), end: behind(prefix), order: Order::Ascending }
    }

    /// The same range in descending order.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.order = Order::Descending;
        self
    }
}

/// The first key that is larger than all keys that begin with the prefix.
pub(crate) fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix.get(..=last)?.to_vec();
    if let Some(byte) = end.last_mut() {
        *byte += 1;
    }
    Some(end)
}

/// Whether a visitor wants more of the range that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// The next entry, please.
    Next,
    /// Enough of this range: go on with the next one.
    Enough,
}

/// Called with the index of the range, the key and the weight of each entry.
pub type Visitor<'v> = dyn FnMut(usize, &[u8], Weight) -> Result<Visit> + 'v;

/// Called with the key and the value of each entry.
pub type ValueVisitor<'v> = dyn FnMut(&[u8], &[u8]) -> Result<Visit> + 'v;

/// A change of one entry of a table.
#[derive(Debug, Clone)]
pub struct Change<V> {
    /// The encoded key.
    pub key: Vec<u8>,
    /// What changes: a weight to add, or a value to put (`None` removes it).
    pub change: V,
    /// The values of the table's columns; empty if the store does not want them, or the entry is removed.
    pub columns: Vec<Datum>,
}

/// Reads a store as it is at one moment.
pub trait Snapshot {
    /// How far the store has come.
    ///
    /// # Errors
    /// Those of the store.
    fn head(&mut self) -> Result<Head>;

    /// The signature of a table, `None` if the store has no such table.
    ///
    /// # Errors
    /// Those of the store.
    fn signature(&mut self, table: &str) -> Result<Option<String>>;

    /// The weights of keys of a table of weights, in the order of the keys; 0 for a key that is not there.
    ///
    /// # Errors
    /// Those of the store.
    fn weights(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Weight>>;

    /// The values of keys of a table of values, in the order of the keys.
    ///
    /// # Errors
    /// Those of the store.
    fn values(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>>;

    /// Visits the entries of a table of weights, one range after another. Ranges may overlap; no weight is 0.
    ///
    /// # Errors
    /// Those of the store, and those of the visitor, which end the scan.
    fn scan(&mut self, table: &Table, ranges: &[KeyRange], visitor: &mut Visitor<'_>) -> Result<()>;

    /// Visits all entries of a table of values, in the order of the keys.
    ///
    /// # Errors
    /// Those of the store, and those of the visitor, which end the scan.
    fn scan_values(&mut self, table: &Table, visitor: &mut ValueVisitor<'_>) -> Result<()>;
}

/// One step: reads that see its own writes, and writes that are seen by others all at once or never.
///
/// Dropping it without a commit undoes it. From the beginning of a transaction to its end no other one writes.
pub trait Transaction: Snapshot {
    /// Adds to the weights of different keys and gives the new weights, in the order of the changes. Entries whose weight
    /// becomes 0 are removed.
    ///
    /// # Errors
    /// `Invalid` if a weight leaves the range of 64 bits; otherwise those of the store. The transaction must then be
    /// dropped.
    fn add(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<Vec<Weight>>;

    /// Adds like [`add`](Self::add), when nobody needs the new weights. The default is `add`.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    fn add_only(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<()> {
        self.add(table, changes).map(drop)
    }

    /// Puts or removes values of different keys.
    ///
    /// # Errors
    /// Those of the store. The transaction must then be dropped.
    fn put(&mut self, table: &Table, changes: Vec<Change<Option<Vec<u8>>>>) -> Result<()>;

    /// Sets the time up to which all changes are in the store.
    ///
    /// # Errors
    /// Those of the store.
    fn set_time(&mut self, time: i64) -> Result<()>;

    /// The names of the tables that were added and are not filled, as they are now.
    ///
    /// # Errors
    /// Those of the store.
    fn unfilled(&mut self) -> Result<Vec<String>>;

    /// Says that tables that were added are filled, and begins another generation.
    ///
    /// # Errors
    /// Those of the store.
    fn mark_filled(&mut self, tables: &[String]) -> Result<()>;

    /// A shorter way for what a step does most. `None` (the default) where calls leave the process or columns are wanted.
    fn direct(&mut self) -> Option<&mut dyn Direct> {
        None
    }

    /// Makes the changes visible and, as far as the store is durable, safe.
    ///
    /// # Errors
    /// `OutcomeUnknown` if it cannot be told whether they are; any other kind if they are not.
    fn commit(self: Box<Self>) -> Result<()>;
}

/// A place for the tables of one circuit.
pub trait Store: fmt::Debug + Send {
    /// Makes the tables, or checks that those that are there have the same signatures. All or nothing. Gives the names of
    /// the tables that were added to others and must be filled before they count as there.
    ///
    /// # Errors
    /// `NotFound` if the tables are not there and may not be made, `Invalid` if those that are there do not fit;
    /// otherwise those of the store.
    fn prepare(&mut self, tables: &[&Table], mode: Mode) -> Result<Vec<String>>;

    /// True if changes shall carry values for the columns.
    fn wants_columns(&self) -> bool;

    /// Begins a step. Waits for another one that is under way, as long as the store is set to wait.
    ///
    /// # Errors
    /// `Conflict` if another step takes too long; otherwise those of the store.
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>>;

    /// Opens the state after the last committed step for reading.
    ///
    /// # Errors
    /// Those of the store.
    fn snapshot(&mut self) -> Result<Box<dyn Snapshot + '_>>;

    /// Gives out a time that nobody got before: later than those given out and than the store's, by one from the later of
    /// both. In a store with several writers it is safe at once; where there is one writer at a time, it may wait for a
    /// step that is under way.
    ///
    /// # Errors
    /// `Invalid` if there is no later time; otherwise those of the store.
    fn next_time(&mut self) -> Result<i64>;
}

/// The time to give out after one that was given out and the store's.
fn later(given: i64, time: i64) -> Result<i64> {
    given.max(time).checked_add(1).ok_or_else(no_later_time)
}

fn no_later_time() -> Error {
    Error::invalid("there is no later time to give out").with("last", i64::MAX)
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn prepare(&mut self, tables: &[&Table], mode: Mode) -> Result<Vec<String>> {
        (**self).prepare(tables, mode)
    }

    fn wants_columns(&self) -> bool {
        (**self).wants_columns()
    }

    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        (**self).begin()
    }

    fn snapshot(&mut self) -> Result<Box<dyn Snapshot + '_>> {
        (**self).snapshot()
    }

    fn next_time(&mut self) -> Result<i64> {
        (**self).next_time()
    }
}
