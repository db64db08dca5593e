//! Records and their kinds.

use bytes::Bytes;

use super::format::KIND_MAX;
use crate::error::{Error, Result};

/// What a record is about, in the terms of whoever writes the log: 1 to 127.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKind(u8);

impl RecordKind {
    /// The kind 1, for logs with one kind of record.
    pub const DATA: Self = Self(1);

    /// A kind.
    ///
    /// # Errors
    /// `Invalid` if it is not 1 to 127.
    pub fn new(kind: u8) -> Result<Self> {
        match (1..=KIND_MAX).contains(&kind) {
            true => Ok(Self(kind)),
            false => Err(Error::invalid("kind of a record is not in 1..=127").with("kind", kind)),
        }
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }

    /// As stored, where the bytes were tested.
    pub(crate) fn stored(kind: u8) -> Self {
        Self(kind)
    }
}

/// A record as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number: dense, from 1.
    pub seq: u64,
    /// What it is about.
    pub kind: RecordKind,
    /// The bytes that were appended. Of a large one they are part of what was read at once, and keep all of it.
    pub payload: Bytes,
}
