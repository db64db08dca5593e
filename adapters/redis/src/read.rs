//! Reading: small bodies at once, large ones piece by piece, all of one state.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use worldstore_core::{Chunks, Error, ErrorKind, Key, ObjectMeta, Result};

use crate::head::Pieces;
use crate::space::{Space, milliseconds, replaced};

/// An object in one state.
#[derive(Debug)]
pub(crate) struct Opened {
    pub meta: ObjectMeta,
    body: Body,
    space: Arc<Space>,
}

#[derive(Debug)]
enum Body {
    Small(Bytes),
    Large(Pieces),
}

impl Opened {
    pub fn new(space: &Arc<Space>, key: &Key) -> Result<Self> {
        let (head, body) = space.head_and_body(key)?;
        let body = head.pieces.map_or(Body::Small(body), Body::Large);
        Ok(Self { meta: head.meta, body, space: Arc::clone(space) })
    }

    /// The bytes of a part, piece by piece.
    pub fn chunks(self, range: Range<u64>) -> Chunks {
        match &self.body {
            Body::Small(body) => {
                let body = body.slice(range.start as usize..range.end as usize);
                Box::new((!body.is_empty()).then_some(Ok(body)).into_iter())
            }
            Body::Large(pieces) => Box::new(PieceChunks { pieces: pieces.clone(), range, opened: self }),
        }
    }

    /// The bytes of a part, at once.
    pub fn part(&self, range: Range<u64>) -> Result<Bytes> {
        let pieces = match &self.body {
            Body::Small(body) => return Ok(body.slice(range.start as usize..range.end as usize)),
            Body::Large(pieces) => pieces,
        };
        let (mut at, mut bytes) = (range.start, BytesMut::with_capacity((range.end - range.start) as usize));
        while at < range.end {
            let chunk = self.piece(pieces, at..range.end)?;
            at += chunk.len() as u64;
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// What the first piece of the range holds of it: at least one byte.
    fn piece(&self, pieces: &Pieces, range: Range<u64>) -> Result<Bytes> {
        let piece = range.start / pieces.piece_bytes;
        let first = piece * pieces.piece_bytes;
        let expected = (self.meta.size - first).min(pieces.piece_bytes);
        let part = range.start - first..(range.end - first).min(expected);
        let found: Option<(u64, Vec<u8>)> = self.space.script(&self.space.scripts.piece, |call| {
            call.key(self.space.generation(&pieces.generation)).arg(piece).arg(part.start).arg(part.end);
            call.arg(milliseconds(self.space.times.replaced_for));
        })?;
        match found {
            None => Err(replaced().with("key", &self.meta.key)),
            Some((length, bytes)) if length == expected && bytes.len() as u64 == part.end - part.start => {
                Ok(bytes.into())
            }
            Some((length, _)) => Err(Error::new(ErrorKind::Corrupt, "a piece of the object has another length")
                .with("key", &self.meta.key)
                .with("piece", piece)
                .with("bytes", length)
                .with("expected", expected)),
        }
    }
}

struct PieceChunks {
    opened: Opened,
    pieces: Pieces,
    /// What is still to come.
    range: Range<u64>,
}

impl Iterator for PieceChunks {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.range.start >= self.range.end {
            return None;
        }
        let chunk = self.opened.piece(&self.pieces, self.range.clone());
        self.range.start = chunk.as_ref().map_or(self.range.end, |chunk| self.range.start + chunk.len() as u64);
        Some(chunk)
    }
}
