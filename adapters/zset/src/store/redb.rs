//! State in one redb file: durable and embedded, for one process at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use redb::{
    CommitError, Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};
use worldstore_core::{Error, ErrorKind, Result};

use super::schema::{self, Stored, Todo};
use super::{Change, Head, KeyRange, Mode, Order, Snapshot, Store, Transaction, ValueVisitor, Visit, Visitor, later};
use crate::table::{Table, TableKind};
use crate::weight::{self, Weight};

/// The signatures of the tables, by name. The names of operators cannot begin like this.
const SIGNATURES: TableDefinition<'_, &str, &str> = TableDefinition::new("_signatures");
/// The names of tables that were added and not filled yet.
const UNFILLED: TableDefinition<'_, &str, ()> = TableDefinition::new("_unfilled");
/// The store's time, its generation, and the last time that was given out.
const NUMBERS: TableDefinition<'_, u8, i64> = TableDefinition::new("_numbers");
const TIME: u8 = 0;
const GENERATION: u8 = 1;
const GIVEN: u8 = 2;

/// A store in a redb file. Each committed step has been synced to the disk. Clones are the same store, so that several
/// engines of a process can share it.
#[derive(Clone)]
pub struct Redb {
    database: Arc<Database>,
}

impl fmt::Debug for Redb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redb")
    }
}

impl Redb {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// `Conflict` if another process has it open; `Corrupt` if it is not a redb file or is damaged; otherwise those of
    /// the file system.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let database = Database::create(path).map_err(|error| failed(error).with("path", path.display()))?;
        Ok(Self { database: Arc::new(database) })
    }

    fn stored(&self) -> Result<BTreeMap<String, Stored>> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let signatures = match transaction.open_table(SIGNATURES) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(BTreeMap::new()),
            Err(error) => return Err(failed(error)),
        };
        stored(&signatures, &transaction.open_table(UNFILLED).map_err(failed)?)
    }

    /// Does what is to be done, found anew now that no other engine of the process makes tables.
    fn create(&self, tables: &[&Table], mode: Mode) -> Result<Vec<String>> {
        let transaction = self.database.begin_write().map_err(failed)?;
        let todo: Todo<'_>;
        {
            let mut signatures = transaction.open_table(SIGNATURES).map_err(failed)?;
            let mut unfilled = transaction.open_table(UNFILLED).map_err(failed)?;
            transaction.open_table(NUMBERS).map_err(failed)?;
            todo = schema::compare(&stored(&signatures, &unfilled)?, tables, mode)?;
            for name in &todo.remove {
                unfilled.remove(name.as_str()).map_err(failed)?;
                signatures.remove(name.as_str()).map_err(failed)?;
                let definition: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(name);
                transaction.delete_table(definition).map_err(failed)?;
            }
            for name in &todo.fill {
                unfilled.insert(name.as_str(), ()).map_err(failed)?;
            }
            for table in &todo.create {
                signatures.insert(table.name.as_str(), table.signature.as_str()).map_err(failed)?;
                match table.kind {
                    TableKind::Weights => drop(transaction.open_table(weights_of(table)).map_err(failed)?),
                    TableKind::Values => drop(transaction.open_table(values_of(table)).map_err(failed)?),
                }
            }
        }
        transaction.commit().map_err(commit_failed)?;
        Ok(todo.fill)
    }
}

/// The tables that are there.
fn stored(
    signatures: &impl ReadableTable<&'static str, &'static str>,
    unfilled: &impl ReadableTable<&'static str, ()>,
) -> Result<BTreeMap<String, Stored>> {
    let mut stored = BTreeMap::new();
    for entry in signatures.iter().map_err(failed)? {
        let (name, signature) = entry.map_err(failed)?;
        let is_filled = unfilled.get(name.value()).map_err(failed)?.is_none();
        let signature = signature.value().to_owned();
        stored.insert(name.value().to_owned(), Stored { signature, is_filled });
    }
    Ok(stored)
}

fn weights_of(table: &Table) -> TableDefinition<'_, &'static [u8], i64> {
    TableDefinition::new(&table.name)
}

fn values_of(table: &Table) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(&table.name)
}

