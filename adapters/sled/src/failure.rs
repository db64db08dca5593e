//! sled's errors in the terms of worldstore.

use std::io;

use worldstore_core::{Error, ErrorKind};

/// Translates an error.
pub(crate) fn failed(error: sled::Error) -> Error {
    let (kind, message) = match &error {
        sled::Error::Corruption { .. } => (ErrorKind::Corrupt, "database is damaged"),
        sled::Error::Io(source) => (kind_of(source), "input or output of the database failed"),
        sled::Error::Unsupported(_) => (ErrorKind::Unsupported, "database was made with other settings or versions"),
        sled::Error::CollectionNotFound(_) => (ErrorKind::Poisoned, "the tree of the objects is gone"),
        sled::Error::ReportableBug(_) => (ErrorKind::Unexpected, "database failed"),
    };
    Error::new(kind, message).caused_by(error)
}

fn kind_of(source: &io::Error) -> ErrorKind {
    match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ErrorKind::Corrupt,
        kind => Error::io("", io::Error::from(kind)).kind(),
    }
}
