//! What can be read of a damaged log on a backend, copied into files.

use std::sync::Arc;

use bytes::Bytes;

use super::names::Slot;
use super::shelf::Shelf;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Prefix;
use crate::vfs::{OsVfs, Vfs};
use crate::wal::files::{Rescue, Salvage};
use crate::wal::format::{Decoded, Fault, HEADER_BYTES, KIND_MAX, LogId, Place, SegmentHeader};

/// Frames begin at multiples of this.
const STEP: usize = 8;

/// Copies what can be read of a log on a backend into a new one in files, and reports what is lost. The source is not
/// changed, and should have no writer.
///
/// It does what [`salvage`](crate::wal::salvage) does: records keep their numbers and kinds, and behind damage it goes on with
/// the next record that can be read.
///
/// # Errors
/// `AlreadyExists` if the target holds a log; `NotFound` if there is no log; those of the backend and the file system.
pub fn salvage_objects<W: Vfs>(backend: Arc<dyn Backend>, folder: Prefix, target: &W, path: &str) -> Result<Salvage> {
    let shelf = Shelf::to_read(backend, folder)?;
    let floor = begin(&shelf)?;
    rescue(&shelf, floor, Rescue::into(target, path)?)
}

/// Finds what [`salvage_objects`] would find, and writes nothing.
///
/// # Errors
/// `NotFound` if there is no log; those of the backend.
pub fn survey_objects(backend: Arc<dyn Backend>, folder: Prefix) -> Result<Salvage> {
    let shelf = Shelf::to_read(backend, folder)?;
    let floor = begin(&shelf)?;
    rescue(&shelf, floor, Rescue::<OsVfs>::nowhere())
}

/// The place where the log begins, if it has any object.
fn begin(shelf: &Shelf) -> Result<Slot> {
    match shelf.slots(None).next().transpose()? {
        Some(_) => Ok(shelf.floor()?.unwrap_or(Slot::START)),
        None => Err(Error::not_found("there is no log").with("folder", shelf.folder.told())),
    }
}

fn rescue<W: Vfs>(shelf: &Shelf, floor: Slot, rescue: Rescue<'_, W>) -> Result<Salvage> {
    let mut salvage = ObjectRescue { shelf, rescue, log: None };
    let mut number = floor.number;
    for found in shelf.slots(None) {
        let (slot, _) = found?;
        if slot.number < number {
            continue;
        }
        if slot.number > number {
            salvage.damage(Error::new(ErrorKind::Corrupt, "object of the log is missing").with("number", number));
        }
        salvage.object(slot)?;
        number = slot.number + 1;
    }
    salvage.rescue.end()
}

struct ObjectRescue<'a, W: Vfs> {
    shelf: &'a Shelf,
    rescue: Rescue<'a, W>,
    /// The log of the first object whose header could be read.
    log: Option<LogId>,
}

impl<W: Vfs> ObjectRescue<'_, W> {
    fn damage(&mut self, error: Error) {
        self.rescue.report.damage.push(error);
    }

    fn object(&mut self, slot: Slot) -> Result<()> {
        let key = slot.key(&self.shelf.folder)?;
        let bytes = match self.shelf.read(&key) {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                self.damage(error);
                return Ok(());
            }
            bytes => bytes?,
        };
        let header =
            SegmentHeader::decode(&bytes).and_then(|header| match self.log.is_none_or(|log| log == header.log) {
                true => Ok(header),
                false => Err(Error::new(ErrorKind::Corrupt, "object is of another log")),
            });
        // The place is in the name too: without a header records can still be read.
        let log = match header {
            Ok(header) => *self.log.insert(header.log),
            Err(error) => {
                self.damage(error.with("object", &key).with("offset", 0));
                match self.log {
                    Some(log) => log,
                    None => return Ok(()),
                }
            }
        };
        self.frames(&bytes, &Place::new(&log, slot.number), key.as_str())
    }

    /// Takes the records of an object; behind damage, from the next frame on.
    fn frames(&mut self, bytes: &Bytes, place: &Place, key: &str) -> Result<()> {
        let (mut offset, mut is_lost) = (HEADER_BYTES, false);
        while offset < bytes.len() {
            let rest = bytes.slice(offset..);
            let fault = match Decoded::at(place, offset as u64, &rest) {
                Decoded::Frame(frame) => {
                    if frame.header.kind <= KIND_MAX {
                        let payload = Bytes::copy_from_slice(frame.payload);
                        self.rescue.frame(frame.header.seq, frame.header.kind, payload)?;
                    }
                    (offset, is_lost) = (offset + frame.header.frame_bytes(), false);
                    continue;
                }
                Decoded::Short(_) => Fault::Length,
                Decoded::Bad(fault) => fault,
            };
            if !is_lost {
                let error = Error::new(ErrorKind::Corrupt, "bytes are no record").with("object", key);
                self.damage(error.with("offset", offset).with("found", fault));
            }
            (offset, is_lost) = (offset + STEP, true);
        }
        Ok(())
    }
}
