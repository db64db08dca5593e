//! One object against the length and the hash that it should have.

use std::fmt;

use crate::backend::Backend;
use crate::blocks::{Hash, Hasher};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::ops::{ReadOptions, ReadReply};

/// What is wrong with an object.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// It is not there.
    Missing,
    /// It is longer or shorter than it should be.
    Length {
        /// How long it should be.
        expected: u64,
        /// How long it is.
        found: u64,
    },
    /// Its bytes are not those that were stored.
    Content {
        /// The hash that it should have.
        expected: Hash,
        /// The hash that it has.
        found: Hash,
    },
    /// It could not be read: a failing disk, a service that does not answer. Nothing is known of its bytes.
    Unreadable(Error),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Length { expected, found } => write!(f, "{found} bytes long where {expected} are expected"),
            Self::Content { expected, found } => write!(f, "hash {found} where {expected} is expected"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl Problem {
    /// As an error about this object.
    pub fn about(self, key: &Key) -> Error {
        let error = match self {
            Self::Missing => Error::not_found("an object of the snapshot is missing"),
            Self::Unreadable(error) => return error,
            Self::Length { expected, found } => {
                Error::new(ErrorKind::Corrupt, "an object of the snapshot has another length")
                    .with("expected", expected)
                    .with("found", found)
            }
            Self::Content { expected, found } => {
                Error::new(ErrorKind::Corrupt, "an object of the snapshot has another hash")
                    .with("expected", expected)
                    .with("found", found)
            }
        };
        error.with("key", key)
    }
}

/// Reads an object to its end, with one chunk in memory. None if it is as it should be.
pub(super) fn examine(backend: &dyn Backend, key: &Key, length: u64, hash: Hash) -> Option<Problem> {
    match read(backend, key, length) {
        Ok(Ok(found)) if found == hash => None,
        Ok(Ok(found)) => Some(Problem::Content { expected: hash, found }),
        Ok(Err(problem)) => Some(problem),
        Err(error) if error.is_not_found() => Some(Problem::Missing),
        Err(error) => Some(Problem::Unreadable(error)),
    }
}

fn read(backend: &dyn Backend, key: &Key, length: u64) -> Result<Result<Hash, Problem>> {
    let ReadReply { meta, body, .. } = backend.read(key, &ReadOptions::default())?;
    if meta.size != length {
        return Ok(Err(Problem::Length { expected: length, found: meta.size }));
    }
    let (mut hasher, mut found) = (Hasher::new(), 0_u64);
    for chunk in body {
        let chunk = chunk?;
        found = found.saturating_add(chunk.len() as u64);
        hasher.update(&chunk);
    }
    match found == length {
        true => Ok(Ok(hasher.hash())),
        // The object is of the right length, and its body is not: that says nothing of what is stored.
        false => Err(Error::new(ErrorKind::Unavailable, "the object's body ended early").with("key", key)),
    }
}
