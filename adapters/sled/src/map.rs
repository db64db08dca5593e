//! The ordered map: one tree of a sled database.

use std::cell::RefCell;
use std::fmt;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use sled::transaction::{
    ConflictableTransactionError, TransactionError, TransactionalTree, UnabortableTransactionError,
};
use worldstore_core::kv::{Finish, KvProfile, KvTransaction, OrderedKv, Scan, SeeEntry, SeeValue, Work};
use worldstore_core::{Durability, Error, ErrorKind, Result};

use crate::failure::failed;

/// An open sled database. It has the folder for itself.
pub struct SledMap {
    database: sled::Db,
    path: PathBuf,
}

impl SledMap {
    pub(crate) fn new(database: sled::Db, path: PathBuf) -> Self {
        Self { database, path }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for SledMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledMap").field("path", &self.path).finish_non_exhaustive()
    }
}

impl fmt::Display for SledMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sled({})", self.path.display())
    }
}

impl OrderedKv for SledMap {
    fn profile(&self) -> KvProfile {
        // Not power-safe: see the crate's documentation.
        KvProfile::new("sled", self.path.display().to_string(), false)
    }

    fn get(&self, key: &[u8], seen: SeeValue<'_>) -> Result<bool> {
        let value = self.database.get(key).map_err(failed)?;
        Ok(value.map(|value| seen(&value)).is_some())
    }

    fn scan(&self, from: Bound<&[u8]>, end: &[u8], seen: SeeEntry<'_>) -> Result<()> {
        for entry in self.database.range::<&[u8], _>((from, Bound::Excluded(end))) {
            let (key, value) = entry.map_err(failed)?;
            if seen(&key, &value)? == Scan::Stop {
                break;
            }
        }
        Ok(())
    }

    fn transact(&self, durability: Durability, work: Work<'_>) -> Result<()> {
        // sled wants a closure that it can share; it calls it from this thread only, one call after the other.
        let work = RefCell::new(work);
        let result = self.database.transaction(|tree| {
            let mut change = Change { tree, failure: None };
            let finish = (*work.borrow_mut())(&mut change);
            match (change.failure, finish) {
                // An error that sled has given out goes back to it.
                (Some(error), _) => Err(error.into()),
                (None, Ok(Finish::Commit)) => Ok(()),
                (None, Ok(Finish::Abort)) => Err(ConflictableTransactionError::Abort(None)),
                (None, Err(error)) => Err(ConflictableTransactionError::Abort(Some(error))),
            }
        });
        match result {
            Ok(()) => {}
            Err(TransactionError::Abort(None)) => return Ok(()),
            Err(TransactionError::Abort(Some(error))) => return Err(error),
            Err(TransactionError::Storage(error)) => return Err(half_way(error)),
        }
        match durability {
            Durability::None => Ok(()),
            Durability::File | Durability::Full => self.database.flush().map(drop).map_err(half_way),
        }
    }
}

/// It is not known how far the change has come.
fn half_way(error: sled::Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "commit failed half way").caused_by(failed(error))
}

struct Change<'tree> {
    tree: &'tree TransactionalTree,
    failure: Option<UnabortableTransactionError>,
}

impl Change<'_> {
    fn kept<Value>(&mut self, result: Result<Value, UnabortableTransactionError>) -> Result<Value> {
        result.map_err(|error| {
            let told = match &error {
                UnabortableTransactionError::Storage(error) => failed(error.clone()),
                UnabortableTransactionError::Conflict => {
                    Error::new(ErrorKind::Conflict, "another change is in the way")
                }
            };
            self.failure = Some(error);
            told
        })
    }
}

impl KvTransaction for Change<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.tree.get(key);
        Ok(self.kept(value)?.map(|value| value.to_vec()))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let replaced = self.tree.insert(key, value);
        self.kept(replaced).map(drop)
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        let removed = self.tree.remove(key);
        self.kept(removed).map(drop)
    }
}
