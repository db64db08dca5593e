//! Reading contents: block by block, each checked before any of it is given out.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use super::Blocks;
use super::content::{Block, Content, damaged};
use super::hash::{Hash, Hasher};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{Collector, io_error};
use crate::ops::ReadOptions;
use crate::planted::Bug;

/// The bytes of a content, or of a part of it: an iterator over chunks, and a [`Read`]. After an error it ends.
pub struct ContentReader {
    blocks: Blocks,
    content: Content,
    /// The next block.
    next: usize,
    /// Where the next block begins.
    begin: u64,
    /// What is still to be given out.
    left: Range<u64>,
    /// Over the whole; none for a part, or for a whole of one block.
    hasher: Option<Hasher>,
    /// What [`Read`] has not given out yet.
    chunk: Bytes,
    ended: bool,
}

impl ContentReader {
    pub(super) fn whole(blocks: Blocks, content: Content) -> Self {
        let mut reader = Self::part(blocks, content, 0..0);
        reader.left = 0..reader.content.length;
        // The hash of the only block is that of the whole.
        reader.hasher = (reader.content.blocks.len() != 1).then(Hasher::new);
        reader
    }

    pub(super) fn part(blocks: Blocks, content: Content, left: Range<u64>) -> Self {
        Self { blocks, content, next: 0, begin: 0, left, hasher: None, chunk: Bytes::new(), ended: false }
    }

    /// Everything that is left, in one piece.
    ///
    /// # Errors
    /// Those of [`Blocks::block`]; [`Corrupt`](ErrorKind::Corrupt) if the blocks together are not the content.
    pub fn bytes(mut self) -> Result<Bytes> {
        let Some(first) = self.next() else { return Ok(Bytes::new()) };
        let mut first = first?;
        let Some(second) = self.next() else { return Ok(first) };
        let mut joined = BytesMut::from(std::mem::take(&mut first));
        joined.extend_from_slice(&second?);
        for chunk in self {
            joined.extend_from_slice(&chunk?);
        }
        Ok(joined.freeze())
    }

    fn step(&mut self) -> Result<Option<Bytes>> {
        while let Some(block) = self.content.blocks.get(self.next).copied() {
            let (begin, end) = (self.begin, self.begin + block.length);
            if self.left.is_empty() {
                break;
            }
            (self.next, self.begin) = (self.next + 1, end);
            if end <= self.left.start {
                continue;
            }
            let bytes = self.blocks.block(&block)?;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&bytes);
            }
            let part = (self.left.start - begin) as usize..(self.left.end.min(end) - begin) as usize;
            self.left.start = end.min(self.left.end);
            return Ok(Some(bytes.slice(part)));
        }
        match self.hasher.take() {
            Some(hasher) if hasher.hash() != self.content.hash => {
                let message = "blocks are right, and together they are not the content";
                Err(Error::new(ErrorKind::Corrupt, message).with("hash", self.content.hash))
            }
            _ => Ok(None),
        }
    }
}

impl Iterator for ContentReader {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.chunk.is_empty() {
            return Some(Ok(std::mem::take(&mut self.chunk)));
        }
        if self.ended {
            return None;
        }
        let step = self.step().transpose();
        self.ended = !matches!(step, Some(Ok(_)));
        step
    }
}

impl Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && !buffer.is_empty() {
            match self.next() {
                Some(chunk) => self.chunk = chunk.map_err(io_error)?,
                None => return Ok(0),
            }
        }
        let length = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

impl fmt::Debug for ContentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentReader").field("content", &self.content.hash).field("left", &self.left).finish()
    }
}

/// Reads a block. Its length is compared before anything is set aside for it.
pub(super) fn block(blocks: &Blocks, block: &Block) -> Result<Bytes> {
    let inner = &*blocks.inner;
    let key = block.key(&inner.folder)?;
    let reply = inner.backend.read(&key, &ReadOptions::default())?;
    if reply.meta.size != block.length {
        return Err(damaged("block has another length than its name says", &key, block));
    }
    let mut collector = Collector::new(&(0..block.length));
    reply.body.into_iter().try_for_each(|chunk| collector.push(chunk?)).map_err(|error| error.with("key", &key))?;
    let bytes = collector.finish().map_err(|error| error.with("key", &key))?;
    match Hash::of(&bytes) == block.hash || inner.options.planted.has(Bug::SkipBlockCheck) {
        true => {
            inner.counters.read(block.length);
            Ok(bytes)
        }
        false => Err(damaged("bytes of a block are not those of its hash", &key, block)),
    }
}
