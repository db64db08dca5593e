//! What a content is: a list of blocks, each with its hash, and the hash of the whole.

use serde::{Deserialize, Serialize};

use super::hash::Hash;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};

/// The longest block in bytes, whatever the options say.
pub const BLOCK_BYTES_MAX: u64 = 64 << 20;

/// A stored block: its hash, its length, and the generation under which it is stored.
///
/// Its key is `{generation, 20 digits}/{first 2 digits of the hash}/{64 digits of the hash}`. The generation is the count
/// of garbage collections that had begun when it was put. So a name that a collection has once removed is never given
/// again: a collector that was asleep may remove it a second time, and does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// BLAKE3 of its bytes.
    pub hash: Hash,
    /// Its length in bytes, 1 to [`BLOCK_BYTES_MAX`].
    pub length: u64,
    /// The count of collections when it was put.
    pub generation: u64,
}

impl Block {
    /// The key below the folder of blocks.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the folder's name is so long that the key is too long.
    pub fn key(&self, folder: &Prefix) -> Result<Key> {
        let hash = self.hash.to_string();
        folder.key(format!("{:020}/{}/{hash}", self.generation, hash.get(..2).unwrap_or_default()))
    }

    /// Generation and hash of a key below the folder of blocks. None for names of others.
    pub(crate) fn parse(folder: &Prefix, key: &Key) -> Option<(u64, Hash)> {
        let mut parts = folder.strip(key.as_str())?.split('/');
        let (generation, start, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let generation = parse_number(generation)?;
        let legal = parts.next().is_none() && start.len() == 2 && hash.starts_with(start);
        Some((generation, hash.parse().ok()?)).filter(|_| legal)
    }

    fn check(&self) -> Result<()> {
        match (1..=BLOCK_BYTES_MAX).contains(&self.length) {
            true => Ok(()),
            false => {
                Err(Error::invalid("a block is 1 byte to 64 MiB").with("hash", self.hash).with("length", self.length))
            }
        }
    }
}

/// A number that is written with exactly 20 digits.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let digits = text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// A stored content: the blocks that make it up, in order. Nothing else is needed to read it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// BLAKE3 of the whole: that of its block if there is one block, of nothing if there is none.
    pub hash: Hash,
    /// Length of the whole in bytes: the sum over the blocks.
    pub length: u64,
    /// The blocks.
    pub blocks: Vec<Block>,
}

impl Content {
    /// Checks that the lengths are legal and add up, and the hash as far as that can be done without reading.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if a block is empty or too long, the sum is not `length`, or the only block has
    /// another hash than the whole.
    pub fn check(&self) -> Result<()> {
        self.blocks.iter().try_for_each(Block::check)?;
        let broken = |rule: &str| Err(Error::invalid(rule).with("hash", self.hash).with("length", self.length));
        if total(&self.blocks) != Some(self.length) {
            return broken("blocks of a content do not add up to its length");
        }
        match self.blocks.as_slice() {
            [only] if only.hash != self.hash => broken("a content of one block has another hash than its block"),
            _ => Ok(()),
        }
    }
}

/// The length of blocks together, unless one is illegal or the sum too great.
pub(crate) fn total(blocks: &[Block]) -> Option<u64> {
    let length = |block: &Block| block.check().ok().map(|()| block.length);
    blocks.iter().try_fold(0_u64, |sum, block| sum.checked_add(length(block)?))
}

/// The error for bytes that are not what their name says.
pub(super) fn damaged(message: &'static str, key: &Key, block: &Block) -> Error {
    Error::new(ErrorKind::Corrupt, message).with("key", key).with("hash", block.hash).with("length", block.length)
}
