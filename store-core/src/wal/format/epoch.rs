//! The mark of the writer that has the log.

use super::{BufMut, Error, LogId, Result, VERSION, array, corrupt, u32_at, u64_at};

/// Bytes of the file `EPOCH`.
pub const EPOCH_BYTES: usize = 56;
const MAGIC: [u8; 8] = *b"WSTEPO\r\n";

/// What the file `EPOCH` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochMark {
    /// The log.
    pub log: LogId,
    /// Counts the writers of the log, from 1.
    pub epoch: u64,
    /// The first record that was kept when the writer came. A segment that begins before it was trimmed, and is only there
    /// because its removal was not durable.
    pub first: u64,
}

impl EpochMark {
    /// The bytes of the file.
    pub fn encode(&self) -> [u8; EPOCH_BYTES] {
        let mut bytes = [0; EPOCH_BYTES];
        let mut rest = &mut bytes[..];
        rest.put_slice(&MAGIC);
        rest.put_u32_le(VERSION);
        rest.put_u32_le(0);
        rest.put_slice(&self.log.0);
        rest.put_u64_le(self.epoch);
        rest.put_u64_le(self.first);
        rest.put_u32_le(0);
        let crc = crc32c::crc32c(&bytes[..EPOCH_BYTES - 4]);
        bytes[EPOCH_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the file.
    ///
    /// # Errors
    /// `Unsupported` if it is of a later version of the format, `Corrupt` if it is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != EPOCH_BYTES || !bytes.starts_with(&MAGIC) {
            return Err(corrupt("mark of the epoch is none"));
        }
        if u32_at(bytes, EPOCH_BYTES - 4) != crc32c::crc32c(&bytes[..EPOCH_BYTES - 4]) {
            return Err(corrupt("mark of the epoch is damaged"));
        }
        let version = u32_at(bytes, 8);
        if version != VERSION {
            return Err(Error::unsupported("log is of another version of the format").with("version", version));
        }
        Ok(Self { log: LogId(array(bytes, 16)), epoch: u64_at(bytes, 32), first: u64_at(bytes, 40) })
    }
}
