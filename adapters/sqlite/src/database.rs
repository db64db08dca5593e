//! Connections: one that writes, behind a lock, and a few that read.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use worldstore_core::{Durability, Error, Result};
use worldstore_db_common::sqlite::{Reader, Readers, is_unclear, translate};

use crate::config::{OpenMode, SqliteConfig};
use crate::schema;

#[derive(Debug)]
pub(crate) struct Database {
    pub config: SqliteConfig,
    /// The file's random name: what versions begin with.
    pub name: String,
    writer: Mutex<WriteConnection>,
    readers: Arc<Readers>,
}

#[derive(Debug)]
struct WriteConnection {
    connection: Connection,
    synchronous: Synchronous,
}

/// How much a commit waits for. Less than this could damage the whole file in a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Synchronous {
    /// The log is synced before it is moved into the file: a power cut may lose the last commits, not tear them.
    Normal,
    /// The log is synced by each commit.
    Full,
}

/// How a transaction ended that did not fail.
pub(crate) enum Committed<Value> {
    Yes(Value),
    /// Nobody knows: with the reason.
    Unclear(Error),
}

impl Database {
    pub(crate) fn open(config: SqliteConfig) -> Result<Arc<Self>> {
        let connection = schema::prepare(&config)?;
        let name = connection.query_row("SELECT name FROM store", [], |row| row.get(0)).map_err(translate)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(translate)?;
        let writer = Mutex::new(WriteConnection { connection, synchronous: Synchronous::Full });
        Ok(Arc::new(Self { config, name, writer, readers: Arc::default() }))
    }

    /// Refuses changes to a file that is only read.
    pub(crate) fn writable(&self) -> Result<()> {
        match self.config.mode {
            OpenMode::ReadOnly => Err(Error::unsupported("the file was opened to be read only")),
            OpenMode::Existing | OpenMode::Create => Ok(()),
        }
    }

    /// Runs one transaction that holds the file's only write lock from its beginning.
    pub(crate) fn change<Value>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<Value>,
    ) -> Result<Committed<Value>> {
        self.writable()?;
        // A panic elsewhere leaves the connection whole: an open transaction is rolled back where it is dropped.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.synchronize(durability)?;
        let transaction = Transaction::new(&mut writer.connection, TransactionBehavior::Immediate);
        let transaction = transaction.map_err(translate)?;
        let value = work(&transaction)?;
        match transaction.commit() {
            Ok(()) => Ok(Committed::Yes(value)),
            Err(error) if is_unclear(&error) => Ok(Committed::Unclear(translate(error))),
            Err(error) => Err(translate(error)),
        }
    }

    /// A connection that sees one state of the file until it is dropped.
    pub(crate) fn reader(&self) -> Result<Reader> {
        self.readers.begin(|| schema::connect(&self.config))
    }
}

impl WriteConnection {
    fn synchronize(&mut self, durability: Durability) -> Result<()> {
        // Name and bytes of an object are in one log: who asks for the bytes gets both.
        let (wanted, word) = match durability {
            Durability::None => (Synchronous::Normal, "NORMAL"),
            Durability::File | Durability::Full => (Synchronous::Full, "FULL"),
        };
        if self.synchronous != wanted {
            self.connection.pragma_update(None, "synchronous", word).map_err(translate)?;
            self.synchronous = wanted;
        }
        Ok(())
    }
}

impl<Value> Committed<Value> {
    /// The value, where an unclear end is an error like others.
    pub(crate) fn into_result(self) -> Result<Value> {
        match self {
            Self::Yes(value) => Ok(value),
            Self::Unclear(error) => Err(error),
        }
    }
}
