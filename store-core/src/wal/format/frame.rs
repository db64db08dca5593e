//! Frames: a header of 32 bytes, a payload, zeros to the next multiple of 8.

use std::fmt;

use super::{
    BufMut, Bug, FENCE, FRAME_BYTES, KIND_MAX, LOST, LogId, PAYLOAD_BYTES_MAX, Planted, SEAL, frame_bytes, u32_at,
    u64_at,
};

/// The segment in which a frame stands. Checksums are bound to it and to the position, so that old bytes that turn up
/// elsewhere are no frames.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    seed: u32,
    planted: Planted,
}

impl Place {
    /// In the segment of this number.
    pub fn new(log: &LogId, number: u64) -> Self {
        let seed = crc32c::crc32c_append(crc32c::crc32c(&log.0), &number.to_le_bytes());
        Self { seed, planted: Planted::default() }
    }

    /// With the bugs of a test.
    pub(crate) fn with_planted(mut self, planted: Planted) -> Self {
        self.planted = planted;
        if planted.has(Bug::CrcWithoutPosition) {
            self.seed = 0;
        }
        self
    }

    /// The checksum of a frame: `head` is its header from the kind on. Payloads can be in pieces.
    pub fn crc<'a>(&self, offset: u64, head: &[u8], payload: impl IntoIterator<Item = &'a [u8]>) -> u32 {
        let start = match self.planted.has(Bug::CrcWithoutPosition) {
            true => self.seed,
            false => crc32c::crc32c_append(self.seed, &offset.to_le_bytes()),
        };
        let start = crc32c::crc32c_append(start, head);
        payload.into_iter().fold(start, crc32c::crc32c_append)
    }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes of the payload, at most [`PAYLOAD_BYTES_MAX`].
    pub length: u32,
    /// The checksum.
    pub crc: u32,
    /// 1 to 127 for users' records; [`SEAL`], [`FENCE`], [`LOST`].
    pub kind: u8,
    /// Place in its group, from 0: a group is what one sync makes durable. So the group began with record
    /// `seq - index`, and all records before that were durable when this frame was written.
    pub index: u32,
    /// The sequence number of the record; of a seal or fence, that of the record which comes next.
    pub seq: u64,
    /// The epoch of the writer.
    pub epoch: u64,
}

/// A frame whose checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header.
    pub header: FrameHeader,
    /// The payload.
    pub payload: &'a [u8],
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// They are zero, as bytes are that were never written.
    Unwritten,
    /// The kind is none.
    Kind,
    /// Reserved bytes are not zero.
    Reserved,
    /// The payload is longer than allowed, or than the file.
    Length,
    /// The checksum is wrong.
    Checksum,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unwritten => "never written",
            Self::Kind => "unknown kind",
            Self::Reserved => "reserved bytes are not zero",
            Self::Length => "length is beyond the limit or the file",
            Self::Checksum => "checksum is wrong",
        })
    }
}

/// What bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// The beginning of what may be a frame of so many bytes, padding included.
    Short(usize),
    /// No frame.
    Bad(Fault),
}

impl FrameHeader {
    /// A header without its checksum.
    pub fn new(kind: u8, index: u32, seq: u64, epoch: u64, length: u32) -> Self {
        Self { length, crc: 0, kind, index, seq, epoch }
    }

    /// The bytes of the header of a frame at this offset, with the checksum over it and the payload.
    pub fn encode(&self, place: &Place, offset: u64, payload: &[u8]) -> [u8; FRAME_BYTES] {
        let mut bytes = [0; FRAME_BYTES];
        let mut rest = &mut bytes[..];
        rest.put_u32_le(self.length);
        rest.put_u32_le(0);
        rest.put_u8(self.kind);
        rest.put_bytes(0, 3);
        rest.put_u32_le(self.index);
        rest.put_u64_le(self.seq);
        rest.put_u64_le(self.epoch);
        let crc = place.crc(offset, &bytes[8..], [payload]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header without the checksum being tested.
    ///
    /// # Errors
    /// The fault, if no frame begins so.
    pub fn decode(bytes: &[u8; FRAME_BYTES]) -> Result<Self, Fault> {
        let kind = bytes[8];
        if kind == 0 && bytes.iter().all(|byte| *byte == 0) {
            return Err(Fault::Unwritten);
        }
        if !(1..=KIND_MAX).contains(&kind) && !matches!(kind, SEAL | FENCE | LOST) {
            return Err(Fault::Kind);
        }
        if bytes[9..12] != [0; 3] {
            return Err(Fault::Reserved);
        }
        let (length, crc) = (u32_at(bytes, 0), u32_at(bytes, 4));
        if length as usize > PAYLOAD_BYTES_MAX {
            return Err(Fault::Length);
        }
        Ok(Self { length, crc, kind, index: u32_at(bytes, 12), seq: u64_at(bytes, 16), epoch: u64_at(bytes, 24) })
    }

    /// Bytes of the frame, padding included.
    pub fn frame_bytes(&self) -> usize {
        frame_bytes(self.length as usize)
    }

    /// The first record of the group. None if the place in it cannot be right.
    pub fn group(&self) -> Option<u64> {
        self.seq.checked_sub(u64::from(self.index)).filter(|first| *first > 0)
    }
}

impl<'a> Decoded<'a> {
    /// Reads what begins at an offset of a segment, of which `bytes` are there.
    pub fn at(place: &Place, offset: u64, bytes: &'a [u8]) -> Self {
        let Some(head) = bytes.first_chunk::<FRAME_BYTES>() else { return Self::Short(FRAME_BYTES) };
        let header = match FrameHeader::decode(head) {
            Ok(header) => header,
            Err(fault) => return Self::Bad(fault),
        };
        let (end, all) = (FRAME_BYTES + header.length as usize, header.frame_bytes());
        let (Some(payload), true) = (bytes.get(FRAME_BYTES..end), bytes.len() >= all) else { return Self::Short(all) };
        match place.crc(offset, &head[8..], [payload]) == header.crc {
            true => Self::Frame(Frame { header, payload }),
            false => Self::Bad(Fault::Checksum),
        }
    }
}
