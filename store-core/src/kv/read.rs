//! Reading: bodies from heads and from pieces, all of one state.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::OrderedKv;
use super::change::Shared;
use super::head::{Body, Head, Pieces, piece_key};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::ops::Chunks;

/// An object that stays as it is while this lives.
#[derive(Debug)]
pub(super) struct Opened<Map: OrderedKv> {
    pub head: Head,
    key: Key,
    shared: Arc<Shared<Map>>,
    /// The generation that is kept.
    pinned: Option<u64>,
}

impl<Map: OrderedKv> Opened<Map> {
    /// Looks an object up and keeps its pieces.
    pub fn new(shared: &Arc<Shared<Map>>, key: &Key) -> Result<Self> {
        let mut head = shared.head(key)?;
        loop {
            let pinned = match &head.body {
                Body::Inline(_) => None,
                Body::Pieces(pieces) => Some(pieces.generation),
            };
            if let Some(generation) = pinned {
                shared.pins.pin(generation);
            }
            // From here on whatever fails ends the pin too.
            let opened = Self { head, key: key.clone(), shared: Arc::clone(shared), pinned };
            if pinned.is_none() {
                return Ok(opened);
            }
            // Its pieces may have gone before the pin was there, but not if it is still the object.
            let again = shared.head(key)?;
            if again.body == opened.head.body {
                return Ok(opened);
            }
            head = again;
        }
    }

    /// The bytes of a part, piece by piece.
    pub fn chunks(self, range: Range<u64>) -> Chunks {
        match &self.head.body {
            Body::Inline(body) => {
                let body = body.slice(range.start as usize..range.end as usize);
                Box::new((!body.is_empty()).then_some(Ok(body)).into_iter())
            }
            Body::Pieces(pieces) => Box::new(PieceChunks { pieces: *pieces, opened: Some(self), range }),
        }
    }

    /// The bytes of a part, at once.
    pub fn part(&self, range: Range<u64>) -> Result<Bytes> {
        let pieces = match &self.head.body {
            Body::Inline(body) => return Ok(body.slice(range.start as usize..range.end as usize)),
            Body::Pieces(pieces) => *pieces,
        };
        let (mut at, mut bytes) = (range.start, BytesMut::with_capacity((range.end - range.start) as usize));
        while at < range.end {
            at += self.append(pieces, at..range.end, &mut bytes)?;
        }
        Ok(bytes.freeze())
    }

    /// Appends what the first piece of the range holds of it, and tells how much that is.
    fn append(&self, pieces: Pieces, range: Range<u64>, bytes: &mut BytesMut) -> Result<u64> {
        let piece_bytes = u64::from(pieces.piece_bytes);
        let piece = range.start / piece_bytes;
        let first = piece * piece_bytes;
        let expected = self.head.size.min(first + piece_bytes) - first;
        let part = (range.start - first) as usize..(range.end.min(first + expected) - first) as usize;
        let damaged =
            |message: &str| Error::new(ErrorKind::Corrupt, message).with("key", &self.key).with("piece", piece);
        let mut whole = true;
        // The count of pieces is a u32, and the head was checked against it.
        let found = self.shared.map.get(&piece_key(pieces.generation, piece as u32), &mut |value| {
            whole = value.len() as u64 == expected;
            if whole {
                bytes.extend_from_slice(&value[part.clone()]);
            }
        })?;
        match (found, whole) {
            (true, true) => Ok(part.len() as u64),
            (true, false) => Err(damaged("a piece of the object has another length")),
            (false, _) => Err(damaged("a piece of the object is missing")),
        }
    }
}

impl<Map: OrderedKv> Drop for Opened<Map> {
    fn drop(&mut self) {
        if let Some(generation) = self.pinned
            && self.shared.pins.unpin(generation)
        {
            // What could not be removed waits for the next occasion.
            let _ = self.shared.sweep();
        }
    }
}

struct PieceChunks<Map: OrderedKv> {
    /// None once the last piece is read: what waits for this reader then goes on the thread of the read, and not where
    /// the iterator happens to be dropped.
    opened: Option<Opened<Map>>,
    pieces: Pieces,
    /// What is still to come.
    range: Range<u64>,
}

impl<Map: OrderedKv> Iterator for PieceChunks<Map> {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.range.start >= self.range.end {
            self.opened = None;
        }
        let opened = self.opened.as_ref()?;
        let mut bytes = BytesMut::new();
        let read = opened.append(self.pieces, self.range.clone(), &mut bytes);
        self.range.start = read.as_ref().map_or(self.range.end, |length| self.range.start + length);
        if self.range.start >= self.range.end {
            self.opened = None;
        }
        Some(read.map(|_| bytes.freeze()))
    }
}
