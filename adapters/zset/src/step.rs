//! What an operator has at hand during a step: the transaction, the time, and the counters.

use serde::Serialize;
use worldstore_core::{Error, Result};

use crate::encode;
use crate::row::Row;
use crate::store::{Change, KeyRange, Keys, Transaction, ValueVisitor, Visit, Visitor};
use crate::table::Table;
use crate::weight::Weight;

/// Room for a key that is not yet known.
const KEY_BYTES: usize = 24;

/// What a step did to the store, counted in entries of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StepStats {
    /// Entries that were looked up by their whole key.
    pub looked_up: u64,
    /// Entries that were visited in ranges.
    pub scanned: u64,
    /// Entries that were written.
    pub written: u64,
    /// Rows that came to a window after their time had left it, and were dropped.
    pub late: u64,
}

impl StepStats {
    /// All entries that were looked up, visited or written.
    pub fn total(&self) -> u64 {
        self.looked_up + self.scanned + self.written
    }
}

/// One step of a circuit.
pub(crate) struct Step<'t> {
    transaction: &'t mut dyn Transaction,
    columns: bool,
    /// How many entries the step may look up, visit and write.
    entries_max: u64,
    /// The time of the step, if it has one.
    pub(crate) time: Option<i64>,
    pub(crate) stats: StepStats,
}

impl<'t> Step<'t> {
    pub(crate) fn new(
        transaction: &'t mut dyn Transaction,
        columns: bool,
        entries_max: Option<u64>,
        time: Option<i64>,
    ) -> Self {
        let entries_max = entries_max.unwrap_or(u64::MAX);
        Self { transaction, columns, entries_max, time, stats: StepStats::default() }
    }

    /// Adds to weights and gives the new ones. An entry is its encoded key, what encodes to it, and the change.
    pub(crate) fn add<S: Serialize>(
        &mut self,
        table: &Table,
        entries: impl IntoIterator<Item = (Vec<u8>, S, Weight)>,
    ) -> Result<Vec<Weight>> {
        let entries = entries.into_iter().map(Ok);
        let changes = self.changes(table, entries)?;
        if changes.is_empty() { Ok(Vec::new()) } else { self.transaction.add(table, changes) }
    }

    /// Entries with the values for their columns; they count as written.
    fn changes<S: Serialize>(
        &mut self,
        table: &Table,
        entries: impl Iterator<Item = Result<(Vec<u8>, S, Weight)>>,
    ) -> Result<Vec<Change<Weight>>> {
        let mut changes = Vec::with_capacity(entries.size_hint().0);
        for entry in entries {
            let (key, value, change) = entry?;
            let mut columns = Vec::new();
            if self.columns {
                columns.reserve(table.columns.len());
                table.key().values(&value, &mut columns)?;
            }
            changes.push(Change { key, change, columns });
        }
        self.stats.written += changes.len() as u64;
        within(&self.stats, self.entries_max)?;
        Ok(changes)
    }

    /// Adds to weights, when nobody needs the new ones. An entry is a function that writes its key, what encodes to it, and
    /// the change.
    pub(crate) fn append<S: Serialize, W: FnOnce(&mut Vec<u8>) -> Result<()>>(
        &mut self,
        table: &Table,
        entries: impl ExactSizeIterator<Item = (W, S, Weight)>,
    ) -> Result<()> {
        let count = entries.len();
        if count == 0 {
            return Ok(());
        }
        if self.transaction.direct().is_none() {
            let entries = entries.map(|(write, value, change)| {
                let mut key = Vec::with_capacity(KEY_BYTES);
                write(&mut key)?;
                Ok((key, value, change))
            });
            let changes = self.changes(table, entries)?;
            return self.transaction.add_only(table, changes);
        }
        let mut keys = Keys::with_capacity(count, count * KEY_BYTES);
        let mut changes = Vec::with_capacity(count);
        for (write, _, change) in entries {
            keys.push_with(write)?;
            changes.push(change);
        }
        self.stats.written += count as u64;
        within(&self.stats, self.entries_max)?;
        self.transaction.direct().map_or(Ok(()), |direct| direct.append(table, keys, changes))
    }

    /// The weights of keys.
    pub(crate) fn weights(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Weight>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.stats.looked_up += keys.len() as u64;
        within(&self.stats, self.entries_max)?;
        self.transaction.weights(table, keys)
    }

    /// The values of keys.
    pub(crate) fn values<V: Row>(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Option<V>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.stats.looked_up += keys.len() as u64;
        within(&self.stats, self.entries_max)?;
        let values = self.transaction.values(table, keys)?;
        values.into_iter().map(|value| value.map(|bytes| encode::decode(&bytes)).transpose()).collect()
    }

    /// The values of keys that are lent.
    pub(crate) fn values_of<V: Row>(&mut self, table: &Table, keys: &[&[u8]]) -> Result<Vec<Option<V>>> {
        if keys.is_empty() || self.transaction.direct().is_none() {
            let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
            return self.values(table, &keys);
        }
        self.stats.looked_up += keys.len() as u64;
        within(&self.stats, self.entries_max)?;
        let mut values = Vec::with_capacity(keys.len());
        if let Some(direct) = self.transaction.direct() {
            direct.visit_values(table, keys, &mut |_, value| {
                values.push(value.map(encode::decode).transpose()?);
                Ok(())
            })?;
        }
        Ok(values)
    }

