//! The file: opening it, telling ours from others', and connections, one that writes and a few that read.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use worldstore_core::{Error, ErrorKind, Result};

use super::config::SqliteConfig;
use super::error::{of_commit, translate};
use super::schema::TABLES;
use crate::planted::Bug;

/// Marks a file as ours, in SQLite's header: "wsec".
const APPLICATION_ID: i64 = 0x7773_6563;
/// The version of the tables, in SQLite's header.
const SCHEMA_VERSION: i64 = 1;
/// So many reading connections are kept open while nobody uses them.
const IDLE_MAX: usize = 8;
/// Between two attempts at what SQLite does not wait for by itself.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Database {
    pub config: SqliteConfig,
    writer: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
}

impl Database {
    pub fn open(config: SqliteConfig) -> Result<Arc<Self>> {
        create_file(&config.path)?;
        let connection = connect(&config)?;
        let fresh = is_fresh(&connection)?;
        patiently(config.busy_timeout, || write_ahead(&connection))?;
        if fresh {
            patiently(config.busy_timeout, || make_tables(&connection, config.shard))?;
        }
        // A batch that is acknowledged is in the synced log.
        connection.pragma_update(None, "synchronous", "FULL").map_err(translate)?;
        Ok(Arc::new(Self { config, writer: Mutex::new(connection), idle: Mutex::default() }))
    }

    /// Runs one transaction that holds the file's only write lock from its beginning. What fails changes nothing.
    pub fn change<Value>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<Value>) -> Result<Value> {
        let mut writer = lock(&self.writer);
        let transaction = Transaction::new(&mut writer, TransactionBehavior::Immediate).map_err(translate)?;
        let value = work(&transaction);
        if value.is_ok() || self.config.planted.has(Bug::CommitDespiteError) {
            transaction.commit().map_err(of_commit)?;
        }
        value
    }

    /// A connection that sees one state of the file until it is dropped.
    pub fn reader(self: &Arc<Self>) -> Result<Reader> {
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.config)?,
        };
        connection.execute_batch("BEGIN").map_err(translate)?;
        Ok(Reader { database: Arc::clone(self), connection: Some(connection) })
    }
}

/// One state of the file.
#[derive(Debug)]
pub(super) struct Reader {
    database: Arc<Database>,
    connection: Option<Connection>,
}

impl Reader {
    pub fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| Error::unexpected("the connection is gone"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A connection that cannot end its transaction is closed instead of being used again.
        if connection.execute_batch("ROLLBACK").is_ok() {
            let mut idle = lock(&self.database.idle);
            if idle.len() < IDLE_MAX {
                idle.push(connection);
            }
        }
    }
}

/// A panic elsewhere leaves connections whole: an open transaction is rolled back where it is dropped.
fn lock<Value>(mutex: &Mutex<Value>) -> MutexGuard<'_, Value> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(config: &SqliteConfig) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&config.path, flags).map_err(translate)?;
    connection.busy_timeout(config.busy_timeout).map_err(translate)?;
    // Where the system knows a sync that passes the drive's cache, that is what is meant.
    connection.pragma_update(None, "fullfsync", true).map_err(translate)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true).map_err(translate)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// SQLite would make the file readable for everyone; its log and its index take over the mode of the file.
fn create_file(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::io("create", error)),
    }
}

/// True for a database without tables; an error for one that is not ours. It is asked at one moment: another process may be
/// making the tables.
fn is_fresh(connection: &Connection) -> Result<bool> {
    const MARKS: &str = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
        FROM pragma_application_id, pragma_user_version";
    let marks =
        connection.query_row(MARKS, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(translate)?;
    let (application, version, _): (i64, i64, i64) = marks;
    match marks {
        (0, 0, 0) => Ok(true),
        (APPLICATION_ID, SCHEMA_VERSION, _) => Ok(false),
        (APPLICATION_ID, _, _) => Err(Error::invalid("the file is of another version of this format")
            .with("version", version)
            .with("known", SCHEMA_VERSION)),
        _ => Err(Error::invalid("the database belongs to another program").with("application_id", application)),
    }
}

fn write_ahead(connection: &Connection) -> Result<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(translate)?;
    match mode.as_str() {
        "wal" => Ok(()),
        _ => Err(Error::unsupported("the file system allows no write-ahead log").with("journal_mode", mode)),
    }
}

/// Makes the tables, unless another process has been faster.
fn make_tables(connection: &Connection, shard: u16) -> Result<()> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(translate)?;
    if is_fresh(&transaction)? {
        transaction.execute_batch(TABLES).map_err(translate)?;
        transaction.execute("UPDATE store SET shard = ?1", [shard]).map_err(translate)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(translate)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(translate)?;
    }
    transaction.commit().map_err(translate)
}

/// SQLite does not wait for others when it changes how the log is kept.
fn patiently(time: Duration, work: impl Fn() -> Result<()>) -> Result<()> {
    let begun = Instant::now();
    loop {
        match work() {
            Err(error) if error.kind() == ErrorKind::Conflict && begun.elapsed() < time => thread::sleep(PAUSE),
            done => return done,
        }
    }
}
