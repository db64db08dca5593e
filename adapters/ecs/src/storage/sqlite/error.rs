//! SQLite's errors in our terms, by their codes.

use rusqlite::ErrorCode;
use worldstore_core::{Error, ErrorKind};

/// Translates an error of SQLite.
pub(super) fn translate(error: rusqlite::Error) -> Error {
    let (kind, message) = match error.sqlite_error_code() {
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
        Some(ErrorCode::TooBig) => (ErrorKind::Invalid, "the value is too large for sqlite"),
        _ => (ErrorKind::Unexpected, "sqlite failed"),
    };
    Error::new(kind, message).caused_by(error)
}

/// The error of a commit: the file may hold the batch although syncing it failed.
pub(super) fn of_commit(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => {
            Error::new(ErrorKind::OutcomeUnknown, "the batch may or may not have been applied").caused_by(error)
        }
        _ => translate(error),
    }
}
