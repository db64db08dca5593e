//! A log on a backend that is only read.

use std::sync::Arc;

use super::object::record_bytes;
use super::replay::{self, Chain, Replay};
use super::shelf::Shelf;
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::key::Prefix;
use crate::wal::format::{LogId, SegmentHeader};
use crate::wal::record::Record;

/// A log on a backend that is only read, also while another writes it. What a writer has not acknowledged yet may show.
#[derive(Debug)]
pub struct ObjectWalReader {
    shelf: Arc<Shelf>,
    log: LogId,
    first: u64,
}

/// What is in an object of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectReport {
    /// Its name in the folder of the log.
    pub name: String,
    /// What it says of itself.
    pub header: SegmentHeader,
    /// The last record in it. One less than the first if there is none.
    pub last: u64,
    /// Records in it: none in the fence by which a writer has opened the log.
    pub records: u64,
    /// Bytes of their frames.
    pub bytes: u64,
}

impl ObjectWalReader {
    /// Opens a log.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Unsupported` unless the backend has `list_sorted`; `Corrupt` if its beginning is missing
    /// or damaged.
    pub fn open(backend: Arc<dyn Backend>, folder: Prefix) -> Result<Self> {
        let shelf = Arc::new(Shelf::to_read(backend, folder)?);
        let (slot, _) = Chain::new(&shelf)?
            .step()?
            .ok_or_else(|| Error::not_found("there is no log").with("folder", shelf.folder.told()))?;
        let log = replay::read(&shelf, slot, None)?.header.log;
        Ok(Self { shelf, log, first: slot.first })
    }

    /// The log.
    pub fn log(&self) -> LogId {
        self.log
    }

    /// The first record that is kept, or that will be.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Reads the objects one after the other and tests every byte of them, and that none is missing. After an error it ends.
    ///
    /// # Errors
    /// Of the listing; each item for itself `Corrupt`, with the object and the offset.
    pub fn objects(&self) -> Result<impl Iterator<Item = Result<ObjectReport>> + use<>> {
        let (shelf, log, mut chain) = (Arc::clone(&self.shelf), self.log, Chain::new(&self.shelf)?);
        let (mut expected, mut is_over) = (None, false);
        Ok(std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            let report = chain.step().and_then(|found| {
                found
                    .map(|(slot, size)| {
                        let mut reader = replay::read(&shelf, slot, Some(log))?;
                        let next = reader.finish()?;
                        match expected.replace(next) {
                            Some(expected) if expected != slot.first => {
                                return Err(replay::gap(&shelf, expected, slot.first));
                            }
                            _ => {}
                        }
                        let (records, bytes) = (next - slot.first, record_bytes(size));
                        Ok(ObjectReport { name: slot.name(), header: reader.header, last: next - 1, records, bytes })
                    })
                    .transpose()
            });
            is_over = !matches!(report, Ok(Some(_)));
            report.transpose()
        }))
    }

    /// Records after a number, as they are asked for, up to the last one.
    ///
    /// # Errors
    /// `NotFound` if records after that one were trimmed; each item for itself `Corrupt` at the first damage.
    pub fn replay(&self, after: u64) -> Result<impl Iterator<Item = Result<Record>> + Send + use<>> {
        Replay::new(&self.shelf, self.log, after, None)
    }
}
