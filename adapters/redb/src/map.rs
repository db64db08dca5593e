//! The ordered map: one table of a redb database.

use std::fmt;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use redb::{Database, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition};
use worldstore_core::kv::{Finish, KvProfile, KvTransaction, OrderedKv, Scan, SeeEntry, SeeValue, Work};
use worldstore_core::{Durability, Result};

use crate::failure::{commit_failed, failed};

/// The file may hold other tables; they are left alone.
const TABLE: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("worldstore");

/// An open redb database.
pub struct RedbMap {
    database: Database,
    path: PathBuf,
}

impl RedbMap {
    pub(crate) fn new(database: Database, path: PathBuf) -> Self {
        Self { database, path }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn table(&self) -> Result<ReadOnlyTable<&'static [u8], &'static [u8]>> {
        let transaction = self.database.begin_read().map_err(failed)?;
        transaction.open_table(TABLE).map_err(failed)
    }
}

impl fmt::Debug for RedbMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbMap").field("path", &self.path).finish_non_exhaustive()
    }
}

impl fmt::Display for RedbMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redb({})", self.path.display())
    }
}

impl OrderedKv for RedbMap {
    fn profile(&self) -> KvProfile {
        KvProfile::new("redb", self.path.display().to_string(), true)
    }

    fn get(&self, key: &[u8], seen: SeeValue<'_>) -> Result<bool> {
        let value = self.table()?.get(key).map_err(failed)?;
        Ok(value.map(|value| seen(value.value())).is_some())
    }

    fn scan(&self, from: Bound<&[u8]>, end: &[u8], seen: SeeEntry<'_>) -> Result<()> {
        let range = (from, Bound::Excluded(end));
        for entry in self.table()?.range::<&[u8]>(range).map_err(failed)? {
            let (key, value) = entry.map_err(failed)?;
            if seen(key.value(), value.value())? == Scan::Stop {
                break;
            }
        }
        Ok(())
    }

    fn transact(&self, durability: Durability, work: Work<'_>) -> Result<()> {
        let mut transaction = self.database.begin_write().map_err(failed)?;
        let level = match durability {
            Durability::None => redb::Durability::None,
            Durability::File | Durability::Full => redb::Durability::Immediate,
        };
        transaction.set_durability(level).map_err(failed)?;
        let finish = {
            let table = transaction.open_table(TABLE).map_err(failed)?;
            work(&mut Change { table })
        };
        match finish {
            Ok(Finish::Commit) => transaction.commit().map_err(commit_failed),
            Ok(Finish::Abort) => transaction.abort().map_err(failed),
            Err(error) => transaction.abort().map_err(failed).and(Err(error)),
        }
    }
}

struct Change<'transaction> {
    table: Table<'transaction, &'static [u8], &'static [u8]>,
}

impl KvTransaction for Change<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.table.get(key).map_err(failed)?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.table.insert(key, value).map(drop).map_err(failed)
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.table.remove(key).map(drop).map_err(failed)
    }
}

#[cfg(test)]
mod tests;
