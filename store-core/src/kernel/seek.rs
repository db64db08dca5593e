//! A position in an object and a window of its bytes: what readers that seek have in common.

use std::io::{Error, ErrorKind, Result, SeekFrom};
use std::ops::Range;

use bytes::Bytes;

use super::Fault;
use crate::ops::ObjectMeta;

/// What one request fetches at most if a reader asks for more than its read-ahead.
const FETCH_BYTES_MAX: u64 = 8 << 20;

/// Where a reader is, and which bytes it holds already.
#[derive(Debug)]
pub struct ReadAhead {
    size: u64,
    position: u64,
    ahead: u64,
    window: Bytes,
    window_start: u64,
}

impl ReadAhead {
    /// At the start of an object of `size` bytes.
    pub fn new(size: u64, read_ahead_bytes: u32) -> Self {
        Self { size, position: 0, ahead: u64::from(read_ahead_bytes), window: Bytes::new(), window_start: 0 }
    }

    /// Where the next byte comes from.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Copies what is here. None if bytes have to be fetched first; 0 at the end.
    pub fn take(&mut self, into: &mut [u8]) -> Option<usize> {
        if into.is_empty() || self.position >= self.size {
            return Some(0);
        }
        let offset = self.position.checked_sub(self.window_start)?;
        let here = self.window.get(usize::try_from(offset).ok()?..).filter(|here| !here.is_empty())?;
        let count = here.len().min(into.len());
        into.iter_mut().zip(here).for_each(|(to, from)| *to = *from);
        self.position += count as u64;
        Some(count)
    }

    /// The bytes to fetch for a reader that wants `length` of them.
    pub fn wanted(&self, length: usize) -> Range<u64> {
        let count = (length as u64).min(FETCH_BYTES_MAX).max(self.ahead);
        self.position..self.position.saturating_add(count).min(self.size)
    }

    /// Keeps fetched bytes in place of the former.
    pub fn fill(&mut self, start: u64, bytes: Bytes) {
        (self.window, self.window_start) = (bytes, start);
    }

    /// Moves. A position past the end is allowed, and nothing is there to read.
    ///
    /// # Errors
    /// `InvalidInput` for a position before the start, or past what 64 bits can count.
    pub fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "position is before the start or past 64 bits"))?;
        Ok(self.position)
    }
}

/// Checks that an object is as it was when a reader has opened it, as far as length, version and time of the last write
/// tell: for reads that cannot insist on a version. What only one of both has tells nothing.
///
/// # Errors
/// `ConditionFailed` otherwise.
pub fn expect_state(opened: &ObjectMeta, found: &ObjectMeta) -> crate::Result<()> {
    fn differ<Value: PartialEq>(one: &Option<Value>, other: &Option<Value>) -> bool {
        matches!((one, other), (Some(one), Some(other)) if one != other)
    }
    let is_other = opened.size != found.size
        || differ(&opened.version, &found.version)
        || differ(&opened.modified, &found.modified);
    match is_other {
        true => Err(Fault::Changed.about(&opened.key)),
        false => Ok(()),
    }
}
