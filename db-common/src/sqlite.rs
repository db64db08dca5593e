//! Errors of SQLite by their [codes](https://www.sqlite.org/rescode.html), and connections to files that several processes share.

mod mark;
mod readers;

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Error as SqliteError, ErrorCode, OpenFlags};
use worldstore_core::{Error, ErrorKind, Result};

use crate::Meaning;

pub use mark::Mark;
pub use readers::{Reader, Readers};

/// The longest time that SQLite can be told to wait for others: 24 days.
pub const BUSY_TIMEOUT_MAX: Duration = Duration::from_millis(i32::MAX as u64);
/// Between two attempts at what SQLite does not wait for by itself.
const PAUSE: Duration = Duration::from_millis(5);

/// Translates an error of SQLite; it becomes the cause of ours.
///
/// - `Conflict`: the file is locked by another connection.
/// - `Corrupt`: the file is damaged, or no database.
/// - `NotFound`: the file cannot be opened.
/// - `PermissionDenied`, `StorageFull`: as the file system says.
/// - `Unavailable`: the file cannot be read or written, or there is no memory.
/// - `Invalid`: a value that is too large.
/// - `Unexpected`: anything else.
pub fn translate(error: SqliteError) -> Error {
    translate_with(error, |_| None)
}

/// [`translate`], with meanings of one's own for what SQLite answers, asked first.
///
/// ```
/// use rusqlite::ErrorCode;
/// use worldstore_core::ErrorKind;
/// use worldstore_db_common::sqlite::translate_with;
///
/// let connection = rusqlite::Connection::open_in_memory()?;
/// let error = connection.prepare("SELECT * FROM counters").err().ok_or("the table is there")?;
/// let error = translate_with(error, |code| match code {
///     ErrorCode::Unknown => Some((ErrorKind::Invalid, "the query is wrong")),
///     _ => None,
/// });
/// assert_eq!(error.kind(), ErrorKind::Invalid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn translate_with(error: SqliteError, own: impl FnOnce(ErrorCode) -> Option<Meaning>) -> Error {
    let code = code(&error);
    let (kind, message) = code.and_then(own).unwrap_or_else(|| of_code(code));
    Error::new(kind, message).caused_by(error)
}

/// SQLite's answer: [`SqliteError::sqlite_error_code`] has none for errors of a statement.
fn code(error: &SqliteError) -> Option<ErrorCode> {
    match error {
        SqliteError::SqlInputError { error, .. } => Some(error.code),
        error => error.sqlite_error_code(),
    }
}

fn of_code(code: Option<ErrorCode>) -> Meaning {
    match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::Conflict, "the file is locked by another change")
        }
        Some(ErrorCode::NotADatabase) => (ErrorKind::Corrupt, "the file is no sqlite database"),
        Some(ErrorCode::DatabaseCorrupt) => (ErrorKind::Corrupt, "the database is damaged"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            (ErrorKind::PermissionDenied, "the file cannot be written")
        }
        Some(ErrorCode::DiskFull) => (ErrorKind::StorageFull, "no space is left for the file"),
        Some(ErrorCode::CannotOpen) => (ErrorKind::NotFound, "the file cannot be opened"),
        Some(ErrorCode::SystemIoFailure) => (ErrorKind::Unavailable, "the file cannot be read or written"),
        Some(ErrorCode::OutOfMemory) => (ErrorKind::Unavailable, "sqlite gets no memory"),
        Some(ErrorCode::TooBig) => (ErrorKind::Invalid, "the value is too large for sqlite"),
        _ => (ErrorKind::Unexpected, "sqlite failed"),
    }
}

/// True if a commit that failed in this way may still be found done when the file is opened again: its frames may be in the log
/// although syncing them failed.
pub fn is_unclear(error: &SqliteError) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// Opens a connection for one thread at a time. It waits `busy_timeout`, at most [`BUSY_TIMEOUT_MAX`], for the locks of others,
/// and syncs past the cache of the drive where the system can.
///
/// # Errors
/// `NotFound` if the file cannot be opened, `PermissionDenied` if it may not be. SQLite looks into the file only when it is used.
pub fn connect(path: &Path, access: OpenFlags, busy_timeout: Duration) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(translate)?;
    // More than the longest time would be a panic.
    connection.busy_timeout(busy_timeout.min(BUSY_TIMEOUT_MAX)).map_err(translate)?;
    connection.pragma_update(None, "fullfsync", true).map_err(translate)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true).map_err(translate)?;
    Ok(connection)
}

/// Makes an empty file that only its owner may read, if there is none. SQLite itself would make it readable for everyone; its log
/// and its index take over the mode of the file.
///
/// # Errors
/// Those of the file system; `NotFound` if the folder is not there.
pub fn create_file(path: &Path) -> Result<()> {
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

/// Turns to write-ahead logging, and waits up to `timeout` for others: SQLite does not when two connections do so at once.
///
/// # Errors
/// `Unsupported` if the file system has no shared memory for it, `Conflict` if the file stays locked.
pub fn write_ahead(connection: &Connection, timeout: Duration) -> Result<()> {
    patiently(timeout, || {
        let mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(translate)?;
        match mode.as_str() {
            "wal" => Ok(()),
            _ => Err(Error::unsupported("the file system allows no write-ahead log").with("journal_mode", mode)),
        }
    })
}

/// Repeats what meets others' locks.
fn patiently(timeout: Duration, mut step: impl FnMut() -> Result<()>) -> Result<()> {
    let begin = Instant::now();
    loop {
        match step() {
            Err(error) if error.kind() == ErrorKind::Conflict && begin.elapsed() < timeout => {
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests;
