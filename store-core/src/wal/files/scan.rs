//! Reading the frames of a segment, one after the other.

use std::ops::RangeInclusive;

use bytes::Bytes;

use super::hunt::Hunt;
use super::{BLOCK_BYTES, read_all};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Bug, Planted};
use crate::vfs::File;
use crate::wal::format::{
    Decoded, FENCE, FRAME_BYTES, Fault, FrameHeader, HEADER_BYTES, LOST, Place, SEAL, SegmentHeader,
};

/// Payloads below this are copied out of the block that was read; larger ones keep it.
const COPIED_BYTES: usize = BLOCK_BYTES / 4;

/// What stands at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A frame, and its payload.
    Frame(FrameHeader, Bytes),
    /// No frame.
    Bad(Fault),
    /// The end of the file.
    End,
}

/// Reads frames. It holds one block, or one frame if that is larger.
#[derive(Debug)]
pub(super) struct FrameReader<F> {
    file: F,
    place: Place,
    length: u64,
    position: u64,
    block: Bytes,
    /// Where the block begins.
    start: u64,
}

impl<F: File> FrameReader<F> {
    /// From the first frame on.
    pub(super) fn new(file: F, header: &SegmentHeader, planted: Planted) -> Result<Self> {
        let length = file.stat().map_err(|source| Error::io("stat", source))?.length;
        let place = Place::new(&header.log, header.number).with_planted(planted);
        let position = HEADER_BYTES as u64;
        Ok(Self { file, place, length, position, block: Bytes::new(), start: position })
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Goes on at another position, and reads anew what is there.
    pub(super) fn seek(&mut self, position: u64) {
        self.position = position;
        self.block = Bytes::new();
    }

    /// Goes on at the first frame of the file as it is now.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.length = self.file.stat().map_err(|source| Error::io("stat", source))?.length;
        self.seek(HEADER_BYTES as u64);
        Ok(())
    }

    /// A search behind the position.
    pub(super) fn hunt(&self) -> Hunt<'_, F> {
        Hunt::new(&self.file, self.place, self.position, self.length)
    }

    /// What stands at the position. Behind a frame it moves on; otherwise it stays.
    pub(super) fn step(&mut self, name: &str) -> Result<Step> {
        loop {
            let from = self.position.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
            let ahead = from.and_then(|from| self.block.get(from..)).unwrap_or_default();
            let needed = match Decoded::at(&self.place, self.position, ahead) {
                Decoded::Frame(frame) => {
                    let payload = match frame.payload.len() < COPIED_BYTES {
                        true => Bytes::copy_from_slice(frame.payload),
                        false => self.block.slice_ref(frame.payload),
                    };
                    self.position += frame.header.frame_bytes() as u64;
                    return Ok(Step::Frame(frame.header, payload));
                }
                Decoded::Bad(fault) => return Ok(Step::Bad(fault)),
                Decoded::Short(needed) => needed,
            };
            let rest = self.length.saturating_sub(self.position);
            if rest == 0 {
                return Ok(Step::End);
            }
            if rest < needed as u64 {
                return Ok(Step::Bad(Fault::Length));
            }
            self.fill(needed, rest).map_err(|error| error.with("file", name))?;
        }
    }

    fn fill(&mut self, needed: usize, rest: u64) -> Result<()> {
        let bytes = rest.min(needed.max(BLOCK_BYTES) as u64) as usize;
        let mut block = vec![0; bytes];
        let count = read_all(&self.file, &mut block, self.position).map_err(|source| Error::io("read", source))?;
        if count < bytes {
            // The file is shorter than it was.
            self.length = self.position + count as u64;
            block.truncate(count);
        }
        (self.block, self.start) = (block.into(), self.position);
        Ok(())
    }
}

/// What a segment holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Where the last frame ends.
    pub end: u64,
    /// The number of the record after the last.
    pub next: u64,
    /// Users' records.
    pub records: u64,
    /// Bytes of frames, without seals.
    pub bytes: u64,
    /// The kind of the frame that ends it.
    pub ended: Option<u8>,
    /// What stands behind the last frame. None at the end of the file.
    pub fault: Option<Fault>,
    /// Numbers that were lost in a salvage.
    pub lost: Vec<RangeInclusive<u64>>,
}

/// Follows the rules of a segment from frame to frame.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub name: String,
    pub header: SegmentHeader,
    /// The header of the segment behind.
    pub next: Option<SegmentHeader>,
    /// The number that comes next.
    pub expected: u64,
    /// The epoch of the last frame.
    epoch: u64,
}

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A user's record.
    Record,
    /// These numbers were lost in a salvage.
    Lost(RangeInclusive<u64>),
    /// Nothing follows.
    Ended,
}

impl Rules {
    pub(super) fn new(name: &str, header: SegmentHeader, next: Option<SegmentHeader>) -> Self {
        Self { name: name.to_owned(), header, next, expected: header.first, epoch: 0 }
    }

