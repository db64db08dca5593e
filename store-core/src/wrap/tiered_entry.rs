//! What a kept object looks like in the store near by, and how damage to it is found: no I/O.
//!
//! ```text
//! body      the object, as it is
//! checks    for each 64 KiB of it , the last one shorter: CRC-32C, u32
//! identity  place, key and version, each as its length in bytes, u32, and its text
//! trailer   "WSTTIER1", length of the body u64, length of the identity u32, CRC-32C of checks, identity and trailer u32
//! ```
//!
//! Numbers are little-endian. Who knows place, key, version and length knows where the trailer has to be and all of it
//! but the checks.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use crc32c::{crc32c, crc32c_append};

use crate::error::Result;
use crate::key::Key;
use crate::ops::{ObjectMeta, Version};

/// Bytes that are checked in one.
pub const TIER_BLOCK_BYTES: u64 = 64 << 10;

/// Bytes that are read and checked at a time.
const WINDOW_BYTES: u64 = 16 * TIER_BLOCK_BYTES;

const MAGIC: &[u8; 8] = b"WSTTIER1";

/// One state of an object, as it is kept: its name there and the place of every byte.
#[derive(Debug, Clone)]
pub struct TierEntry {
    /// The object in the store far away.
    pub meta: ObjectMeta,
    /// Its version.
    pub version: Version,
    /// Its name in the store near by. Two states of one object share it; two objects nearly never do, and where they do,
    /// the identity tells.
    pub name: Key,
    /// Identity and trailer up to the checksum.
    identity: Bytes,
}

/// Checksums of the blocks of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TierChecks(Vec<u32>);

impl TierEntry {
    /// The name under which an object of this place is kept, whatever its version.
    ///
    /// # Errors
    /// None in practice: the name is of hexadecimal digits.
    pub fn name_of(place: &str, key: &Key) -> Result<Key> {
        // FNV-1a with 128 bits: spreads well, and nothing depends on its being one-to-one.
        let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        for byte in place.bytes().chain([0]).chain(key.as_str().bytes()) {
            hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
        Key::new(format!("{:02x}/{hash:032x}", (hash >> 120) as u8))
    }

    /// True for names that [`name_of`](Self::name_of) can give.
    pub fn is_name(key: &Key) -> bool {
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let parts = key.as_str().split_once('/');
        parts.is_some_and(|(folder, name)| {
            name.len() == 32 && is_digits(name) && folder.len() == 2 && name.starts_with(folder)
        })
    }

    /// This state of an object of this place.
    ///
    /// # Errors
    /// As for [`name_of`](Self::name_of).
    pub fn new(place: &str, meta: &ObjectMeta, version: &Version) -> Result<Self> {
        let mut identity = BytesMut::new();
        for text in [place, meta.key.as_str(), version.as_str()] {
            identity.put_u32_le(text.len() as u32);
            identity.put_slice(text.as_bytes());
        }
        let length = identity.len() as u32;
        identity.put_slice(MAGIC);
        identity.put_u64_le(meta.size);
        identity.put_u32_le(length);
        let name = Self::name_of(place, &meta.key)?;
        Ok(Self { meta: meta.clone(), version: version.clone(), name, identity: identity.freeze() })
    }

    /// All bytes that it takes.
    pub fn bytes(&self) -> u64 {
        self.tail().end
    }

    /// Where checks, identity and trailer are.
    pub fn tail(&self) -> Range<u64> {
        let blocks = self.meta.size.div_ceil(TIER_BLOCK_BYTES);
        self.meta.size..self.meta.size + blocks * 4 + self.identity.len() as u64 + 4
    }

    /// Reads the tail; none if it is of another state, or damaged.
    pub fn checks(&self, tail: &[u8]) -> Option<TierChecks> {
        let (before, sum) = tail.split_last_chunk::<4>()?;
        let checks = before.strip_suffix(&self.identity[..])?;
        let is_sound = crc32c(before) == u32::from_le_bytes(*sum);
        let is_whole = checks.len() as u64 == self.meta.size.div_ceil(TIER_BLOCK_BYTES) * 4;
        let (checks, _) = checks.as_chunks::<4>();
        (is_sound && is_whole).then(|| TierChecks(checks.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()))
    }

    /// Writes the tail.
    pub fn with_checks(&self, checks: &TierChecks) -> Bytes {
        let mut tail = BytesMut::with_capacity(checks.0.len() * 4 + self.identity.len() + 4);
        checks.0.iter().for_each(|check| tail.put_u32_le(*check));
        tail.put_slice(&self.identity);
        let sum = crc32c(&tail);
        tail.put_u32_le(sum);
        tail.freeze()
    }

    /// The whole blocks that a range needs.
    pub fn blocks(&self, range: &Range<u64>) -> Range<u64> {
        if range.is_empty() {
            return range.clone();
        }
        let start = range.start / TIER_BLOCK_BYTES * TIER_BLOCK_BYTES;
        start..range.end.next_multiple_of(TIER_BLOCK_BYTES).min(self.meta.size)
    }

    /// The first part of a range that is read and checked in one.
    pub fn window(&self, range: &Range<u64>) -> Range<u64> {
        let start = range.start / TIER_BLOCK_BYTES * TIER_BLOCK_BYTES;
        range.start..range.end.min(start + WINDOW_BYTES)
    }

    /// The bytes of `range` out of its whole [`blocks`](Self::blocks), if those are sound.
    pub fn checked(&self, checks: &TierChecks, range: &Range<u64>, blocks: &Bytes) -> Option<Bytes> {
        let whole = self.blocks(range);
        if blocks.len() as u64 != whole.end - whole.start {
            return None;
        }
        let first = (whole.start / TIER_BLOCK_BYTES) as usize;
        let found = blocks.chunks(TIER_BLOCK_BYTES as usize).map(crc32c);
        let expected = checks.0.get(first..)?.iter().copied();
        let count = blocks.len().div_ceil(TIER_BLOCK_BYTES as usize);
        let is_sound = found.eq(expected.take(count));
        is_sound.then(|| blocks.slice((range.start - whole.start) as usize..(range.end - whole.start) as usize))
    }
}

/// Checksums in the making, from chunks of any length.
#[derive(Debug, Default)]
pub struct TierDigester {
    checks: Vec<u32>,
    /// Of the block so far.
    check: u32,
    /// Bytes in the block.
    filled: u64,
    /// Bytes in all.
    length: u64,
}

impl TierDigester {
    /// Adds bytes.
    pub fn update(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let room = (TIER_BLOCK_BYTES - self.filled) as usize;
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.check = crc32c_append(self.check, now);
            self.filled += now.len() as u64;
            self.length += now.len() as u64;
            if self.filled == TIER_BLOCK_BYTES {
                self.close();
            }
            rest = later;
        }
    }

    /// The checksums, if so many bytes were added.
    pub fn finish(mut self, length: u64) -> Option<TierChecks> {
        if self.filled > 0 {
            self.close();
        }
        (self.length == length).then_some(TierChecks(self.checks))
    }

    fn close(&mut self) {
        self.checks.push(self.check);
        (self.check, self.filled) = (0, 0);
    }
}
