//! Collections kept in a table, in the order of a key, for queries from here and from elsewhere.

use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::batch::{Erased, Slots};
use crate::circuit::{self, Operator, Part, Recall, Stream, recalled};
use crate::encode::{self, decode_prefix};
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{KeyRange, Snapshot, Store, Visit, behind};
use crate::table::{Access, Table};
use crate::weight::Weight;
use crate::zset::ZSet;

/// A collection kept in a table of the same name, ordered by a key and then by the row.
#[derive(Debug, Clone)]
pub struct Index<K, T> {
    table: Arc<Table>,
    by_name: ByName,
    marker: PhantomData<fn() -> (K, T)>,
}

/// A collection kept in a table of the same name, ordered by the row.
pub type Cache<T> = Index<(), T>;

/// Whether the index came from a circuit or was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByName {
    Yes,
    No,
}

fn table_of<K: Row, T: Row>(name: &str) -> Table {
    let key = Shape::of::<K>();
    let mut table = Table::weights(name.to_owned(), &[("key", key.clone()), ("", Shape::of::<T>())]);
    table.access = Access::Ranges;
    let mut columns = Vec::new();
    crate::columns::Layout::new(key).columns("key", &mut columns);
    table.indexed = columns.len();
    table
}

impl<T: Row> Stream<'_, T> {
    /// Keeps the collection in a table. This is the integral of the stream, which costs only what changes.
    pub fn cache(self, name: &str) -> Cache<T> {
        self.keep(name, |_| ())
    }

    /// Keeps the collection in a table in the order of a key: a part of the row, a tuple of parts, with
    /// [`Desc`](crate::Desc) around those that descend.
    pub fn index<K: Row>(self, name: &str, key: impl Fn(&T) -> K + Send + Sync + 'static) -> Index<K, T> {
        self.keep(name, key)
    }

    fn keep<K: Row>(self, name: &str, key: impl Fn(&T) -> K + Send + Sync + 'static) -> Index<K, T> {
        let mut kept = None;
        let _rows: Stream<'_, T> = self.builder.add(name, "index", &[self.id], [table_of::<K, T>(name)], |[table]| {
            kept = Some(table.clone());
            Keep { input: self.id, table, key, marker: PhantomData }
        });
        // Without a table there was a mistake, and the circuit will not be built.
        let table = kept.unwrap_or_else(|| Arc::new(table_of::<K, T>(name)));
        Index { table, by_name: ByName::No, marker: PhantomData }
    }
}

struct Keep<T, F> {
    input: usize,
    table: Arc<Table>,
    key: F,
    marker: PhantomData<fn(T)>,
}

impl<T: Row, K: Row, F: Fn(&T) -> K + Send + Sync> Operator for Keep<T, F> {
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let rows = slots.get::<T>(self.input)?.iter().map(|(row, weight)| {
            let entry = ((self.key)(row), row);
            let write = {
                let key = entry.0.clone();
                move |out: &mut Vec<u8>| encode::encode_into(&(key, row), out)
            };
            (write, entry, *weight)
        });
        step.append(&self.table, rows)?;
        Ok(None)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        if part == Part::Input(self.input) { recalled(&self.table, circuit::behind_key::<K, T>) } else { None }
    }
}

impl<K: Row, T: Row> Index<K, T> {
    /// An index of a store, by its name, for programs that read it without its circuit.
    pub fn named(name: &str) -> Self {
        Self { table: Arc::new(table_of::<K, T>(name)), by_name: ByName::Yes, marker: PhantomData }
    }

    /// The name: that of the operator and of the table.
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// Opens the index in a store as it is now.
    ///
    /// # Errors
    /// `NotFound` if the store has no such index; `Invalid` if it holds other types; otherwise those of the store.
    pub fn read<'s>(&self, store: &'s mut dyn Store) -> Result<Reading<'s, K, T>> {
        let mut snapshot = store.snapshot()?;
        let name = &self.table.name;
        let found = snapshot.signature(name)?;
        let stored = found.ok_or_else(|| Error::not_found("the store has no such index").with("index", name))?;
        let fits = match self.by_name {
            ByName::No => stored == self.table.signature,
            ByName::Yes => stored.starts_with(&format!("index {} after ", self.table.signature)),
        };
        if !fits {
            let error = Error::invalid("the index in the store is of another circuit or of other types");
            return Err(error.with("index", name).with("stored", stored).with("wanted", &self.table.signature));
        }
        Ok(Reading { snapshot, table: self.table.clone(), marker: PhantomData })
    }
}

/// An index, open for reading at one moment.
pub struct Reading<'s, K, T> {
    snapshot: Box<dyn Snapshot + 's>,
    table: Arc<Table>,
    marker: PhantomData<fn() -> (K, T)>,
}

impl<K: Row, T: Row> Reading<'_, K, T> {
    /// All rows.
    ///
    /// # Errors
    /// `Corrupt` if stored bytes are no rows; otherwise those of the store.
    pub fn all(&mut self) -> Result<ZSet<T>> {
        let rows = self.collect(KeyRange::prefix(&[]), usize::MAX)?;
        ZSet::from_weights(rows.into_iter().map(|(_, row, weight)| (row, weight)))
    }

    /// The rows with this key, in their order. Costs what it gives.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn get(&mut self, key: &K) -> Result<Vec<(T, Weight)>> {
        let rows = self.collect(KeyRange::prefix(&encode::encode(key)?), usize::MAX)?;
        Ok(rows.into_iter().map(|(_, row, weight)| (row, weight)).collect())
    }

    /// The rows with keys in a range, in the order of the keys. Costs what it gives.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn range(&mut self, range: impl RangeBounds<K>) -> Result<Vec<(K, T, Weight)>> {
        let start = match range.start_bound() {
            Bound::Unbounded => Some(Vec::new()),
            Bound::Included(key) => Some(encode::encode(key)?),
            Bound::Excluded(key) => behind(&encode::encode(key)?),
        };
        let end = match range.end_bound() {
            Bound::Unbounded => None,
            Bound::Included(key) => behind(&encode::encode(key)?),
            Bound::Excluded(key) => Some(encode::encode(key)?),
        };
        let Some(start) = start else {
            return Ok(Vec::new());
        };
        let mut range = KeyRange::prefix(&[]);
        range.start = start;
        range.end = end;
        self.collect(range, usize::MAX)
    }

    /// The first rows in the order of the keys, so many at most, whatever their weights. Costs what it gives.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn first(&mut self, count: usize) -> Result<Vec<(K, T, Weight)>> {
        self.collect(KeyRange::prefix(&[]), count)
    }

    /// The last rows in the order of the keys, the last one first.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn last(&mut self, count: usize) -> Result<Vec<(K, T, Weight)>> {
        self.collect(KeyRange::prefix(&[]).descending(), count)
    }

    /// The time of the store at this moment.
    ///
    /// # Errors
    /// Those of the store.
    pub fn time(&mut self) -> Result<i64> {
        Ok(self.snapshot.head()?.time)
    }

    fn collect(&mut self, range: KeyRange, count: usize) -> Result<Vec<(K, T, Weight)>> {
        let mut rows = Vec::new();
        if count == 0 {
            return Ok(rows);
        }
        self.snapshot.scan(&self.table, &[range], &mut |_, bytes, weight| {
            let (key, rest) = decode_prefix::<K>(bytes)?;
            rows.push((key, encode::decode::<T>(rest)?, weight));
            Ok(if rows.len() >= count { Visit::Enough } else { Visit::Next })
        })?;
        Ok(rows)
    }
}
