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
#[derive(Debug, Clone, Default)]
pub struct Digester {
    crc32c: u32,
    length: u64,
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
        self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
    }

    /// The digest of what was added.
    pub fn finish(&self) -> Digest {
        Digest { crc32c: self.crc32c, length: self.length }
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
