//! redb's errors in the terms of worldstore.

use std::io;

use redb::CommitError;
use worldstore_core::{Error, ErrorKind};

/// Translates an error of an operation that has changed nothing.
pub(crate) fn failed(error: impl Into<redb::Error>) -> Error {
    let error = error.into();
    let (kind, message) = match &error {
        redb::Error::Corrupted(_) => (ErrorKind::Corrupt, "database is damaged"),
        redb::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => {
            (ErrorKind::Corrupt, "file is not a redb database")
        }
        redb::Error::Io(source) => (kind_of(source), "input or output of the database failed"),
        redb::Error::DatabaseAlreadyOpen => (ErrorKind::Conflict, "database is open already"),
        redb::Error::PreviousIo | redb::Error::LockPoisoned(_) | redb::Error::TransactionPoisoned => {
            (ErrorKind::Poisoned, "an earlier failure made the database unusable")
        }
        redb::Error::DatabaseClosed => (ErrorKind::Poisoned, "database is closed"),
        redb::Error::UpgradeRequired(_) => (ErrorKind::Unsupported, "database is of another version of redb"),
        redb::Error::ValueTooLarge(_) => (ErrorKind::Invalid, "value is too large"),
        redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. } => {
            (ErrorKind::Invalid, "database has a table of this name that is not ours")
        }
        _ => (ErrorKind::Unexpected, "database failed"),
    };
    Error::new(kind, message).caused_by(error)
}

/// Translates an error of a commit: what was on its way to the disk may have got there.
pub(crate) fn commit_failed(error: CommitError) -> Error {
    match error {
        CommitError::Storage(storage) => {
            Error::new(ErrorKind::OutcomeUnknown, "commit failed half way").caused_by(redb::Error::from(storage))
        }
        other => failed(other),
    }
}

fn kind_of(source: &io::Error) -> ErrorKind {
    Error::io("", io::Error::from(source.kind())).kind()
}
