//! Blocks: contents under the hash of their bytes, checked whenever they are read, stored once.
//!
//! [`Blocks`] stores contents in a folder of any [`Backend`]. A content of any length is a list of blocks of at most
//! `block_bytes`; what is handed on is the [`Content`], which a manifest then refers to. Nothing here decides what may
//! be removed: that follows from the chain of manifests, and [`Manifests::collect`](crate::manifest::Manifests::collect)
//! does it.

mod content;
mod hash;
mod known;
mod options;
mod read;
mod sweep;
mod write;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

pub use content::{BLOCK_BYTES_MAX, Block, Content};
pub(crate) use content::{parse_number, total};
pub use hash::{CommitId, Hash, Hasher};
pub use known::References;
pub(crate) use known::is_young;
pub use options::{BlockOptions, BlockStats};
pub use read::ContentReader;
pub use write::ContentWriter;

use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::{ObjectMeta, Outcome, StatOptions};
use crate::planted::Bug;
use content::damaged;
use known::Known;
use options::Counters;

/// A store of contents. Clones are the same store.
///
/// # What is written, and what is not
/// A block is written unless this store knows that it is there and durable: because it has itself written it, or because
/// the state that it [follows](Self::follow) refers to it. That some object has the name is not enough: another
/// process may be about to write it, and a power cut may take it away again. Writing what is there already does no harm.
///
/// # Damage
/// A block whose bytes are not those of its name is [`Corrupt`](ErrorKind::Corrupt), with its key. [`heal`](Self::heal)
/// writes it again from the same content.
///
/// ```
/// use std::sync::Arc;
/// use worldstore_core::blocks::{BlockOptions, Blocks};
/// use worldstore_core::{Memory, Prefix};
///
/// # fn main() -> worldstore_core::Result<()> {
/// let blocks = Blocks::new(Arc::new(Memory::new()), Prefix::new("blocks")?, BlockOptions::default())?;
/// let content = blocks.put("some bytes")?;
/// assert_eq!(blocks.put("some bytes")?, content);
/// assert_eq!(blocks.stats().deduplicated, 1);
/// assert_eq!(blocks.get(&content)?.bytes()?, "some bytes");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Blocks {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Arc<dyn Backend>,
    folder: Prefix,
    options: BlockOptions,
    known: Known,
    counters: Counters,
}

impl Blocks {
    /// A store in a folder of a backend. No I/O.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the options are out of range or the folder's name is too long.
    pub fn new(backend: Arc<dyn Backend>, folder: Prefix, options: BlockOptions) -> Result<Self> {
        options.check()?;
        Block { hash: Hash::of(b""), length: 1, generation: u64::MAX }.key(&folder)?;
        let (known, counters) = (Known::default(), Counters::default());
        Ok(Self { inner: Arc::new(Inner { backend, folder, options, known, counters }) })
    }

    /// Goes by this state from now on: what it refers to is not written again, and what is written belongs to the newest
    /// generation. A state that is not newer than the one before changes nothing, and its blocks are not asked for.
    /// [`Manifests::blocks`](crate::manifest::Manifests::blocks) does it with the newest manifest.
    pub fn follow(&self, references: References<impl IntoIterator<Item = Block>>) {
        self.inner.known.follow(references);
    }

