//! The file: opening it, telling ours from others', making the tables.

use rusqlite::{Connection, DatabaseName, OpenFlags};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_db_common::sqlite::{self, Mark, translate};

use crate::config::{OpenMode, SqliteConfig};

/// "wsob", and the version of the tables.
const MARK: Mark = Mark { application_id: 0x7773_6F62, version: 1 };

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
    sqlite::connect(&config.path, access, config.busy_timeout)
}

/// Opens the first connection: makes the file if that is wanted, and makes sure that it is ours.
pub(crate) fn prepare(config: &SqliteConfig) -> Result<Connection> {
    if config.mode == OpenMode::Create {
        sqlite::create_file(&config.path)?;
    }
    let connection = connect(config)?;
    if config.mode == OpenMode::ReadOnly {
        return match MARK.is_fresh(&connection)? {
            true => Err(Error::invalid("the file is an empty database without objects")),
            false => Ok(connection),
        };
    }
    if connection.is_readonly(DatabaseName::Main).map_err(translate)? {
        return Err(Error::new(ErrorKind::PermissionDenied, "the file cannot be written: open it with mode=ro"));
    }
    MARK.prepare(&connection, config.busy_timeout, |transaction| transaction.execute_batch(TABLES))?;
    Ok(connection)
}
