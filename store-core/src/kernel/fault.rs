//! The wording of what the kernel refuses, in one place for both sides.

use std::fmt;
use std::io;

use crate::error::{Error, ErrorKind};

/// What the kernel refuses by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The store was closed.
    Closed,
    /// The root was named where an object is wanted, or where a folder is changed.
    Root,
    /// There is a folder where an object is wanted.
    IsFolder,
    /// There is an object where a folder is wanted.
    IsObject,
    /// No object has the key.
    NoObject,
    /// No object is below the folder.
    NoFolder,
    /// The folder holds objects and was not to be deleted with them.
    NotEmpty,
    /// The object is in another state than the one that was insisted on.
    Changed,
    /// What a listing was going through was gone before its end.
    Vanished,
    /// An earlier write of the same writer failed.
    WriterFailed,
}

impl Fault {
    /// The error, about a key or a folder.
    pub fn about(self, path: impl fmt::Display) -> Error {
        self.error().with("key", path)
    }

    /// The error by itself.
    pub fn error(self) -> Error {
        let (kind, message) = match self {
            Self::Closed => (ErrorKind::Poisoned, "store was closed, open it again"),
            Self::Root => (ErrorKind::Invalid, "the root of a store is a folder that always exists"),
            Self::IsFolder => (ErrorKind::Invalid, "key is a folder"),
            Self::IsObject => (ErrorKind::Invalid, "folder is an object"),
            Self::NoObject => (ErrorKind::NotFound, "no such object"),
            Self::NoFolder => (ErrorKind::NotFound, "no such folder"),
            Self::NotEmpty => (ErrorKind::ConditionFailed, "folder is not empty"),
            Self::Changed => (ErrorKind::ConditionFailed, "object is not in the expected state"),
            Self::Vanished => (ErrorKind::NotFound, "folder vanished while it was listed"),
            Self::WriterFailed => (ErrorKind::Poisoned, "an earlier write failed, begin the object again"),
        };
        Error::new(kind, message)
    }
}

/// An error for readers and writers of the standard library, ours inside.
pub fn io_error(error: Error) -> io::Error {
    let kind = match error.kind() {
        ErrorKind::NotFound => io::ErrorKind::NotFound,
        ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
        ErrorKind::Unsupported => io::ErrorKind::Unsupported,
        ErrorKind::Invalid => io::ErrorKind::InvalidInput,
        ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
        ErrorKind::StorageFull => io::ErrorKind::StorageFull,
        ErrorKind::Corrupt => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
