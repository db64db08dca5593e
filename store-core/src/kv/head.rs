//! Keys and values of the layout: what an object's head holds, and how it is written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::ops::{Condition, ObjectMeta, Version, WriteToken};

/// The layout that this code reads and writes.
pub(super) const LAYOUT: u8 = 1;
pub(super) const LAYOUT_KEY: &[u8] = b"mlayout";
pub(super) const SERIAL_KEY: &[u8] = b"mserial";
/// Where heads begin and end.
pub(super) const HEADS: (u8, &[u8]) = (b'h', b"i");
/// Where notes of loose generations begin and end.
pub(super) const LOOSE: (&[u8], &[u8]) = (b"l", b"m");

/// The key of an object's head.
pub(super) fn head_key(key: &str) -> Vec<u8> {
    [&[HEADS.0], key.as_bytes()].concat()
}

/// The key of one piece of a body.
pub(super) fn piece_key(generation: u64, piece: u32) -> Vec<u8> {
    [&b"c"[..], &generation.to_be_bytes(), &piece.to_be_bytes()].concat()
}

/// The key of the note that a generation is loose.
pub(super) fn loose_key(generation: u64) -> Vec<u8> {
    [LOOSE.0, &generation.to_be_bytes()].concat()
}

/// An object: everything but a large body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub version: u64,
    pub size: u64,
    /// Microseconds since 1970.
    pub modified: u64,
    pub token: Option<WriteToken>,
    pub body: Body,
}

/// Where a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// In the head.
    Inline(Bytes),
    /// In pieces, all of one size but the last.
    Pieces(Pieces),
}

/// A large body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pieces {
    pub generation: u64,
    pub count: u32,
    pub piece_bytes: u32,
}

const INLINE: u8 = 0;
const PIECES: u8 = 1;

impl Head {
    pub fn meta(&self, key: &Key) -> ObjectMeta {
        ObjectMeta::new(key.clone(), self.size)
            .with_version(Version::new(self.version.to_string()))
            .with_modified(UNIX_EPOCH + Duration::from_micros(self.modified))
    }

    pub fn encode(&self) -> Vec<u8> {
        let token = self.token.as_ref().map_or("", WriteToken::as_str);
        let mut bytes = Vec::with_capacity(64 + token.len());
        for number in [self.version, self.size, self.modified] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        // A token has at most 128 bytes.
        bytes.push(token.len() as u8);
        bytes.extend_from_slice(token.as_bytes());
        match &self.body {
            Body::Inline(body) => {
                bytes.push(INLINE);
                bytes.extend_from_slice(body);
            }
            Body::Pieces(pieces) => {
                bytes.push(PIECES);
                bytes.extend_from_slice(&pieces.generation.to_be_bytes());
                bytes.extend_from_slice(&pieces.count.to_be_bytes());
                bytes.extend_from_slice(&pieces.piece_bytes.to_be_bytes());
            }
        }
        bytes
    }

    /// # Errors
    /// `Corrupt` if the bytes are no head.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::parse(bytes).ok_or_else(|| Error::new(ErrorKind::Corrupt, "the head of an object is damaged"))
    }

    fn parse(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let (version, size, modified) = (take_u64(rest)?, take_u64(rest)?, take_u64(rest)?);
        let token_bytes = take::<1>(rest)?[0] as usize;
        let (token, after) = rest.split_at_checked(token_bytes)?;
        *rest = after;
        let token = match token {
            [] => None,
            token => Some(WriteToken::new(std::str::from_utf8(token).ok()?).ok()?),
        };
        let body = match take::<1>(rest)?[0] {
            INLINE => Body::Inline(Bytes::copy_from_slice(rest)),
            PIECES => Body::Pieces(Pieces {
                generation: take_u64(rest)?,
                count: u32::from_be_bytes(take(rest)?),
                piece_bytes: u32::from_be_bytes(take(rest)?),
            }),
            _ => return None,
        };
        let whole = match &body {
            Body::Inline(body) => body.len() as u64 == size,
            Body::Pieces(pieces) => rest.is_empty() && pieces.hold(size),
        };
        whole.then_some(Self { version, size, modified, token, body })
    }
}

impl Pieces {
    /// True if so many bytes make so many pieces.
    fn hold(&self, size: u64) -> bool {
        self.piece_bytes > 0 && size.div_ceil(u64::from(self.piece_bytes)) == u64::from(self.count)
    }
}

/// True if the condition holds of what the key holds.
pub(super) fn holds(condition: &Condition, head: Option<&Head>) -> bool {
    match (condition, head) {
        (Condition::None, _) | (Condition::IfAbsent, None) => true,
        (Condition::IfMatch(version), Some(head)) => version.as_str() == head.version.to_string(),
        (Condition::IfAbsent, Some(_)) | (Condition::IfMatch(_), None) => false,
    }
}

/// Microseconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros() as u64)
}

/// # Errors
/// `Corrupt` if the bytes are no number of this length.
pub(super) fn number<const BYTES: usize>(bytes: &[u8]) -> Result<[u8; BYTES]> {
    bytes
        .try_into()
        .map_err(|_| Error::new(ErrorKind::Corrupt, "a stored number is damaged").with("bytes", bytes.len()))
}

fn take<const BYTES: usize>(rest: &mut &[u8]) -> Option<[u8; BYTES]> {
    let (bytes, after) = rest.split_first_chunk::<BYTES>()?;
    *rest = after;
    Some(*bytes)
}

fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(u64::from_be_bytes)
}
