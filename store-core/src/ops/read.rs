//! Reads: ranges, pinned versions, replies.

use std::ops::Range;

use bytes::Bytes;

use super::object::{ObjectMeta, Version};
use crate::error::{Error, Result};

/// A stream of chunks: the body of a read, in order and without gaps. After an error it ends.
pub type Chunks = Box<dyn Iterator<Item = Result<Bytes>> + Send>;

/// A part of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadRange {
    /// Bytes from start to end, the end excluded. An end past the object is cut; a start past it is an error.
    Bounded(Range<u64>),
    /// Everything from here on.
    From(u64),
    /// The last bytes, all of them if the object is shorter.
    Last(u64),
}

impl ReadRange {
    /// The bytes that this means for an object of `size` bytes.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if it starts past the end or ends before its start.
    pub fn resolve(&self, size: u64) -> Result<Range<u64>> {
        let range = match self {
            Self::Bounded(range) if range.end < range.start => {
                return Err(Error::invalid("range ends before its start")
                    .with("start", range.start)
                    .with("end", range.end));
            }
            Self::Bounded(range) => range.start..range.end.min(size),
            Self::From(start) => *start..size,
            Self::Last(length) => size.saturating_sub(*length)..size,
        };
        if range.start > size {
            return Err(Error::invalid("range starts past the end").with("start", range.start).with("size", size));
        }
        Ok(range.start..range.end.max(range.start))
    }
}

/// Checks that every range lies within an object of `size` bytes.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid), naming the range.
pub fn check_ranges(ranges: &[Range<u64>], size: u64) -> Result<()> {
    match ranges.iter().find(|range| range.start > range.end || range.end > size) {
        Some(range) => {
            Err(Error::invalid("range is not within the object").with("range", format!("{range:?}")).with("size", size))
        }
        None => Ok(()),
    }
}

/// Options of [`read`](crate::Backend::read).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The part to read; everything by default.
    pub range: Option<ReadRange>,
    /// Refuse to read any other state of the object.
    pub version: Option<Version>,
}

impl ReadOptions {
    /// Reads this part only.
    #[must_use]
    pub fn with_range(mut self, range: ReadRange) -> Self {
        self.range = Some(range);
        self
    }

    /// Reads this state only.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }
}

/// Result of [`read`](crate::Backend::read): metadata of the whole object, and the bytes of the part.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReadReply<Body> {
    /// The object that is read.
    pub meta: ObjectMeta,
    /// Which bytes of it follow.
    pub range: Range<u64>,
    /// The bytes.
    pub body: Body,
}

impl<Body> ReadReply<Body> {
    /// Puts the parts together.
    pub fn new(meta: ObjectMeta, range: Range<u64>, body: Body) -> Self {
        Self { meta, range, body }
    }
}

/// Options of [`read_ranges`](crate::Backend::read_ranges).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadRangesOptions {
    /// Refuse to read any other state of the object.
    pub version: Option<Version>,
}

impl ReadRangesOptions {
    /// Reads this state only.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }
}
