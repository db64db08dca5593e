//! The segments of an open log, as its writer, its readers and its trimmers see them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::replay::Replay;
use super::{FolderOf, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Bug, Planted};
use crate::vfs::{Folder, Vfs};
use crate::wal::format::{LogId, SegmentHeader};
use crate::wal::sink::{Archive, Failure, Records, Trimmed};

/// A segment.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub name: String,
    pub header: SegmentHeader,
    /// Bytes of frames that are durable.
    pub bytes: u64,
}

/// See the module.
#[derive(Debug)]
pub(in crate::wal) struct Files<V: Vfs> {
    pub(super) folder: FolderOf<V>,
    pub(super) log: LogId,
    pub(super) planted: Planted,
    /// The first number of a log that has no segments.
    start: u64,
    entries: Mutex<Vec<Entry>>,
    /// One trims at a time.
    trimming: Mutex<()>,
}

impl<V: Vfs> Files<V> {
    pub(super) fn new(folder: FolderOf<V>, log: LogId, entries: Vec<Entry>, start: u64, planted: Planted) -> Self {
        Self { folder, log, planted, start, entries: Mutex::new(entries), trimming: Mutex::new(()) }
    }

    pub(super) fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a segment that now has its name.
    pub(super) fn push(&self, entry: Entry) {
        self.entries().push(entry);
    }

    /// Notes bytes in the last segment.
    pub(super) fn grow(&self, bytes: u64) {
        if let Some(last) = self.entries().last_mut() {
            last.bytes += bytes;
        }
    }

    /// The oldest segment, if nothing in it is wanted any more. The last one always is: it tells the next number.
    fn oldest_done(&self, through: u64) -> Option<Entry> {
        let entries = self.entries();
        let (oldest, next) = (entries.first()?, entries.get(1)?);
        let last = match self.planted.has(Bug::TrimTooFar) {
            true => oldest.header.first,
            false => next.header.first - 1,
        };
        (last <= through).then(|| oldest.clone())
    }
}

/// The segments, and the claim of the writer that trims them.
#[derive(Debug)]
pub(in crate::wal) struct FileArchive<V: Vfs>(pub(in crate::wal) Arc<Files<V>>);

impl<V: Vfs> Archive for FileArchive<V> {
    /// One name after the other, each made durable before the next: after a crash no segment is missing that has an
    /// older one before it.
    fn trim(&self, through: u64) -> Result<Trimmed, Failure> {
        let files = &*self.0;
        let _one = files.trimming.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trimmed = Trimmed::default();
        while let Some(oldest) = files.oldest_done(through) {
            match files.folder.remove(&oldest.name) {
                // A writer that was overtaken may trim too.
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::fatal(failed("remove", source, &oldest.name)));
                }
                _ => {}
            }
            let synced = files.folder.sync();
            synced.map_err(|source| Failure::fatal(failed("sync folder", source, &oldest.name)))?;
            files.entries().remove(0);
            trimmed.segments += 1;
            trimmed.bytes += oldest.bytes;
        }
        trimmed.first = self.first();
        Ok(trimmed)
    }

    fn replay(&self, after: u64, through: u64) -> Result<Records> {
        let entries = self.0.entries().clone();
        check_after(after, self.first())?;
        Ok(Box::new(Replay::new(Arc::clone(&self.0), entries, after, through)))
    }

    fn first(&self) -> u64 {
        self.0.entries().first().map_or(self.0.start, |entry| entry.header.first)
    }

    fn segments(&self) -> usize {
        self.0.entries().len()
    }
}

/// Refuses to begin where records are gone: who asks for them would not notice that they are missing.
pub(super) fn check_after(after: u64, first: u64) -> Result<()> {
    match after.saturating_add(1) < first {
        true => {
            let error = Error::new(ErrorKind::NotFound, "records after this one were trimmed already");
            Err(error.with("after", after).with("first", first))
        }
        false => Ok(()),
    }
}
