//! The backend: the contract spread over transactions.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use worldstore_core::{
    Backend, BackendInfo, Capability, CheckOptions, Chunks, Condition, CopyOptions, DeleteOptions, Deleted, Durability,
    Error, ErrorKind, Key, ListOptions, ListPage, Namespace, ObjectMeta, Outcome, Prefix, ReadOptions,
    ReadRangesOptions, ReadReply, RenameOptions, Result, SettleOptions, Settled, StatOptions, WriteOptions, WriteToken,
    Writer,
};

use crate::config::{OpenMode, SqliteConfig};
use crate::database::{Committed, Database};
use crate::list;
use crate::objects::{New, Object, Tables, holds, now_us, text};
use crate::writer::SqliteWriter;

/// One SQLite file as a backend. Clones share its connections.
///
/// Every change is one `IMMEDIATE` transaction: conditions are looked at and changes made while nobody else writes,
/// in this process or another. [`Durability::Full`] and [`Durability::File`] sync the log with each commit;
/// [`Durability::None`] leaves that to the next checkpoint, so that a power cut may lose the last changes but tears
/// none.
#[derive(Debug, Clone)]
pub struct SqliteBackend {
    database: Arc<Database>,
}

impl SqliteBackend {
    pub(crate) fn open(config: SqliteConfig) -> Result<Self> {
        let path = config.path.display().to_string();
        let opened = Database::open(config).and_then(|database| {
            let backend = Self { database };
            if backend.database.writable().is_ok() {
                backend.sweep()?;
            }
            Ok(backend)
        });
        opened.map_err(|error| error.during("open").with("path", path))
    }

    /// Removes the chunks of writers that were abandoned, which opening does too. Returns how many writers there were.
    ///
    /// # Errors
    /// `Unsupported` if the file is only read, `Conflict` if another process keeps it locked.
    pub fn sweep(&self) -> Result<usize> {
        let silent_us = i64::try_from(self.database.config.abandoned_after.as_micros()).unwrap_or(i64::MAX);
        self.database.sweep(now_us().saturating_sub(silent_us)).map_err(|error| self.failed("sweep", error))
    }

    fn failed(&self, operation: &'static str, error: Error) -> Error {
        error.during(operation).with("backend", self)
    }
}

impl Database {
    pub(crate) fn put(&self, key: &Key, body: &[u8], options: &WriteOptions) -> Result<Outcome> {
        self.conditionally(options.durability, |tables| {
            let old = tables.find(key)?;
            if !holds(&options.condition, old.as_ref())? {
                return Ok(Outcome::Rejected);
            }
            let generation = tables.count()?;
            tables.add_chunks(generation, 0, body)?;
            let new = New { generation, size: body.len() as u64, token: text(options.token.as_ref()) };
            tables.publish(key, old.as_ref(), new).map(Outcome::Applied)
        })
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.conditionally(options.durability, |tables| {
            let source = tables.get(from)?;
            let old = tables.find(to)?;
            if !holds(&options.condition, old.as_ref())? {
                return Ok(Outcome::Rejected);
            }
            let generation = tables.count()?;
            tables.copy_chunks(source.generation, generation)?;
            let new = New { generation, size: source.meta.size, token: None };
            tables.publish(to, old.as_ref(), new).map(Outcome::Applied)
        })
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.conditionally(options.durability, |tables| {
            let source = tables.get(from)?;
            let old = tables.find(to)?;
            if !holds(&options.condition, old.as_ref())? {
                return Ok(Outcome::Rejected);
            }
            if from == to {
                return Ok(Outcome::Applied(source.meta));
            }
            tables.remove_row(from)?;
            let new = New { generation: source.generation, size: source.meta.size, token: source.token };
            tables.publish(to, old.as_ref(), new).map(Outcome::Applied)
        })
    }

