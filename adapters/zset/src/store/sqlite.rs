//! State in an SQLite file that any program can query with plain SQL.
//!
//! Each table of the circuit is a table of the file: `_key` (the encoded key), a typed column for each part of the key,
//! and `_weight`; or `_key`, typed columns for key and value, and `_value` (the encoded value). What the bytes say counts;
//! the columns are for readers. Two more tables hold the signatures and the time.

mod statements;
mod transaction;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, ToSql, TransactionBehavior};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_db_common::sqlite::{self, is_unclear, translate_with};

use super::schema::{self, Stored};
use super::{Mode, Snapshot, Store, Transaction, no_later_time};
use crate::table::Table;
use transaction::Held;

/// How many prepared statements a connection keeps: four for each table of a large circuit.
const STATEMENTS: usize = 512;

/// How many pages the log holds before they are written to the file. Steps touch pages here and there; written back after
/// each step, as by default, most would be written back many times.
const LOG_PAGES: i64 = 16_384;

/// When a committed step is safe from a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqliteSync {
    /// When the step returns: the log is synced for each step.
    Full,
    /// At the next checkpoint of the log. A power cut may lose the last steps, whole ones and in order; a killed process
    /// loses none.
    Normal,
}

/// How an SQLite file is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// The file; it is made if it is not there.
    pub path: PathBuf,
    /// Default: [`SqliteSync::Full`].
    pub sync: SqliteSync,
    /// How long a step waits for another process's step, up to 24 days. Default: 10 s.
    pub busy_wait: Duration,
    /// Page cache in KiB. Default: 65,536 (64 MiB).
    pub cache_kib: u32,
}

impl SqliteConfig {
    /// The defaults for a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let (sync, busy_wait, cache_kib) = (SqliteSync::Full, Duration::from_secs(10), 65_536);
        Self { path: path.into(), sync, busy_wait, cache_kib }
    }

    /// Sets when steps are safe.
    #[must_use]
    pub fn with_sync(mut self, sync: SqliteSync) -> Self {
        self.sync = sync;
        self
    }

    /// Sets how long a step waits for another process's step.
    #[must_use]
    pub fn with_busy_wait(mut self, wait: Duration) -> Self {
        self.busy_wait = wait;
        self
    }

    /// Sets the page cache.
    #[must_use]
    pub fn with_cache_kib(mut self, cache_kib: u32) -> Self {
        self.cache_kib = cache_kib;
        self
    }

    /// Opens the file in WAL mode.
    ///
    /// # Errors
    /// `NotFound` if the file can be neither opened nor made, `Corrupt` if it is no SQLite file, `Unsupported` if the
    /// file system does not take WAL mode.
    pub fn open(&self) -> Result<Sqlite> {
        let connection = self.connect().map_err(|error| error.with("path", self.path.display()))?;
        Ok(Sqlite { connection, path: self.path.clone() })
    }

    fn connect(&self) -> Result<Connection> {
        let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = sqlite::connect(&self.path, access, self.busy_wait)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let sync = match self.sync {
            SqliteSync::Full => "FULL",
            SqliteSync::Normal => "NORMAL",
        };
        let set = |name, value: &dyn ToSql| connection.pragma_update(None, name, value).map_err(failed);
        set("cache_size", &-i64::from(self.cache_kib))?;
        set("synchronous", &sync)?;
        set("wal_autocheckpoint", &LOG_PAGES)?;
        sqlite::write_ahead(&connection, self.busy_wait)?;
        Ok(connection)
    }
}

/// A store in an SQLite file. Several processes may step it, one at a time; readers never wait.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sqlite({})", self.path.display())
    }
}

impl Sqlite {
    /// Opens a file, or makes it, with the defaults.
    ///
    /// # Errors
    /// As [`SqliteConfig::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        SqliteConfig::new(path.as_ref()).open()
    }
}

impl Store for Sqlite {
    fn prepare(&mut self, tables: &[&Table], mode: Mode) -> Result<Vec<String>> {
        // The write lock is taken first, so that of several processes that want to make the tables one does.
        let behavior = match mode {
            Mode::CreateTables | Mode::Migrate => TransactionBehavior::Immediate,
            Mode::Open => TransactionBehavior::Deferred,
        };
        let transaction = self.connection.transaction_with_behavior(behavior).map_err(failed)?;
        let stored = stored(&transaction)?;
        let todo = schema::compare(&stored, tables, mode)?;
        if stored.is_empty() && mode != Mode::Open {
            transaction.execute_batch(statements::META).map_err(failed)?;
        }
        for name in &todo.remove {
            transaction.execute_batch(&statements::remove_table(name)).map_err(failed)?;
            transaction.execute("DELETE FROM _signatures WHERE name = ?1", [name]).map_err(failed)?;
        }
        for table in &todo.create {
            transaction.execute_batch(&statements::create(table)).map_err(failed)?;
            let insert = "INSERT INTO _signatures (name, operator, signature, filled) VALUES (?1, ?2, ?3, ?4)";
            let is_filled = !todo.fill.contains(&table.name);
            let values = (&table.name, &table.operator, &table.signature, is_filled);
            transaction.execute(insert, values).map_err(failed)?;
        }
        transaction.commit().map_err(commit_failed)?;
        Ok(todo.fill)
    }

    fn wants_columns(&self) -> bool {
        true
    }

    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        Ok(Box::new(Held::begin(&self.connection, "BEGIN IMMEDIATE")?))
    }

    fn snapshot(&mut self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(Held::begin(&self.connection, "BEGIN")?))
    }

    fn next_time(&mut self) -> Result<i64> {
        // One statement is a transaction of its own; it waits for a step that is under way.
        let sql =
            "UPDATE _time SET given = max(given, input_time) + 1 WHERE max(given, input_time) < ?1 RETURNING given";
        let given = self.connection.query_row(sql, [i64::MAX], |row| row.get(0)).optional().map_err(failed)?;
        given.ok_or_else(no_later_time)
    }
}

/// The signatures of the tables that are there.
fn stored(connection: &Connection) -> Result<BTreeMap<String, Stored>> {
    let there = "SELECT 1 FROM sqlite_schema WHERE name = '_signatures'";
    let there = connection.query_row(there, [], |_| Ok(())).optional().map_err(failed)?;
    if there.is_none() {
        return Ok(BTreeMap::new());
    }
    let mut statement = connection.prepare("SELECT name, signature, filled FROM _signatures").map_err(failed)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, Stored { signature: row.get(1)?, is_filled: row.get(2)? }));
    let rows = statement.query_map([], read).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

/// Translates an error of an operation that has changed nothing.
fn failed(error: rusqlite::Error) -> Error {
    let no_table = error.to_string().starts_with("no such table");
    translate_with(error, |code| match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Some((ErrorKind::Conflict, "another step holds the file"))
        }
        ErrorCode::TooBig => Some((ErrorKind::Invalid, "a row is too large for sqlite")),
        ErrorCode::Unknown if no_table => Some((ErrorKind::NotFound, "the store has no such table")),
        _ => None,
    })
}

/// Translates an error of a commit: after a failed write or sync, its frames may still be found in the log.
fn commit_failed(error: rusqlite::Error) -> Error {
    if is_unclear(&error) {
        return Error::new(ErrorKind::OutcomeUnknown, "the commit failed half way").caused_by(error);
    }
    failed(error)
}

#[cfg(test)]
mod tests;
