//! The bytes of the log, as pure functions: nothing here touches a file, and no input makes it panic or allocate.
//!
//! All integers are little-endian. Frames begin at multiples of 8. The drawing is in the documentation of the log.

use std::fmt;

use bytes::BufMut;

use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Bug, Planted};

mod epoch;
mod frame;
mod header;

pub use epoch::{EPOCH_BYTES, EpochMark};
pub use frame::{Decoded, Fault, Frame, FrameHeader, Place};
pub use header::SegmentHeader;

/// The first bytes of a segment.
pub const MAGIC: [u8; 8] = *b"WSTWAL\r\n";
/// The version of the format.
pub const VERSION: u32 = 1;
/// Bytes of the header of a segment; the first frame follows.
pub const HEADER_BYTES: usize = 64;
/// Bytes of the header of a frame; the payload follows.
pub const FRAME_BYTES: usize = 32;
/// The largest payload of a record: 256 MiB.
pub const PAYLOAD_BYTES_MAX: usize = 256 << 20;
/// The largest kind of a user's record. The smallest is 1: bytes that were never written are no record.
pub const KIND_MAX: u8 = 127;
/// The writer of the segment has ended it.
pub const SEAL: u8 = 128;
/// A later writer has ended the segment.
pub const FENCE: u8 = 129;
/// Sequence numbers that a salvage could not read: the payload is the last of them, 8 bytes; the first is the frame's.
pub const LOST: u8 = 130;

/// What a log is known by: 16 random bytes, drawn when it is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogId(pub [u8; 16]);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogId({self})")
    }
}

/// Bytes of a payload with the zeros that bring it to a multiple of 8.
pub fn padded(payload: usize) -> usize {
    payload.next_multiple_of(8)
}

/// Bytes of a frame with such a payload.
pub fn frame_bytes(payload: usize) -> usize {
    FRAME_BYTES + padded(payload)
}

fn array<const N: usize>(bytes: &[u8], position: usize) -> [u8; N] {
    let mut array = [0; N];
    if let Some(found) = bytes.get(position..position + N) {
        array.copy_from_slice(found);
    }
    array
}

fn u32_at(bytes: &[u8], position: usize) -> u32 {
    u32::from_le_bytes(array(bytes, position))
}

fn u64_at(bytes: &[u8], position: usize) -> u64 {
    u64::from_le_bytes(array(bytes, position))
}

fn corrupt(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests;