    /// Puts or removes values of keys that are lent, each with what encodes to the key.
    pub(crate) fn put_of<S: Serialize, V: Serialize>(
        &mut self,
        table: &Table,
        entries: Vec<(&[u8], S, Option<V>)>,
    ) -> Result<()> {
        if entries.is_empty() || self.transaction.direct().is_none() {
            return self
                .put(table, entries.into_iter().map(|(key, typed_key, value)| (key.to_vec(), typed_key, value)));
        }
        let mut values = Keys::with_capacity(entries.len(), entries.len() * KEY_BYTES);
        for (_, _, value) in &entries {
            values.push_with(|out| value.as_ref().map_or(Ok(()), |value| encode::encode_into(value, out)))?;
        }
        self.stats.written += entries.len() as u64;
        within(&self.stats, self.entries_max)?;
        let values = values.iter();
        let mut entries =
            entries.iter().zip(values).map(|((key, _, put), value)| (*key, put.is_some().then_some(value)));
        self.transaction.direct().map_or(Ok(()), |direct| direct.put_all(table, &mut entries))
    }

    /// Puts or removes values. An entry is its encoded key, what encodes to it, and the value.
    pub(crate) fn put<S: Serialize, V: Serialize>(
        &mut self,
        table: &Table,
        entries: impl IntoIterator<Item = (Vec<u8>, S, Option<V>)>,
    ) -> Result<()> {
        let mut changes = Vec::new();
        for (key, typed_key, value) in entries {
            let mut columns = Vec::new();
            if let (true, Some(value), Some(layout)) = (self.columns, &value, table.value()) {
                table.key().values(&typed_key, &mut columns)?;
                layout.values(value, &mut columns)?;
            }
            let change = value.map(|value| encode::encode(&value)).transpose()?;
            changes.push(Change { key, change, columns });
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.stats.written += changes.len() as u64;
        within(&self.stats, self.entries_max)?;
        self.transaction.put(table, changes)
    }

    /// Puts or removes values that are bytes already and have no columns. An entry is its encoded key, what encodes to it,
    /// and the bytes. It is not counted.
    pub(crate) fn put_bytes<S: Serialize>(
        &mut self,
        table: &Table,
        entries: impl IntoIterator<Item = (Vec<u8>, S, Option<Vec<u8>>)>,
    ) -> Result<()> {
        let mut changes = Vec::new();
        for (key, typed_key, change) in entries {
            let mut columns = Vec::new();
            if self.columns && change.is_some() {
                table.key().values(&typed_key, &mut columns)?;
            }
            changes.push(Change { key, change, columns });
        }
        if changes.is_empty() { Ok(()) } else { self.transaction.put(table, changes) }
    }

    /// Visits entries of ranges: the index of the range, the key and the weight.
    pub(crate) fn scan(
        &mut self,
        table: &Table,
        ranges: &[KeyRange],
        mut visit: impl FnMut(usize, &[u8], Weight) -> Result<Visit>,
    ) -> Result<()> {
        if ranges.is_empty() {
            return Ok(());
        }
        let (stats, entries_max) = (&mut self.stats, self.entries_max);
        self.transaction.scan(table, ranges, &mut |index, key, weight| {
            stats.scanned += 1;
            within(stats, entries_max)?;
            visit(index, key, weight)
        })
    }

    /// Visits the entries whose keys begin with each of these: the index of the prefix, the key and the weight.
    pub(crate) fn scan_prefixes(
        &mut self,
        table: &Table,
        prefixes: &[&[u8]],
        mut visit: impl FnMut(usize, &[u8], Weight) -> Result<Visit>,
    ) -> Result<()> {
        if prefixes.is_empty() || self.transaction.direct().is_none() {
            let ranges: Vec<_> = prefixes.iter().map(|prefix| KeyRange::prefix(prefix)).collect();
            return self.scan(table, &ranges, visit);
        }
        let (stats, entries_max) = (&mut self.stats, self.entries_max);
        let visit: &mut Visitor<'_> = &mut |index, key, weight| {
            stats.scanned += 1;
            within(stats, entries_max)?;
            visit(index, key, weight)
        };
        self.transaction.direct().map_or(Ok(()), |direct| direct.scan_prefixes(table, prefixes, visit))
    }

    /// Visits all entries of a table of values.
    pub(crate) fn scan_values(
        &mut self,
        table: &Table,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<Visit>,
    ) -> Result<()> {
        let (stats, entries_max) = (&mut self.stats, self.entries_max);
        let visit: &mut ValueVisitor<'_> = &mut |key, value| {
            stats.scanned += 1;
            within(stats, entries_max)?;
            visit(key, value)
        };
        self.transaction.scan_values(table, visit)
    }
}

fn within(stats: &StepStats, entries_max: u64) -> Result<()> {
    match stats.total() > entries_max {
        true => Err(Error::invalid("the step touches more entries than are allowed").with("entries_max", entries_max)),
        false => Ok(()),
    }
}
