//! Writing a content piece by piece.

use std::io::{self, Write};

use bytes::BytesMut;

use super::Blocks;
use super::content::{Block, Content};
use super::hash::Hasher;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::io_error;

/// A content in the making. Nothing refers to it until its [`Content`] is in a manifest; dropping it leaves blocks that
/// a later collection removes.
///
/// ```
/// use std::io::Write;
/// # use std::sync::Arc;
/// # use worldstore_core::blocks::{BlockOptions, Blocks};
/// # use worldstore_core::{Memory, Prefix};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let options = BlockOptions::default().with_block_bytes(4);
/// # let blocks = Blocks::new(Arc::new(Memory::new()), Prefix::new("blocks")?, options)?;
/// let mut writer = blocks.writer();
/// write!(writer, "tick {}", 1)?;
/// let content = writer.finish()?;
/// assert_eq!((content.length, content.blocks.len()), (6, 2));
/// assert_eq!(blocks.range(&content, 3..6)?.bytes()?, "k 1");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ContentWriter {
    blocks: Blocks,
    stored: Vec<Block>,
    length: u64,
    hasher: Hasher,
    waiting: BytesMut,
    failed: Failed,
}

/// What became of the last block.
#[derive(Debug)]
enum Failed {
    No,
    /// The error, until someone asks for it.
    Yes(Option<Error>),
}

impl ContentWriter {
    pub(super) fn new(blocks: Blocks) -> Self {
        let (hasher, waiting) = (Hasher::new(), BytesMut::new());
        Self { blocks, stored: Vec::new(), length: 0, hasher, waiting, failed: Failed::No }
    }

    /// Stores what is left and tells what the content is.
    ///
    /// # Errors
    /// As for [`Blocks::put`]; [`Poisoned`](ErrorKind::Poisoned) if an earlier write has failed.
    pub fn finish(mut self) -> Result<Content> {
        self.refuse_failed()?;
        if !self.waiting.is_empty() {
            self.store()?;
        }
        Ok(Content { hash: self.hasher.hash(), length: self.length, blocks: self.stored })
    }

    /// The error of a write, as it was before it became one of the standard library.
    pub(super) fn taken_error(&mut self) -> Result<()> {
        match &mut self.failed {
            Failed::Yes(error) => error.take().map_or(Ok(()), Err),
            Failed::No => Ok(()),
        }
    }

    fn refuse_failed(&self) -> Result<()> {
        match self.failed {
            Failed::No => Ok(()),
            Failed::Yes(_) => Err(Error::new(ErrorKind::Poisoned, "an earlier write failed, put the content again")),
        }
    }

    fn store(&mut self) -> Result<()> {
        let bytes = self.waiting.split().freeze();
        self.hasher.update(&bytes);
        self.length += bytes.len() as u64;
        self.stored.push(self.blocks.put_block(bytes)?);
        Ok(())
    }
}

impl Write for ContentWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.refuse_failed().map_err(io_error)?;
        let block_bytes = self.blocks.inner.options.block_bytes as usize;
        let length = bytes.len().min(block_bytes - self.waiting.len());
        self.waiting.extend_from_slice(bytes.get(..length).unwrap_or_default());
        if self.waiting.len() == block_bytes
            && let Err(error) = self.store()
        {
            let kind = error.kind();
            self.failed = Failed::Yes(Some(error));
            return Err(io_error(Error::new(kind, "a block could not be stored")));
        }
        Ok(length)
    }

    /// Does nothing: a block is stored when it is full, and the last one by [`finish`](Self::finish).
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
