//! Digests of objects, and the book that keeps them.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::ops::{ObjectMeta, Version};

/// CRC-32C (Castagnoli) of an object, and its length: enough against rot and torn writes, none against an adversary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    /// The checksum, as RFC 3720 appendix B.4 defines it.
    pub crc32c: u32,
    /// Bytes.
    pub length: u64,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crc32c:{:08x}/{}", self.crc32c, self.length)
    }
}

/// A digest in the making.
#[derive(Debug, Clone)]
pub struct Digester {
    state: u32,
    length: u64,
}

impl Default for Digester {
    fn default() -> Self {
        Self { state: !0, length: 0 }
    }
}

/// Slicing by eight: one table per byte of a word.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        tables[0][byte] = value;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

impl Digester {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        let mut digester = Self::default();
        digester.update(bytes);
        digester.finish()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let (words, rest) = bytes.as_chunks::<8>();
        for [a, b, c, d, e, f, g, h] in words {
            let low = self.state ^ u32::from_le_bytes([*a, *b, *c, *d]);
            let [a, b, c, d] = low.to_le_bytes();
            let bytes = [a, b, c, d, *e, *f, *g, *h];
            self.state = (0..8).fold(0, |state, place| state ^ TABLES[7 - place][usize::from(bytes[place])]);
        }
        for byte in rest {
            self.state = (self.state >> 8) ^ TABLES[0][usize::from(self.state as u8 ^ byte)];
        }
    }

    /// The digest of what was added.
    pub fn finish(&self) -> Digest {
        Digest { crc32c: !self.state, length: self.length }
    }

    /// Compares with the digest that is on record.
    ///
    /// # Errors
    /// `Corrupt` if it is another.
    pub fn expect(&self, expected: Digest, key: &Key) -> Result<()> {
        let found = self.finish();
        match found == expected {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Corrupt, "object is not what was written")
                .with("key", key)
                .with("expected", expected)
                .with("found", found)),
        }
    }
}

/// Where digests are on record: a table in memory, a manifest, a catalog.
pub trait DigestBook: Send + Sync + Debug + 'static {
    /// The digest of this state of the object, if it is on record.
    fn expected(&self, meta: &ObjectMeta) -> Option<Digest>;

    /// Notes the digest of a state that was just written.
    fn written(&self, meta: &ObjectMeta, digest: Digest);
}

/// A book in memory. It knows what went through it, and nothing of what was there before. Of each key it keeps the state
/// that was written last.
#[derive(Debug, Default)]
pub struct MemoryDigests {
    entries: Mutex<HashMap<Key, (Option<Version>, Digest)>>,
}

impl MemoryDigests {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Option<Version>, Digest)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DigestBook for MemoryDigests {
    /// Without versions nothing is expected: another writer's state could not be told from rot.
    fn expected(&self, meta: &ObjectMeta) -> Option<Digest> {
        let entries = self.lock();
        let (version, digest) = entries.get(&meta.key)?;
        (version.is_some() && *version == meta.version).then_some(*digest)
    }

    fn written(&self, meta: &ObjectMeta, digest: Digest) {
        self.lock().insert(meta.key.clone(), (meta.version.clone(), digest));
    }
}