impl Store for Redb {
    fn prepare(&mut self, tables: &[&Table], mode: Mode) -> Result<Vec<String>> {
        let todo = schema::compare(&self.stored()?, tables, mode)?;
        if todo.is_nothing() {
            return Ok(todo.fill);
        }
        self.create(tables, mode)
    }

    fn wants_columns(&self) -> bool {
        false
    }

    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        Ok(Box::new(Writing { transaction: self.database.begin_write().map_err(failed)? }))
    }

    fn snapshot(&mut self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(Reading { transaction: self.database.begin_read().map_err(failed)? }))
    }

    fn next_time(&mut self) -> Result<i64> {
        let transaction = self.database.begin_write().map_err(failed)?;
        let next = {
            let mut table = transaction.open_table(NUMBERS).map_err(failed)?;
            let next = later(number(&table, GIVEN, -1)?, number(&table, TIME, -1)?)?;
            table.insert(GIVEN, next).map_err(failed)?;
            next
        };
        transaction.commit().map_err(commit_failed)?;
        Ok(next)
    }
}

fn number(table: &impl ReadableTable<u8, i64>, which: u8, otherwise: i64) -> Result<i64> {
    Ok(table.get(which).map_err(failed)?.map_or(otherwise, |number| number.value()))
}

struct Reading {
    transaction: ReadTransaction,
}

struct Writing {
    transaction: WriteTransaction,
}

/// The reading half of both kinds of transaction: they open tables of different types that read alike.
macro_rules! snapshot {
    ($type:ty) => {
        impl Snapshot for $type {
            fn head(&mut self) -> Result<Head> {
                let table = match self.transaction.open_table(NUMBERS) {
                    Ok(table) => table,
                    Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Head { time: -1, generation: 0 }),
                    Err(error) => return Err(failed(error)),
                };
                Ok(Head { time: number(&table, TIME, -1)?, generation: number(&table, GENERATION, 0)? })
            }

            fn signature(&mut self, name: &str) -> Result<Option<String>> {
                let table = self.transaction.open_table(SIGNATURES).map_err(failed)?;
                let signature = table.get(name).map_err(failed)?;
                Ok(signature.map(|signature| signature.value().to_owned()))
            }

            fn weights(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Weight>> {
                let entries = self.transaction.open_table(weights_of(table)).map_err(failed)?;
                let weight = |key: &Vec<u8>| Ok(entries.get(key.as_slice()).map_err(failed)?.map_or(0, |w| w.value()));
                keys.iter().map(weight).collect()
            }

            fn values(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
                let entries = self.transaction.open_table(values_of(table)).map_err(failed)?;
                let value = |key: &Vec<u8>| {
                    Ok(entries.get(key.as_slice()).map_err(failed)?.map(|value| value.value().to_vec()))
                };
                keys.iter().map(value).collect()
            }

            fn scan(&mut self, table: &Table, ranges: &[KeyRange], visitor: &mut Visitor<'_>) -> Result<()> {
                let entries = self.transaction.open_table(weights_of(table)).map_err(failed)?;
                ranges.iter().enumerate().try_for_each(|(index, range)| visit(&entries, index, range, visitor))
            }

            fn scan_values(&mut self, table: &Table, visitor: &mut ValueVisitor<'_>) -> Result<()> {
                let entries = self.transaction.open_table(values_of(table)).map_err(failed)?;
                for entry in entries.iter().map_err(failed)? {
                    let (key, value) = entry.map_err(failed)?;
                    if visitor(key.value(), value.value())? == Visit::Enough {
                        break;
                    }
                }
                Ok(())
            }
        }
    };
}

snapshot!(Reading);
snapshot!(Writing);

fn visit(
    entries: &impl ReadableTable<&'static [u8], i64>,
    index: usize,
    range: &KeyRange,
    visitor: &mut Visitor<'_>,
) -> Result<()> {
    let found = match &range.end {
        Some(end) if *end <= range.start => return Ok(()),
        Some(end) => entries.range(range.start.as_slice()..end.as_slice()),
        None => entries.range(range.start.as_slice()..),
    };
    let mut found = found.map_err(failed)?;
    loop {
        let entry = match range.order {
            Order::Ascending => found.next(),
            Order::Descending => found.next_back(),
        };
        let Some(entry) = entry else {
            return Ok(());
        };
        let (key, weight) = entry.map_err(failed)?;
        if visitor(index, key.value(), weight.value())? == Visit::Enough {
            return Ok(());
        }
    }
}