    fn conditionally(
        &self,
        durability: Durability,
        work: impl FnOnce(Tables<'_>) -> Result<Outcome>,
    ) -> Result<Outcome> {
        let changed =
            self.change(durability, |transaction| work(Tables { connection: transaction, name: &self.name }))?;
        Ok(match changed {
            Committed::Yes(outcome) => outcome,
            Committed::Unclear(_) => Outcome::Unknown,
        })
    }

    fn delete(&self, keys: &[Key], condition: &Condition) -> Result<Vec<Deleted>> {
        let changed = self.change(Durability::Full, |transaction| {
            let tables = Tables { connection: transaction, name: &self.name };
            keys.iter().map(|key| remove(tables, key, condition)).collect::<Result<Vec<_>>>()
        })?;
        Ok(match changed {
            Committed::Yes(deleted) => deleted,
            Committed::Unclear(error) => keys
                .iter()
                .map(|key| {
                    let unknown = Error::new(ErrorKind::OutcomeUnknown, error.message()).with("key", key);
                    Deleted::Failed(unknown.during("delete"))
                })
                .collect(),
        })
    }
}

fn remove(tables: Tables<'_>, key: &Key, condition: &Condition) -> Result<Deleted> {
    let object = tables.find(key)?;
    match (holds(condition, object.as_ref())?, object) {
        (false, _) => Ok(Deleted::Rejected),
        (true, None) => Ok(Deleted::Missing),
        (true, Some(object)) => {
            tables.remove_chunks(object.generation)?;
            tables.remove_row(key).map(|()| Deleted::Deleted)
        }
    }
}

impl fmt::Display for SqliteBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite({})", self.database.config.path.display())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for SqliteBackend {
    fn info(&self) -> BackendInfo {
        let mut capability = Capability::read_only();
        (capability.list_sorted, capability.versions) = (true, true);
        if self.database.config.mode != OpenMode::ReadOnly {
            capability.write = true;
            (capability.write_if_absent, capability.write_if_match) = (true, true);
            (capability.copy, capability.copy_if_absent, capability.copy_if_match) = (true, true, true);
            (capability.rename, capability.rename_if_absent, capability.rename_if_match) = (true, true, true);
            (capability.delete_if_match, capability.write_tokens) = (true, true);
            capability.durable = true;
        }
        let path = self.database.config.path.display().to_string();
        BackendInfo::new("sqlite", path, capability).with_namespace(Namespace::Flat)
    }

    fn stat(&self, key: &Key, _options: &StatOptions) -> Result<ObjectMeta> {
        let found = self.database.reader().and_then(|reader| self.database.tables(&reader)?.get(key));
        found.map(|object| object.meta).map_err(|error| self.failed("stat", error))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        self.database.read(key, options).map_err(|error| self.failed("read", error))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.database.read_ranges(key, ranges, options).map_err(|error| self.failed("read_ranges", error))
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.database.put(key, &body, options).map_err(|error| self.failed("write", error))
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.database.writable().map_err(|error| self.failed("open_writer", error))?;
        Ok(Box::new(SqliteWriter::new(Arc::clone(&self.database), key.clone(), options.clone())))
    }

    fn settle(&self, key: &Key, token: &WriteToken, _options: &SettleOptions) -> Result<Settled> {
        let found = self.database.reader().and_then(|reader| self.database.tables(&reader)?.find(key));
        Ok(match found.map_err(|error| self.failed("settle", error))? {
            None => Settled::Absent,
            Some(Object { meta, token: Some(found), .. }) if found == token.as_str() => Settled::Applied(meta),
            Some(object) => Settled::Other(object.meta),
        })
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        options.check()?;
        self.database.delete(keys, &options.condition).map_err(|error| self.failed("delete", error))
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let listed =
            self.database.reader().and_then(|reader| list::page(self.database.tables(&reader)?, prefix, options));
        listed.map_err(|error| self.failed("list", error))
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.database.copy(from, to, options).map_err(|error| self.failed("copy", error))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.database.rename(from, to, options).map_err(|error| self.failed("rename", error))
    }

    /// Makes sure that the file still has its name, can be read, and can be locked for changes.
    fn check(&self, _options: &CheckOptions) -> Result<()> {
        let there = std::fs::metadata(&self.database.config.path).map_err(|error| Error::io("check", error));
        let first = ListOptions::default().with_limit(1);
        let readable = there.and_then(|_| {
            let reader = self.database.reader()?;
            list::page(self.database.tables(&reader)?, &Prefix::root(), &first).map(drop)
        });
        let checked = readable.and_then(|()| match self.database.writable() {
            Ok(()) => self.database.change(Durability::None, |_| Ok(()))?.into_result(),
            Err(_) => Ok(()),
        });
        checked.map_err(|error| self.failed("check", error))
    }

    fn presign(&self) -> Option<&dyn worldstore_core::Presign> {
        None
    }
}