    /// True if all records of the segment were seen, because the next writer began here. What an overtaken one has
    /// put behind them does not count.
    pub(super) fn is_overtaken(&self) -> bool {
        self.next.is_some_and(|next| next.epoch > self.header.epoch && next.first == self.expected)
    }

    /// Takes a frame.
    pub(super) fn take(&mut self, frame: &FrameHeader, payload: &[u8], offset: u64) -> Result<Meaning> {
        let damaged = |message| Err(self.damage(message, offset).with("found", frame.seq));
        if frame.seq != self.expected {
            return damaged("sequence numbers of the log have a gap");
        }
        // A copy has records of earlier writers; a fence may have been put in place by a later one.
        if frame.epoch < self.epoch || (frame.epoch > self.header.epoch && frame.kind != FENCE) {
            return damaged("record is of another epoch than its segment");
        }
        let meaning = match (frame.kind, <[u8; 8]>::try_from(payload)) {
            (SEAL | FENCE, _) => Meaning::Ended,
            (LOST, Ok(last)) => Meaning::Lost(frame.seq..=u64::from_le_bytes(last)),
            (LOST, Err(_)) => return damaged("record of what was lost is malformed"),
            _ => Meaning::Record,
        };
        self.expected = match &meaning {
            Meaning::Record => frame.seq.checked_add(1),
            Meaning::Lost(range) if range.is_empty() => None,
            Meaning::Lost(range) => range.end().checked_add(1),
            Meaning::Ended => Some(frame.seq),
        }
        .ok_or_else(|| self.damage("sequence number is out of range", offset))?;
        self.epoch = frame.epoch;
        if self.next.is_some_and(|next| self.expected > next.first) {
            return Err(self.damage("segments of the log overlap", offset));
        }
        Ok(meaning)
    }

    /// Tests, at the end of a segment that has one behind it, that nothing is missing between them.
    pub(super) fn leave(&self, ended: bool, fault: Option<Fault>, offset: u64) -> Result<()> {
        let Some(next) = self.next else { return Ok(()) };
        let whole = next.first == self.expected && (ended || next.epoch > self.header.epoch);
        match whole {
            true => Ok(()),
            false => {
                let fault = fault.map_or("nothing follows".to_owned(), |fault| fault.to_string());
                Err(self.damage("record of the log is damaged or missing", offset).with("found", fault))
            }
        }
    }

    pub(super) fn damage(&self, message: &'static str, offset: u64) -> Error {
        let error = Error::new(ErrorKind::Corrupt, message).with("file", &self.name).with("offset", offset);
        error.with("expected", self.expected)
    }
}

/// Reads a whole segment and tests everything but the tail of the last one.
pub(super) fn scan<F: File>(reader: &mut FrameReader<F>, rules: &mut Rules, planted: Planted) -> Result<Scan> {
    let mut scan = Scan { end: reader.position(), ..Scan::default() };
    while !rules.is_overtaken() && scan.ended.is_none() {
        match reader.step(&rules.name)? {
            Step::Frame(frame, payload) => {
                let meaning = rules.take(&frame, &payload, scan.end)?;
                scan.end = reader.position();
                match meaning {
                    Meaning::Record => scan.records += 1,
                    Meaning::Lost(range) => scan.lost.push(range),
                    Meaning::Ended => scan.ended = Some(frame.kind),
                }
                if scan.ended.is_none() {
                    scan.bytes += frame.frame_bytes() as u64;
                }
            }
            Step::Bad(Fault::Unwritten) if planted.has(Bug::TrustZeroTail) => {
                rules.expected += 1;
                scan.records += 1;
                scan.end += FRAME_BYTES as u64;
                reader.seek(scan.end);
            }
            Step::Bad(fault) => {
                if planted.has(Bug::SkipBadRecord) && skip(reader, rules)? {
                    continue;
                }
                scan.fault = Some(fault);
                break;
            }
            Step::End => break,
        }
    }
    if scan.ended.is_none()
        && rules.is_overtaken()
        && let Ok(Step::Frame(frame, _)) = reader.step(&rules.name)
        && matches!(frame.kind, SEAL | FENCE)
    {
        scan.ended = Some(frame.kind);
    }
    scan.next = rules.expected;
    rules.leave(scan.ended.is_some(), scan.fault, scan.end)?;
    Ok(scan)
}

/// Goes on at the next valid frame: what must never be done.
fn skip<F: File>(reader: &mut FrameReader<F>, rules: &mut Rules) -> Result<bool> {
    let found = reader.hunt().find(&rules.name, |header| header.seq > rules.expected)?;
    if let Some((offset, header)) = &found {
        rules.expected = header.seq;
        reader.seek(*offset);
    }
    Ok(found.is_some())
}
