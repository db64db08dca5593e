//! The file: opening it, telling ours from others', and connections, one that writes and a few that read.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_db_common::sqlite::{self, Mark, Reader, Readers, create_file, is_unclear, translate};

use super::config::SqliteConfig;
use super::schema::TABLES;
use crate::planted::Bug;

/// "wsec", and the version of the tables.
const MARK: Mark = Mark { application_id: 0x7773_6563, version: 1 };

#[derive(Debug)]
pub(super) struct Database {
    pub config: SqliteConfig,
    writer: Mutex<Connection>,
    readers: Arc<Readers>,
}

impl Database {
    pub fn open(config: SqliteConfig) -> Result<Arc<Self>> {
        create_file(&config.path)?;
        let connection = connect(&config)?;
        MARK.prepare(&connection, config.busy_timeout, |transaction| {
            transaction.execute_batch(TABLES)?;
            transaction.execute("UPDATE store SET shard = ?1", [config.shard]).map(drop)
        })?;
        // A batch that is acknowledged is in the synced log.
        connection.pragma_update(None, "synchronous", "FULL").map_err(translate)?;
        Ok(Arc::new(Self { config, writer: Mutex::new(connection), readers: Arc::default() }))
    }

    /// Runs one transaction that holds the file's only write lock from its beginning. What fails changes nothing.
    pub fn change<Value>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<Value>) -> Result<Value> {
        // A panic elsewhere leaves the connection whole: an open transaction is rolled back where it is dropped.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = Transaction::new(&mut writer, TransactionBehavior::Immediate).map_err(translate)?;
        let value = work(&transaction);
        if value.is_ok() || self.config.planted.has(Bug::CommitDespiteError) {
            transaction.commit().map_err(of_commit)?;
        }
        value
    }

    /// A connection that sees one state of the file until it is dropped.
    pub fn reader(&self) -> Result<Reader> {
        self.readers.begin(|| connect(&self.config))
    }
}

fn connect(config: &SqliteConfig) -> Result<Connection> {
    let connection = sqlite::connect(&config.path, OpenFlags::SQLITE_OPEN_READ_WRITE, config.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// The error of a commit: the file may hold the batch although syncing it failed.
fn of_commit(error: rusqlite::Error) -> Error {
    match is_unclear(&error) {
        true => Error::new(ErrorKind::OutcomeUnknown, "the batch may or may not have been applied").caused_by(error),
        false => translate(error),
    }
}
