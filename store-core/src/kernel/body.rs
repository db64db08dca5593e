//! Bodies of reads put together, with a check that nothing is missing.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::error::{Error, ErrorKind, Result};

/// What is set aside at once for a body whose announced length nobody has checked.
const RESERVED_BYTES_MAX: u64 = 16 << 20;

/// Chunks of one body on their way to one buffer. A body of one chunk is not copied.
#[derive(Debug)]
pub struct Collector {
    expected: u64,
    first: Option<Bytes>,
    joined: BytesMut,
    got: u64,
}

impl Collector {
    /// For a body that is announced as these bytes of an object.
    pub fn new(range: &Range<u64>) -> Self {
        let expected = range.end.saturating_sub(range.start);
        Self { expected, first: None, joined: BytesMut::new(), got: 0 }
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    /// `Corrupt` if the body is longer than announced.
    pub fn push(&mut self, chunk: Bytes) -> Result<()> {
        self.got += chunk.len() as u64;
        if self.got > self.expected {
            return Err(self.differs(ErrorKind::Corrupt, "body is longer than announced"));
        }
        match self.first.take() {
            None if self.joined.is_empty() => self.first = Some(chunk),
            first => {
                self.joined
                    .reserve(self.expected.saturating_sub(self.joined.len() as u64).min(RESERVED_BYTES_MAX) as usize);
                self.joined.extend_from_slice(first.as_deref().unwrap_or_default());
                self.joined.extend_from_slice(&chunk);
            }
        }
        Ok(())
    }

    /// The whole body.
    ///
    /// # Errors
    /// `Unavailable` if it ended before its announced length.
    pub fn finish(self) -> Result<Bytes> {
        match self.got == self.expected {
            true => Ok(self.first.unwrap_or_else(|| self.joined.freeze())),
            false => Err(self.differs(ErrorKind::Unavailable, "body ended before its announced length")),
        }
    }

    fn differs(&self, kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, message).with("announced_bytes", self.expected).with("received_bytes", self.got)
    }
}
