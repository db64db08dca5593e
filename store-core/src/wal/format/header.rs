//! The header of a segment.

use super::{BufMut, Error, HEADER_BYTES, LogId, MAGIC, Result, VERSION, array, corrupt, u32_at, u64_at};

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The log to which it belongs.
    pub log: LogId,
    /// Counts the segments of the log, from 1. A copy keeps it.
    pub number: u64,
    /// The sequence number of its first record.
    pub first: u64,
    /// The epoch of the writer that made it. No other writer puts records into it.
    pub epoch: u64,
}

impl SegmentHeader {
    /// The bytes of the header.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut rest = &mut bytes[..];
        rest.put_slice(&MAGIC);
        rest.put_u32_le(VERSION);
        rest.put_u32_le(HEADER_BYTES as u32);
        rest.put_slice(&self.log.0);
        rest.put_u64_le(self.number);
        rest.put_u64_le(self.first);
        rest.put_u64_le(self.epoch);
        rest.put_u32_le(0);
        let crc = crc32c::crc32c(&bytes[..HEADER_BYTES - 4]);
        bytes[HEADER_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header.
    ///
    /// # Errors
    /// `Unsupported` if it is of a later version of the format, `Corrupt` if it is none or damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let Some(bytes) = bytes.get(..HEADER_BYTES) else {
            return Err(corrupt("segment is shorter than its header").with("bytes", bytes.len()));
        };
        if !bytes.starts_with(&MAGIC) {
            return Err(corrupt("file is no segment of a log"));
        }
        let (found, expected) = (u32_at(bytes, HEADER_BYTES - 4), crc32c::crc32c(&bytes[..HEADER_BYTES - 4]));
        if found != expected {
            return Err(corrupt("header of the segment is damaged"));
        }
        let version = u32_at(bytes, 8);
        if version != VERSION || u32_at(bytes, 12) != HEADER_BYTES as u32 {
            return Err(Error::unsupported("log is of another version of the format").with("version", version));
        }
        let log = LogId(array(bytes, 16));
        Ok(Self { log, number: u64_at(bytes, 32), first: u64_at(bytes, 40), epoch: u64_at(bytes, 48) })
    }
}
