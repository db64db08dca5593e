//! Writing in parts: pieces are staged as they come, and published together.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use worldstore_core::{Error, ErrorKind, Key, Outcome, Result, WriteOptions, Writer};

use crate::config::Sizes;
use crate::head::token_text;
use crate::space::{Change, Space};

/// An object in the making. It holds at most one piece in memory.
#[derive(Debug)]
pub(crate) struct RedisWriter {
    space: Arc<Space>,
    sizes: Sizes,
    key: Key,
    options: WriteOptions,
    buffer: BytesMut,
    size: u64,
    pub(crate) staged: Option<Staged>,
    failed: bool,
}

/// Pieces on the server that expire if they are not published.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    pub generation: String,
    pub count: u64,
}

impl RedisWriter {
    pub fn new(space: Arc<Space>, sizes: Sizes, key: Key, options: WriteOptions) -> Self {
        Self { space, sizes, key, options, buffer: BytesMut::new(), size: 0, staged: None, failed: false }
    }

    pub fn append(&mut self, mut chunk: Bytes) -> Result<()> {
        if self.failed {
            return Err(
                Error::new(ErrorKind::Poisoned, "an earlier write of this writer failed").with("key", &self.key)
            );
        }
        self.size += chunk.len() as u64;
        while self.buffer.len() + chunk.len() > self.sizes.piece_bytes {
            let missing = chunk.split_to(self.sizes.piece_bytes - self.buffer.len());
            self.buffer.extend_from_slice(&missing);
            self.stage()?;
        }
        self.buffer.extend_from_slice(&chunk);
        Ok(())
    }

    fn stage(&mut self) -> Result<()> {
        let piece = std::mem::take(&mut self.buffer);
        let staged = self.stage_piece(&piece);
        self.failed = staged.is_err();
        self.buffer = piece;
        self.buffer.clear();
        staged.map_err(|error| error.with("key", &self.key))
    }

    fn stage_piece(&mut self, bytes: &[u8]) -> Result<()> {
        let staged = match &mut self.staged {
            Some(staged) => staged,
            None => self.staged.insert(Staged { generation: self.space.new_generation()?, count: 0 }),
        };
        self.space.stage(&staged.generation, staged.count, bytes)?;
        staged.count += 1;
        Ok(())
    }

    pub fn publish(&mut self) -> Result<Outcome> {
        // Says so if an earlier write failed.
        self.append(Bytes::new())?;
        self.publish_staged(self.size)
    }

    /// Publishes what is staged and the buffer.
    pub fn publish_staged(&mut self, size: u64) -> Result<Outcome> {
        let (size, token) = (size.to_string(), token_text(self.options.token.as_ref()));
        let (generation, count, piece_bytes) = match &self.staged {
            Some(staged) => (staged.generation.as_str(), staged.count, self.sizes.piece_bytes),
            None if self.buffer.len() > self.sizes.small_bytes_max => ("+", 0, self.sizes.piece_bytes),
            None => ("-", 0, 0),
        };
        let (count, piece_bytes) = (count.to_string(), piece_bytes.to_string());
        let texts = [&size, &token, generation, &count, &piece_bytes];
        let mut rest: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        rest.push(&self.buffer);
        let publish = &self.space.scripts.publish;
        match self.space.change(publish, &[&self.key], &self.options.condition, &rest)? {
            Change::Outcome(outcome) => {
                // Of an unknown outcome the pieces may be the object; if not, they expire.
                if outcome != Outcome::Rejected {
                    self.staged = None;
                }
                Ok(outcome)
            }
            Change::Expired => Err(Error::new(
                ErrorKind::Poisoned,
                "the writer was idle for too long, and what it had staged has expired",
            )
            .with("key", &self.key)
            .with("staged_for_seconds", self.space.times.staged_for.as_secs())),
            Change::Large(_) => Err(Error::unexpected("server answered a write with a copy").with("key", &self.key)),
        }
    }

    fn discard(&mut self) -> Result<()> {
        self.staged.take().map_or(Ok(()), |staged| self.space.discard(&staged.generation))
    }
}

impl Writer for RedisWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.append(chunk)
    }

    fn commit(mut self: Box<Self>) -> Result<Outcome> {
        self.publish()
    }

    fn abort(mut self: Box<Self>) -> Result<()> {
        self.discard()
    }
}

impl Drop for RedisWriter {
    fn drop(&mut self) {
        // What cannot be removed now expires.
        let _ = self.discard();
    }
}
