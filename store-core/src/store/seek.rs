//! A reader with a position, over ranged reads.

use std::io::{self, SeekFrom};

use super::Store;
use crate::error::Result;
use crate::kernel::{Fault, ReadAhead, SeekOptions, expect_state, io_error};
use crate::ops::{ObjectMeta, ReadOptions, ReadRange};

/// An object open for reading, from [`read_seekable`](Store::read_seekable).
///
/// Every byte comes from the state in which the object was when it was opened, where the backend has versions. Where it
/// has none, reads fail with `ConditionFailed` once length or time of the last write are others: another state of the same
/// length and time is not noticed. Errors of the store are inside the errors of reads.
#[derive(Debug)]
pub struct SeekReader {
    store: Store,
    meta: ObjectMeta,
    ahead: ReadAhead,
}

impl SeekReader {
    pub(super) fn new(store: Store, meta: ObjectMeta, options: &SeekOptions) -> Self {
        let ahead = ReadAhead::new(meta.size, options.read_ahead_bytes);
        Self { store, meta, ahead }
    }

    /// The object as it was opened. No I/O.
    pub fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    /// Where the next byte comes from. No I/O.
    pub fn position(&self) -> u64 {
        self.ahead.position()
    }

    fn fetch(&mut self, length: usize) -> Result<()> {
        let range = self.ahead.wanted(length);
        let mut options = ReadOptions::default().with_range(ReadRange::Bounded(range.clone()));
        if self.store.supports(crate::Ability::Versions) {
            options.version = self.meta.version.clone();
        }
        let (found, bytes) = self.store.collect_found(self.meta.key.as_str(), &options)?;
        if options.version.is_none() {
            expect_state(&self.meta, &found)?;
        }
        if bytes.len() as u64 != range.end - range.start {
            return Err(Fault::Changed.about(&self.meta.key));
        }
        self.ahead.fill(range.start, bytes);
        Ok(())
    }
}

impl io::Read for SeekReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.ahead.take(into) {
                Some(count) => return Ok(count),
                None => self.fetch(into.len()).map_err(io_error)?,
            }
        }
    }
}

impl io::Seek for SeekReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.ahead.seek(to)
    }
}