    /// Stores a content.
    ///
    /// # Errors
    /// Those of the backend; [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if it did not say within the attempts of the
    /// options whether a block is stored. What was stored before the error is removed by a later collection.
    pub fn put(&self, bytes: impl Into<Bytes>) -> Result<Content> {
        let bytes = bytes.into();
        let mut blocks = Vec::new();
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let length = rest.len().min(self.inner.options.block_bytes as usize);
            blocks.push(self.put_block(rest.split_to(length))?);
        }
        let hash = match blocks.as_slice() {
            [only] => only.hash,
            _ => Hash::of(&bytes),
        };
        Ok(Content { hash, length: bytes.len() as u64, blocks })
    }

    /// Stores a content that is written piece by piece. It needs room for one block.
    pub fn writer(&self) -> ContentWriter {
        ContentWriter::new(self.clone())
    }

    /// Stores everything that a reader gives.
    ///
    /// # Errors
    /// As for [`put`](Self::put), and those of the reader.
    pub fn put_from(&self, mut reader: impl std::io::Read) -> Result<Content> {
        let mut writer = self.writer();
        let copied = std::io::copy(&mut reader, &mut writer);
        writer.taken_error()?;
        copied.map_err(|source| Error::io("put", source))?;
        writer.finish()
    }

    /// Reads a content, block by block. Every block is checked before any of its bytes is given out, and the hash of the
    /// whole at its end.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if its lengths do not add up. Those of reading come from the reader.
    pub fn get(&self, content: &Content) -> Result<ContentReader> {
        content.check()?;
        Ok(ContentReader::whole(self.clone(), content.clone()))
    }

    /// Reads a part of a content. Only the blocks that it touches are read, and each of them is checked.
    ///
    /// # Errors
    /// As for [`get`](Self::get), and [`Invalid`](ErrorKind::Invalid) if the range is not within the content.
    pub fn range(&self, content: &Content, range: std::ops::Range<u64>) -> Result<ContentReader> {
        content.check()?;
        crate::ops::check_ranges(std::slice::from_ref(&range), content.length)?;
        Ok(ContentReader::part(self.clone(), content.clone(), range))
    }

    /// Reads a block and checks it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if it is not there, [`Corrupt`](ErrorKind::Corrupt) if its bytes are not those of
    /// its hash; both name the key.
    pub fn block(&self, block: &Block) -> Result<Bytes> {
        read::block(self, block)
    }

    /// Looks a block up without reading it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if it is not there, [`Corrupt`](ErrorKind::Corrupt) if its length is wrong.
    pub fn stat(&self, block: &Block) -> Result<ObjectMeta> {
        let key = block.key(&self.inner.folder)?;
        let meta = self.inner.backend.stat(&key, &StatOptions::default())?;
        match meta.size == block.length {
            true => Ok(meta),
            false => Err(damaged("block has another length than its name says", &key, block)),
        }
    }

    /// Reads all of a content and gives nothing out.
    ///
    /// # Errors
    /// As for [`get`](Self::get) and [`block`](Self::block).
    pub fn verify(&self, content: &Content) -> Result<()> {
        self.get(content)?.try_for_each(|chunk| chunk.map(drop))
    }

    /// Writes those blocks of a content again that are missing or damaged, from the same bytes. Returns how many.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the bytes are not those of the content: then nothing is written. Otherwise those
    /// of the backend.
    pub fn heal(&self, content: &Content, bytes: &Bytes) -> Result<u64> {
        content.check()?;
        if bytes.len() as u64 != content.length || Hash::of(bytes) != content.hash {
            return Err(Error::invalid("these are not the bytes of the content").with("hash", content.hash));
        }
        let (mut healed, mut rest) = (0, bytes.clone());
        for block in &content.blocks {
            let part = rest.split_to(block.length as usize);
            if Hash::of(&part) != block.hash {
                return Err(Error::invalid("a block is not a part of the content").with("hash", block.hash));
            }
            match self.block(block) {
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => {
                    self.store(block, part)?;
                    healed += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(healed)
    }

    /// What was done through this store and its clones.
    pub fn stats(&self) -> BlockStats {
        self.inner.counters.stats()
    }

    /// The folder that holds the blocks.
    pub fn folder(&self) -> &Prefix {
        &self.inner.folder
    }

    /// The key of a block.
    ///
    /// # Errors
    /// None for blocks of this store: the length of the folder's name is checked when it is opened.
    pub fn key(&self, block: &Block) -> Result<Key> {
        block.key(&self.inner.folder)
    }

    /// True if this store has itself written the block, durably.
    pub(crate) fn has_written(&self, block: &Block) -> bool {
        self.inner.known.has_written(block)
    }

    fn put_block(&self, bytes: Bytes) -> Result<Block> {
        let (hash, length) = (Hash::of(&bytes), bytes.len() as u64);
        if let Some(block) = self.inner.known.find(hash) {
            self.inner.counters.deduplicated(length);
            return Ok(block);
        }
        let block = Block { hash, length, generation: self.inner.known.generation() };
        if self.inner.options.planted.has(Bug::SeenIsDeduplicated) && self.stat(&block).is_ok() {
            return Ok(block);
        }
        self.store(&block, bytes)?;
        self.inner.known.written(block);
        Ok(block)
    }

    /// Writes a block under its name until it is said that it is durable. Writing it again is the same as writing it
    /// once, so nothing needs to be found out between two attempts.
    fn store(&self, block: &Block, bytes: Bytes) -> Result<()> {
        let key = self.key(block)?;
        for _ in 0..self.inner.options.attempts {
            match self.inner.backend.write(&key, bytes.clone(), &self.inner.options.write_options()) {
                Ok(Outcome::Applied(_)) => {
                    self.inner.counters.written(block.length);
                    return Ok(());
                }
                Ok(Outcome::Rejected) => {
                    return Err(Error::unexpected("a write without a condition was rejected").with("key", key));
                }
                Ok(Outcome::Unknown) => self.inner.counters.unknown(),
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => self.inner.counters.unknown(),
                Err(error) => return Err(error.with("block", block.hash)),
            }
        }
        let message = "nobody knows whether a block is stored, put it again";
        Err(Error::new(ErrorKind::OutcomeUnknown, message).with("key", key))
    }
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blocks in {:?} of {}", self.inner.folder.as_str(), self.inner.backend)
    }
}

#[cfg(test)]
mod tests;
