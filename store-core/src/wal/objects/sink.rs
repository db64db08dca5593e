//! The writing end of a log on a backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::names::Slot;
use super::object;
use super::shelf::{Put, PutFailure, Shelf};
use crate::error::{Error, ErrorKind};
use crate::planted::Bug;
use crate::wal::format::{LogId, SegmentHeader};
use crate::wal::sink::{Ending, Failure, Pending, Sink};

/// The writer of one epoch.
#[derive(Debug)]
pub(in crate::wal) struct ObjectSink {
    pub(super) shelf: Arc<Shelf>,
    pub(super) log: LogId,
    pub(super) epoch: u64,
    /// The last object: its fence at first.
    pub(super) last: Slot,
    /// Objects that are kept, fences not counted.
    pub(super) objects: Arc<AtomicUsize>,
}

impl ObjectSink {
    fn fenced(&self) -> Failure {
        let error = Error::new(ErrorKind::Fenced, "another writer has taken the log over");
        Failure::fatal(error.with("epoch", self.epoch))
    }
}

impl Sink for ObjectSink {
    fn write(&mut self, group: &[Pending], first: u64) -> Result<usize, Failure> {
        let number = self.last.number + 1;
        let (log, epoch, slot) = (self.log, self.epoch, Slot { first, number });
        let key = slot.key(&self.shelf.folder).map_err(Failure::fatal)?;
        let (body, count) =
            object::group(&SegmentHeader { log, number, first, epoch }, group).map_err(Failure::fatal)?;
        match self.shelf.create(&key, &body) {
            Ok(Put::Stored) => {
                self.last = slot;
                self.objects.fetch_add(1, Ordering::Relaxed);
                Ok(count)
            }
            Ok(Put::Taken) => Err(self.fenced()),
            Err(PutFailure::Refused(error)) if error.kind() == ErrorKind::StorageFull => Err(Failure::refused(error)),
            Err(failure) => Err(Failure::fatal(failure.into_error())),
        }
    }

    fn check(&mut self) -> Result<(), Failure> {
        if self.shelf.planted.has(Bug::SkipFenceCheck) {
            return Ok(());
        }
        match self.shelf.has_after(self.last).map_err(Failure::fatal)? {
            true => Err(self.fenced()),
            false => Ok(()),
        }
    }

    fn make_room(&mut self) -> Result<(), Failure> {
        // There is nothing to free, and nothing to look at: the next write tells.
        Ok(())
    }

    fn turn(&mut self, _through: u64) -> Result<(), Failure> {
        // Each object is freed on its own.
        Ok(())
    }

    fn close(&mut self, _ending: Ending) -> Result<(), Failure> {
        Ok(())
    }
}
