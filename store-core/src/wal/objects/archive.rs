//! What was written to a log on a backend: reading it back, and forgetting it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::names::Slot;
use super::object::{self, FENCE_BYTES};
use super::replay::{Chain, Replay};
use super::shelf::Shelf;
use crate::error::Result;
use crate::planted::Bug;
use crate::wal::format::LogId;
use crate::wal::sink::{Archive, Failure, Records, Trimmed};

/// Objects that are deleted with one call.
const DELETED_AT_ONCE: usize = 1_000;

/// The objects of a log.
#[derive(Debug)]
pub(in crate::wal) struct ObjectArchive {
    pub(super) shelf: Arc<Shelf>,
    pub(super) log: LogId,
    pub(super) first: AtomicU64,
    /// Objects that are kept, fences not counted.
    pub(super) objects: Arc<AtomicUsize>,
    /// One trims at a time. Bytes that do not count any more, and that no trim has told of yet, because it failed later.
    pub(super) untold: Mutex<u64>,
}

impl ObjectArchive {
    /// The last object before which there is no record after `through`, and what comes before it.
    fn floor(&self, through: u64) -> Result<(Option<Slot>, Trimmed)> {
        let mut chain = Chain::new(&self.shelf)?;
        let (mut floor, mut trimmed, mut before) = (None, Trimmed::default(), 0);
        while let Some((slot, size)) = chain.step()? {
            if slot.first > through.saturating_add(1) && !self.goes_too_far(floor, slot, through) {
                break;
            }
            trimmed.bytes += before;
            trimmed.segments += usize::from(before > 0);
            before = object::record_bytes(size);
            floor = Some(slot);
        }
        trimmed.first = floor.map_or(1, |floor| floor.first);
        Ok((floor, trimmed))
    }

    fn goes_too_far(&self, floor: Option<Slot>, slot: Slot, through: u64) -> bool {
        let is_next =
            floor.is_some_and(|floor| floor.first <= through.saturating_add(1) && floor.number + 1 == slot.number);
        is_next && self.shelf.planted.has(Bug::TrimTooFar)
    }

    fn forget(&self, through: u64) -> Result<Trimmed> {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(floor), mut trimmed) = self.floor(through)? else { return Ok(Trimmed::default()) };
        if trimmed.segments > 0 || floor.first > self.first.load(Ordering::Relaxed) {
            self.shelf.raise_floor(floor)?;
        }
        self.first.fetch_max(floor.first, Ordering::Relaxed);
        let fewer = |objects: usize| Some(objects.saturating_sub(trimmed.segments));
        let _ = self.objects.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        *untold += trimmed.bytes;
        self.sweep(floor)?;
        trimmed.bytes = std::mem::take(&mut *untold);
        Ok(trimmed)
    }

    /// Deletes what lies below the floor, but for fences: leftovers of earlier trims too.
    fn sweep(&self, floor: Slot) -> Result<()> {
        let mut keys = Vec::new();
        for found in self.shelf.slots(None) {
            let (slot, size) = found?;
            if slot.number >= floor.number {
                break;
            }
            if size != FENCE_BYTES || self.shelf.planted.has(Bug::CollectDeletesFence) {
                keys.push(slot.key(&self.shelf.folder)?);
            }
            if keys.len() == DELETED_AT_ONCE {
                self.shelf.delete(&keys)?;
                keys.clear();
            }
        }
        self.shelf.delete(&keys)
    }
}

impl Archive for ObjectArchive {
    fn trim(&self, through: u64) -> Result<Trimmed, Failure> {
        self.forget(through).map_err(Failure::refused)
    }

    fn replay(&self, after: u64, through: u64) -> Result<Records> {
        Ok(Box::new(Replay::new(&self.shelf, self.log, after, Some(through))?))
    }

    fn first(&self) -> u64 {
        self.first.load(Ordering::Relaxed)
    }

    fn segments(&self) -> usize {
        self.objects.load(Ordering::Relaxed)
    }
}
