//! The segments of an open log, as its writer, its readers and its trimmers see them.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::replay::Replay;
use super::{FolderOf, failed, names};
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
    /// One trims at a time, and knows the floor that the last one has left.
    trimming: Mutex<Option<u64>>,
    /// True once a sync of the folder has failed. One syncs at a time.
    unsure: Mutex<bool>,
}

impl<V: Vfs> Files<V> {
    pub(super) fn new(folder: FolderOf<V>, log: LogId, entries: Vec<Entry>, start: u64, planted: Planted) -> Self {
        Self {
            folder,
            log,
            planted,
            start,
            entries: Mutex::new(entries),
            trimming: Mutex::new(None),
            unsure: Mutex::new(false),
        }
    }

    /// Makes the names in the folder durable. `name` is the one for which.
    ///
    /// The system tells of a failure once, to whoever asks first, and that may be about the name of another: so nobody
    /// believes a sync any more after one that failed.
    pub(super) fn sync_folder(&self, name: &str) -> Result<(), Failure> {
        let mut unsure = self.unsure.lock().unwrap_or_else(PoisonError::into_inner);
        if *unsure {
            return Err(Failure::fatal(Error::unexpected("a sync of the folder failed before").with("file", name)));
        }
        self.folder.sync().map_err(|source| {
            *unsure = true;
            Failure::fatal(failed("sync folder", source, name))
        })
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
        entries.windows(2).next().filter(|pair| self.is_done(pair, through)).and_then(<[Entry]>::first).cloned()
    }

    /// The first record of the first segment that is still wanted. None if all are.
    fn floor(&self, through: u64) -> Option<u64> {
        let entries = self.entries();
        let last = entries.windows(2).take_while(|pair| self.is_done(pair, through)).last();
        last.and_then(<[Entry]>::last).map(|kept| kept.header.first)
    }

    /// True if nothing in the first of two segments is wanted.
    fn is_done(&self, pair: &[Entry], through: u64) -> bool {
        let [oldest, next] = pair else { return false };
        let last = match self.planted.has(Bug::TrimTooFar) {
            true => oldest.header.first,
            false => next.header.first - 1,
        };
        last <= through
    }

    /// Removes a file. A writer that was overtaken may trim too, so it may be gone.
    fn remove(&self, name: &str) -> Result<(), Failure> {
        match self.folder.remove(name) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Failure::fatal(failed("remove", source, name)))
            }
            _ => Ok(()),
        }
    }

    /// Makes durable from where on the log counts. What goes below that may come back, if the sync of its removal failed,
    /// to this writer or to one before it whose failure nobody remembers.
    fn raise_floor(&self, first: u64) -> Result<(), Failure> {
        let name = names::floor(first);
        match self.folder.create(&name) {
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => {
                let error = failed("create", source, &name);
                // Nothing has changed, and the next trim may find room.
                return Err(match error.kind() {
                    ErrorKind::StorageFull => Failure::refused(error),
                    _ => Failure::fatal(error),
                });
            }
            Ok(_) => {}
        }
        self.sync_folder(&name)
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
        let mut before = files.trimming.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trimmed = Trimmed::default();
        if let Some(floor) = files.floor(through) {
            files.raise_floor(floor)?;
            // A trim that failed has left the same one.
            if let Some(lower) = before.replace(floor).filter(|lower| *lower != floor) {
                files.remove(&names::floor(lower))?;
            }
        }
        while let Some(oldest) = files.oldest_done(through) {
            files.remove(&oldest.name)?;
            files.sync_folder(&oldest.name)?;
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

#[cfg(test)]
mod tests;