impl Transaction for Writing {
    fn add(&mut self, table: &Table, changes: Vec<Change<Weight>>) -> Result<Vec<Weight>> {
        let mut entries = self.transaction.open_table(weights_of(table)).map_err(failed)?;
        let mut sums = Vec::with_capacity(changes.len());
        for Change { key, change, .. } in changes {
            let key = key.as_slice();
            let before = entries.get(key).map_err(failed)?.map_or(0, |weight| weight.value());
            let sum = weight::plus(before, change)?;
            match sum {
                0 => drop(entries.remove(key).map_err(failed)?),
                sum => drop(entries.insert(key, sum).map_err(failed)?),
            }
            sums.push(sum);
        }
        Ok(sums)
    }

    fn put(&mut self, table: &Table, changes: Vec<Change<Option<Vec<u8>>>>) -> Result<()> {
        let mut entries = self.transaction.open_table(values_of(table)).map_err(failed)?;
        for Change { key, change, .. } in changes {
            match change {
                Some(value) => drop(entries.insert(key.as_slice(), value.as_slice()).map_err(failed)?),
                None => drop(entries.remove(key.as_slice()).map_err(failed)?),
            }
        }
        Ok(())
    }

    fn set_time(&mut self, time: i64) -> Result<()> {
        let mut table = self.transaction.open_table(NUMBERS).map_err(failed)?;
        table.insert(TIME, time).map_err(failed)?;
        Ok(())
    }

    fn unfilled(&mut self) -> Result<Vec<String>> {
        let unfilled = self.transaction.open_table(UNFILLED).map_err(failed)?;
        let names = unfilled.iter().map_err(failed)?;
        names.map(|entry| Ok(entry.map_err(failed)?.0.value().to_owned())).collect()
    }

    fn mark_filled(&mut self, tables: &[String]) -> Result<()> {
        let mut unfilled = self.transaction.open_table(UNFILLED).map_err(failed)?;
        for name in tables {
            unfilled.remove(name.as_str()).map_err(failed)?;
        }
        let mut table = self.transaction.open_table(NUMBERS).map_err(failed)?;
        let generation = number(&table, GENERATION, 0)? + 1;
        table.insert(GENERATION, generation).map_err(failed)?;
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        self.transaction.commit().map_err(commit_failed)
    }
}

/// Translates an error of an operation that has changed nothing.
fn failed(error: impl Into<redb::Error>) -> Error {
    let error = error.into();
    let (kind, message) = match &error {
        redb::Error::Corrupted(_) => (ErrorKind::Corrupt, "the database is damaged"),
        redb::Error::Io(source) if source.kind() == std::io::ErrorKind::InvalidData => {
            (ErrorKind::Corrupt, "the file is not a redb database")
        }
        redb::Error::Io(source) if source.kind() == std::io::ErrorKind::StorageFull => {
            (ErrorKind::StorageFull, "no space is left for the database")
        }
        redb::Error::DatabaseAlreadyOpen => (ErrorKind::Conflict, "the database is open already"),
        redb::Error::PreviousIo | redb::Error::LockPoisoned(_) | redb::Error::TransactionPoisoned => {
            (ErrorKind::Poisoned, "an earlier failure made the database unusable")
        }
        redb::Error::TableDoesNotExist(_) => (ErrorKind::NotFound, "the store has no such table"),
        redb::Error::ValueTooLarge(_) => (ErrorKind::Invalid, "a row is too large for the database"),
        redb::Error::TableTypeMismatch { .. } | redb::Error::TypeDefinitionChanged { .. } => {
            (ErrorKind::Invalid, "the database has a table of this name that is not ours")
        }
        _ => (ErrorKind::Unexpected, "the database failed"),
    };
    Error::new(kind, message).caused_by(error)
}

/// Translates an error of a commit: what was on its way to the disk may have got there.
fn commit_failed(error: CommitError) -> Error {
    match error {
        CommitError::Storage(storage) => {
            Error::new(ErrorKind::OutcomeUnknown, "the commit failed half way").caused_by(redb::Error::from(storage))
        }
        other => failed(other),
    }
}
