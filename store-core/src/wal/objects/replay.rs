//! Reading a log back: the objects that are kept, in order and without gaps, and the records in them.

use std::sync::Arc;

use super::names::Slot;
use super::object::{FENCE_BYTES, ObjectReader};
use super::shelf::Shelf;
use crate::error::{Error, ErrorKind, Result};
use crate::wal::format::LogId;
use crate::wal::record::Record;

/// The objects that are kept, with their sizes. A gap is an error.
pub(super) struct Chain {
    shelf: Arc<Shelf>,
    slots: Box<dyn Iterator<Item = Result<(Slot, u64)>> + Send>,
    floor: Option<Slot>,
    before: Option<(Slot, u64)>,
}

impl Chain {
    pub(super) fn new(shelf: &Arc<Shelf>) -> Result<Self> {
        let floor = shelf.floor()?;
        // A name just below that of the floor: listings begin behind a key.
        let before = floor.map(|floor| Slot { number: floor.number.saturating_sub(1), ..floor }.key(&shelf.folder));
        let slots = Box::new(shelf.slots(before.transpose()?));
        Ok(Self { shelf: Arc::clone(shelf), slots, floor, before: None })
    }

    /// The next object; none at the end.
    pub(super) fn step(&mut self) -> Result<Option<(Slot, u64)>> {
        let floor = self.floor.map_or(0, |floor| floor.number);
        let found = loop {
            match self.slots.next().transpose()? {
                Some((slot, _)) if slot.number < floor => {}
                found => break found,
            }
        };
        let fits = match (&self.before, &found) {
            (None, None) => self.floor.is_none(),
            (None, Some((slot, _))) => *slot == self.floor.unwrap_or(Slot::START),
            (Some(_), None) => true,
            (Some((before, size)), Some((slot, _))) => {
                let grows = if *size == FENCE_BYTES { slot.first == before.first } else { slot.first > before.first };
                slot.number == before.number + 1 && grows
            }
        };
        if !fits {
            let number = self.before.map_or(floor.max(1), |(slot, _)| slot.number + 1);
            return Err(missing(&self.shelf, number));
        }
        self.before = found.or(self.before);
        Ok(found)
    }
}

/// The error for an object that should be there and is not.
fn missing(shelf: &Shelf, number: u64) -> Error {
    let error = match shelf.floor() {
        Err(error) => return error,
        Ok(Some(floor)) if number < floor.number => Error::not_found("records of the log have been trimmed"),
        Ok(_) => Error::new(ErrorKind::Corrupt, "object of the log is missing"),
    };
    error.with("folder", shelf.folder.told()).with("number", number)
}

/// The error for records that are in no object.
pub(super) fn gap(shelf: &Shelf, expected: u64, found: u64) -> Error {
    let error = Error::new(ErrorKind::Corrupt, "records of the log are missing").with("folder", shelf.folder.told());
    error.with("expected", expected).with("found", found)
}

/// An object, to be read.
pub(super) fn read(shelf: &Shelf, slot: Slot, log: Option<LogId>) -> Result<ObjectReader> {
    let key = slot.key(&shelf.folder)?;
    match shelf.read(&key) {
        Ok(bytes) => ObjectReader::new(bytes, slot, key.as_str(), log),
        Err(error) if error.is_not_found() => Err(missing(shelf, slot.number)),
        Err(error) => Err(error),
    }
}

/// The records after one number, up to another. After an error it ends.
pub(super) struct Replay {
    shelf: Arc<Shelf>,
    log: LogId,
    chain: Chain,
    /// The object after the one that is read. A gap there is told when reading has come to it.
    ahead: Option<Result<Slot>>,
    reader: Option<ObjectReader>,
    after: u64,
    /// None for all that is there.
    through: Option<u64>,
    /// The next number, once an object has been read.
    expected: Option<u64>,
    is_over: bool,
}

impl Replay {
    /// Finds the object where the records begin.
    pub(super) fn new(shelf: &Arc<Shelf>, log: LogId, after: u64, through: Option<u64>) -> Result<Self> {
        let mut chain = Chain::new(shelf)?;
        let ahead = chain.step()?.map(|(slot, _)| Ok(slot));
        let first = ahead.as_ref().and_then(|slot| slot.as_ref().ok()).map_or(1, |slot| slot.first);
        let is_over = through.is_some_and(|through| after >= through);
        if first > after.saturating_add(1) && !is_over {
            let error = Error::not_found("records of the log have been trimmed");
            return Err(error.with("after", after).with("first", first));
        }
        let shelf = Arc::clone(shelf);
        Ok(Self { shelf, log, chain, ahead, reader: None, after, through, expected: None, is_over })
    }

    fn step(&mut self) -> Result<Option<Record>> {
        loop {
            let Some(reader) = &mut self.reader else {
                match self.open()? {
                    true => continue,
                    false => return Ok(None),
                }
            };
            match reader.step()? {
                Some(record) if record.seq <= self.after => {}
                Some(record) if self.through.is_some_and(|through| record.seq > through) => return Ok(None),
                Some(record) => return Ok(Some(record)),
                None => {
                    self.expected = Some(reader.next);
                    self.reader = None;
                }
            }
        }
    }

    /// Goes on with the next object that has records which are asked for.
    fn open(&mut self) -> Result<bool> {
        while let Some(slot) = self.ahead.take() {
            let slot = slot?;
            self.ahead = self.chain.step().map(|found| found.map(|(slot, _)| slot)).transpose();
            if self.ahead.as_ref().is_some_and(|next| self.is_early(next)) {
                continue;
            }
            match self.expected {
                Some(expected) if expected != slot.first => return Err(gap(&self.shelf, expected, slot.first)),
                _ => {}
            }
            if self.through.is_some_and(|through| slot.first > through) {
                return Ok(false);
            }
            self.reader = Some(read(&self.shelf, slot, Some(self.log))?);
            return Ok(true);
        }
        match (self.expected, self.through) {
            (Some(expected), Some(through)) if expected <= through => Err(gap(&self.shelf, expected, expected)),
            _ => Ok(false),
        }
    }

    /// True if what is asked for begins in this object or later.
    fn is_early(&self, slot: &Result<Slot>) -> bool {
        slot.as_ref().is_ok_and(|slot| slot.first <= self.after.saturating_add(1))
    }
}

impl Iterator for Replay {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let record = self.step();
        self.is_over |= !matches!(record, Ok(Some(_)));
        record.transpose()
    }
}
