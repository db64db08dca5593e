//! The bytes of an object: a header, and the frames of a group with a seal behind, or a fence.

use bytes::{BufMut, Bytes, BytesMut};

use super::names::Slot;
use crate::error::{Error, ErrorKind, Result};
use crate::wal::format::{
    Decoded, FENCE, FRAME_BYTES, Frame, FrameHeader, HEADER_BYTES, KIND_MAX, LogId, PAYLOAD_BYTES_MAX, Place, SEAL,
    SegmentHeader, frame_bytes,
};
use crate::wal::record::{Record, RecordKind};
use crate::wal::sink::Pending;

/// Bytes of what makes a fence unlike all others.
pub(super) const MARK_BYTES: usize = 16;
/// Bytes of a fence. A group has more: a header, a record and a seal.
pub(super) const FENCE_BYTES: u64 = (HEADER_BYTES + FRAME_BYTES + MARK_BYTES) as u64;
/// No object is larger: a record of the largest size, or a group of several that is smaller.
pub(super) const OBJECT_BYTES_MAX: u64 = (HEADER_BYTES + FRAME_BYTES + PAYLOAD_BYTES_MAX + FRAME_BYTES) as u64;
/// Payloads below this are copied out of their object; larger ones keep it in memory.
const COPIED_BYTES: usize = 64 << 10;

/// Bytes of frames of records in an object of this size.
pub(super) fn record_bytes(size: u64) -> u64 {
    match size == FENCE_BYTES {
        true => 0,
        false => size.saturating_sub((HEADER_BYTES + FRAME_BYTES) as u64),
    }
}

/// An object with as many of the records as fit, one at least, and their number.
pub(super) fn group(header: &SegmentHeader, records: &[Pending]) -> Result<(Bytes, usize)> {
    let (mut bytes, mut count) = (HEADER_BYTES + FRAME_BYTES, 0);
    for record in records {
        let longer = bytes + frame_bytes(record.payload.len());
        if count > 0 && longer as u64 > OBJECT_BYTES_MAX {
            break;
        }
        (bytes, count) = (longer, count + 1);
    }
    let mut object = Object::begin(header, bytes);
    for (index, record) in records.iter().take(count).enumerate() {
        let seq = header.first + index as u64;
        object.put(record.kind, index, seq, &record.payload)?;
    }
    object.put(SEAL, 0, header.first + count as u64, &[])?;
    Ok((object.bytes.freeze(), count))
}

/// The object by which a writer opens the log.
pub(super) fn fence(header: &SegmentHeader, mark: [u8; MARK_BYTES]) -> Result<Bytes> {
    let mut object = Object::begin(header, FENCE_BYTES as usize);
    object.put(FENCE, 0, header.first, &mark)?;
    Ok(object.bytes.freeze())
}

/// An object in the making.
struct Object {
    bytes: BytesMut,
    place: Place,
    epoch: u64,
}

impl Object {
    fn begin(header: &SegmentHeader, capacity: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(capacity);
        bytes.put_slice(&header.encode());
        Self { bytes, place: Place::new(&header.log, header.number), epoch: header.epoch }
    }

    fn put(&mut self, kind: u8, index: usize, seq: u64, payload: &[u8]) -> Result<()> {
        let too_large = |_| Error::invalid("group has too many records or too large ones");
        let index = u32::try_from(index).map_err(too_large)?;
        let length = u32::try_from(payload.len()).map_err(too_large)?;
        let header = FrameHeader::new(kind, index, seq, self.epoch, length);
        let offset = self.bytes.len() as u64;
        self.bytes.put_slice(&header.encode(&self.place, offset, payload));
        self.bytes.put_slice(payload);
        self.bytes.put_bytes(0, frame_bytes(payload.len()) - FRAME_BYTES - payload.len());
        Ok(())
    }
}

/// Reads the records of an object, each tested before it is given out. After an error it ends.
#[derive(Debug)]
pub(super) struct ObjectReader {
    pub header: SegmentHeader,
    key: String,
    bytes: Bytes,
    place: Place,
    offset: usize,
    /// The number of the next record; at the end, of the first one in the object that follows.
    pub next: u64,
    is_over: bool,
}

impl ObjectReader {
    /// Begins with the header, which has to be that of this slot, in this log if it is known.
    pub(super) fn new(bytes: Bytes, slot: Slot, key: &str, log: Option<LogId>) -> Result<Self> {
        let header = SegmentHeader::decode(&bytes).map_err(|error| error.with("object", key))?;
        let corrupt = |message| Err(Error::new(ErrorKind::Corrupt, message).with("object", key).with("offset", 0));
        if log.is_some_and(|log| log != header.log) {
            return corrupt("object is of another log");
        }
        if (header.first, header.number) != (slot.first, slot.number) {
            return corrupt("object has the name of another");
        }
        let place = Place::new(&header.log, header.number);
        let (key, next) = (key.to_owned(), header.first);
        Ok(Self { header, key, bytes, place, offset: HEADER_BYTES, next, is_over: false })
    }

    /// Reads what is left, for the number of the record that comes after.
    pub(super) fn finish(&mut self) -> Result<u64> {
        while self.step()?.is_some() {}
        Ok(self.next)
    }

    /// The next record; none at the end.
    pub(super) fn step(&mut self) -> Result<Option<Record>> {
        if self.is_over {
            return Ok(None);
        }
        let record = self.read();
        self.is_over |= !matches!(record, Ok(Some(_)));
        record
    }

    fn read(&mut self) -> Result<Option<Record>> {
        let rest = self.bytes.slice(self.offset..);
        let Frame { header, payload } = match Decoded::at(&self.place, self.offset as u64, &rest) {
            Decoded::Frame(frame) => frame,
            Decoded::Short(_) => return Err(self.damage("object is cut short")),
            Decoded::Bad(fault) => return Err(self.damage("record of the log is damaged").with("found", fault)),
        };
        let index = self.next - self.header.first;
        if header.epoch != self.header.epoch || header.seq != self.next {
            return Err(self.damage("record stands in the wrong place").with("seq", header.seq));
        }
        let ends = rest.len() == header.frame_bytes();
        match header.kind {
            SEAL if ends && index > 0 => Ok(None),
            FENCE if ends && index == 0 && payload.len() == MARK_BYTES => Ok(None),
            1..=KIND_MAX if !ends && u64::from(header.index) == index => {
                let payload = match payload.len() < COPIED_BYTES {
                    true => Bytes::copy_from_slice(payload),
                    false => rest.slice_ref(payload),
                };
                let kind = RecordKind::stored(header.kind);
                self.offset += header.frame_bytes();
                self.next += 1;
                Ok(Some(Record { seq: header.seq, kind, payload }))
            }
            _ => Err(self.damage("record stands in the wrong place").with("kind", header.kind)),
        }
    }

    fn damage(&self, message: &'static str) -> Error {
        let error = Error::new(ErrorKind::Corrupt, message).with("object", &self.key).with("offset", self.offset);
        error.with("expected", self.next)
    }
}
