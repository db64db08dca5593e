//! The file: opening it, telling ours from others', making the tables.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, DatabaseName, OpenFlags, TransactionBehavior};
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::{OpenMode, SqliteConfig};
use crate::error::translate;

/// Marks a file as ours, in SQLite's header: "wsob".
const APPLICATION_ID: i64 = 0x7773_6F62;
/// The version of the tables, in SQLite's header.
const SCHEMA_VERSION: i64 = 1;
/// Between two attempts at what SQLite does not wait for by itself.
const PAUSE: Duration = Duration::from_millis(5);

/// Keys are blobs, so that they are compared byte for byte. A version is a number that is never given twice, behind
/// the file's random name; a generation, from the same counter, is what chunks belong to. `staged` holds the
/// generations of writers under way.
const TABLES: &str = "
    CREATE TABLE objects (
        key BLOB PRIMARY KEY, generation INTEGER NOT NULL, version INTEGER NOT NULL, size INTEGER NOT NULL,
        modified_us INTEGER NOT NULL, token TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE chunks (
        generation INTEGER NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (generation, at)
    ) STRICT;
    CREATE TABLE staged (generation INTEGER PRIMARY KEY, touched_us INTEGER NOT NULL) STRICT;
    CREATE TABLE store (name TEXT NOT NULL, counter INTEGER NOT NULL) STRICT;
    INSERT INTO store VALUES (lower(hex(randomblob(8))), 0);
";

/// Opens one more connection to the file.
pub(crate) fn connect(config: &SqliteConfig) -> Result<Connection> {
    let access = match config.mode {
        OpenMode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        OpenMode::Existing | OpenMode::Create => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection =
        Connection::open_with_flags(&config.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(translate)?;
    connection.busy_timeout(config.busy_timeout).map_err(translate)?;
    // Where the system knows a sync that passes the drive's cache, that is what is meant.
    connection.pragma_update(None, "fullfsync", true).map_err(translate)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true).map_err(translate)?;
    Ok(connection)
}

/// Opens the first connection: makes the file if that is wanted, and makes sure that it is ours.
pub(crate) fn prepare(config: &SqliteConfig) -> Result<Connection> {
    if config.mode == OpenMode::Create {
        create_file(&config.path)?;
    }
    let connection = connect(config)?;
    let fresh = is_fresh(&connection)?;
    if config.mode == OpenMode::ReadOnly {
        return match fresh {
            true => Err(Error::invalid("the file is an empty database without objects")),
            false => Ok(connection),
        };
    }
    if connection.is_readonly(DatabaseName::Main).map_err(translate)? {
        return Err(Error::new(ErrorKind::PermissionDenied, "the file cannot be written: open it with mode=ro"));
    }
    patiently(config.busy_timeout, || write_ahead(&connection))?;
    if fresh {
        patiently(config.busy_timeout, || make_tables(&connection))?;
    }
    Ok(connection)
}

/// SQLite would make the file readable for everyone; its log and its index take over the mode of the file.
fn create_file(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
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
fn make_tables(connection: &Connection) -> Result<()> {
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
    let transaction = transaction.map_err(translate)?;
    if is_fresh(&transaction)? {
        transaction.execute_batch(TABLES).map_err(translate)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(translate)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(translate)?;
    }
    transaction.commit().map_err(translate)
}

/// Repeats what meets others' locks: SQLite does not wait when two connections turn to write-ahead logging at once.
fn patiently(timeout: Duration, mut step: impl FnMut() -> Result<()>) -> Result<()> {
    let begin = Instant::now();
    loop {
        match step() {
            Err(error) if error.kind() == ErrorKind::Conflict && begin.elapsed() < timeout => thread::sleep(PAUSE),
            done => return done,
        }
    }
}
