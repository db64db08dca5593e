//! Writing in parts: pieces are staged as they come, and published together.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::OrderedKv;
use super::change::{Draft, Shared};
use super::objects::Sizes;
use super::pins::Loose;
use crate::backend::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::ops::{Outcome, WriteOptions};

/// An object in the making. It holds at most one piece in memory.
#[derive(Debug)]
pub(super) struct KvWriter<Map: OrderedKv> {
    shared: Arc<Shared<Map>>,
    sizes: Sizes,
    key: Key,
    options: WriteOptions,
    buffer: BytesMut,
    size: u64,
    staged: Option<Loose>,
    failed: bool,
}

impl<Map: OrderedKv> KvWriter<Map> {
    pub fn new(shared: Arc<Shared<Map>>, sizes: Sizes, key: Key, options: WriteOptions) -> Self {
        let (buffer, size, staged, failed) = (BytesMut::new(), 0, None, false);
        Self { shared, sizes, key, options, buffer, size, staged, failed }
    }

    /// Stages all bytes that make whole pieces.
    pub fn append(&mut self, mut chunk: Bytes) -> Result<()> {
        if self.failed {
            return Err(
                Error::new(ErrorKind::Poisoned, "an earlier write of this writer failed").with("key", &self.key)
            );
        }
        self.size += chunk.len() as u64;
        let piece_bytes = self.sizes.piece_bytes as usize;
        while self.buffer.len() + chunk.len() > piece_bytes {
            let missing = chunk.split_to(piece_bytes - self.buffer.len());
            if self.buffer.is_empty() {
                self.stage(&missing)?;
                continue;
            }
            self.buffer.extend_from_slice(&missing);
            let piece = std::mem::take(&mut self.buffer);
            self.stage(&piece)?;
            self.buffer = piece;
            self.buffer.clear();
        }
        self.buffer.extend_from_slice(&chunk);
        Ok(())
    }

    fn stage(&mut self, piece: &[u8]) -> Result<()> {
        match self.shared.stage(&mut self.staged, piece) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.failed = true;
                // Whether the piece is there does not matter: nothing is published.
                let error = match error.kind() {
                    ErrorKind::OutcomeUnknown => {
                        Error::new(ErrorKind::Poisoned, "a piece of the object could not be staged").caused_by(error)
                    }
                    _ => error,
                };
                Err(error.with("key", &self.key))
            }
        }
    }

    pub fn publish(&mut self) -> Result<Outcome> {
        // Says so if an earlier write failed.
        self.append(Bytes::new())?;
        let (staged, last, piece_bytes) = (self.staged, self.buffer.split().freeze(), self.sizes.piece_bytes);
        let draft = match staged {
            None if last.len() <= self.sizes.inline_bytes_max as usize => Draft::Inline(&last),
            _ => Draft::Pieces { staged, last: &last, piece_bytes },
        };
        let outcome = self.shared.publish(&self.key, self.size, &draft, &self.options)?;
        // If it is not known what became of them, the pieces are left to whoever opens the store next.
        if !matches!(outcome, Outcome::Rejected) {
            self.staged = None;
        }
        Ok(outcome)
    }

    fn discard(&mut self) -> Result<()> {
        match self.staged.take() {
            Some(loose) => {
                self.shared.pins.discard(loose);
                self.shared.sweep()
            }
            None => Ok(()),
        }
    }
}

impl<Map: OrderedKv> Writer for KvWriter<Map> {
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

impl<Map: OrderedKv> Drop for KvWriter<Map> {
    fn drop(&mut self) {
        // What could not be removed waits for the next occasion.
        let _ = self.discard();
    }
}
