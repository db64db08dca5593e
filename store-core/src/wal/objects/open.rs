//! Opening: finding the end of the log, and a fence behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use super::archive::ObjectArchive;
use super::names::Slot;
use super::object::{self, MARK_BYTES};
use super::replay::{self, Chain};
use super::shelf::{Put, PutFailure, Shelf};
use super::sink::ObjectSink;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Prefix;
use crate::planted::Planted;
use crate::wal::format::{LogId, SegmentHeader};
use crate::wrap::Dice;

/// How often another opener may be faster.
const ATTEMPTS: usize = 100;

/// What was found when a log on a backend was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectRecovery {
    /// True if there was no log before.
    pub created: bool,
    /// The epoch of this writer.
    pub epoch: u64,
    /// The first record that is kept, or that will be.
    pub first: u64,
    /// The last record; one before the first if there is none.
    pub last: u64,
    /// Objects with records.
    pub objects: usize,
    /// Bytes of frames in them.
    pub bytes: u64,
}

/// The parts of an open log.
pub(crate) struct Opened {
    pub sink: ObjectSink,
    pub archive: ObjectArchive,
    pub recovery: ObjectRecovery,
}

/// Takes the log in this folder over, or makes one.
///
/// Names and sizes of all objects are looked at, and the last object is read: it tells where the log ends. The others are
/// tested when they are replayed.
pub(crate) fn open(backend: Arc<dyn Backend>, folder: Prefix, planted: Planted) -> Result<Opened> {
    let shelf = Arc::new(Shelf::new(backend, folder, planted)?);
    for _ in 0..ATTEMPTS {
        let end = match End::find(&shelf) {
            // Another trims it.
            Err(error) if error.is_not_found() => continue,
            found => found?,
        };
        let slot = Slot { first: end.next, number: end.number + 1 };
        let epoch = end.epoch + 1;
        let header = SegmentHeader { log: end.log, number: slot.number, first: slot.first, epoch };
        let fence = object::fence(&header, random())?;
        match shelf.create(&slot.key(&shelf.folder)?, &fence).map_err(PutFailure::into_error)? {
            Put::Stored => return Ok(opened(shelf, &end, slot, epoch)),
            Put::Taken => {}
        }
    }
    Err(Error::new(ErrorKind::Conflict, "others open the log all the time").with("folder", shelf.folder.told()))
}

fn opened(shelf: Arc<Shelf>, end: &End, last: Slot, epoch: u64) -> Opened {
    let recovery = ObjectRecovery {
        created: end.number == 0,
        epoch,
        first: end.first,
        last: end.next - 1,
        objects: end.objects,
        bytes: end.bytes,
    };
    let (log, objects) = (end.log, Arc::new(AtomicUsize::new(end.objects)));
    let first = AtomicU64::new(end.first);
    let archive = ObjectArchive {
        shelf: Arc::clone(&shelf),
        log,
        first,
        objects: Arc::clone(&objects),
        untold: Default::default(),
    };
    Opened { sink: ObjectSink { shelf, log, epoch, last, objects }, archive, recovery }
}

/// Where a log ends.
struct End {
    log: LogId,
    epoch: u64,
    number: u64,
    next: u64,
    first: u64,
    objects: usize,
    bytes: u64,
}

impl End {
    fn find(shelf: &Arc<Shelf>) -> Result<Self> {
        let (mut chain, mut first, mut last) = (Chain::new(shelf)?, None, None);
        let (mut objects, mut bytes) = (0, 0);
        while let Some((slot, size)) = chain.step()? {
            first.get_or_insert(slot.first);
            let found = object::record_bytes(size);
            (objects, bytes) = (objects + usize::from(found > 0), bytes + found);
            last = Some(slot);
        }
        let Some(last) = last else {
            let log = LogId(random());
            return Ok(Self { log, epoch: 0, number: 0, next: 1, first: 1, objects, bytes });
        };
        let mut reader = replay::read(shelf, last, None)?;
        let next = reader.finish()?;
        let SegmentHeader { log, epoch, number, .. } = reader.header;
        Ok(Self { log, epoch, number, next, first: first.unwrap_or(next), objects, bytes })
    }
}

fn random() -> [u8; MARK_BYTES] {
    let halves = [Dice::unseeded().number(), Dice::unseeded().number()];
    let mut bytes = [0; MARK_BYTES];
    bytes.iter_mut().zip(halves.iter().flat_map(|half| half.to_le_bytes())).for_each(|(to, from)| *to = from);
    bytes
}
