//! Counting and summing up what goes through.

use bytes::Bytes;

use super::crc::Crc32c;
use super::options::{Progress, Watcher};
use crate::error::{Error, ErrorKind, Result};

/// Counts the bytes of a body against its announced length, sums them up, and tells who watches.
#[derive(Debug)]
pub struct Meter {
    done: u64,
    total: u64,
    checksum: Crc32c,
    watcher: Option<Watcher>,
}

impl Meter {
    /// For a body of `total` bytes.
    pub fn new(total: u64, watcher: Option<&Watcher>) -> Self {
        Self::resumed(0, Crc32c::new(), total, watcher)
    }

    /// For a body of which `done` bytes with this checksum are there.
    pub fn resumed(done: u64, checksum: Crc32c, total: u64, watcher: Option<&Watcher>) -> Self {
        Self { done, total, checksum, watcher: watcher.cloned() }
    }

    /// Takes a chunk that was read.
    ///
    /// # Errors
    /// `Corrupt` if there are more bytes than announced.
    pub fn take(&mut self, chunk: &Bytes) -> Result<()> {
        self.done += chunk.len() as u64;
        if self.done > self.total {
            return Err(self.differs(ErrorKind::Corrupt, "body is longer than announced"));
        }
        self.checksum.update(chunk);
        Ok(())
    }

    /// Tells that what was taken is with the target.
    pub fn tell(&self) {
        if let Some(watcher) = &self.watcher {
            watcher.tell(Progress::new(self.done, self.total));
        }
    }

    /// Bytes and checksum of all.
    ///
    /// # Errors
    /// `Unavailable` if bytes are missing.
    pub fn finish(self) -> Result<(u64, Crc32c)> {
        match self.done == self.total {
            true => Ok((self.done, self.checksum)),
            false => Err(self.differs(ErrorKind::Unavailable, "body ended before its announced length")),
        }
    }

    /// Checks the checksum of what was read back.
    ///
    /// # Errors
    /// `Corrupt` if it differs.
    pub fn expect(expected: Crc32c, got: Crc32c) -> Result<()> {
        match expected == got {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Corrupt, "target is not what was written to it")
                .with("written_crc32c", expected)
                .with("read_crc32c", got)),
        }
    }

    fn differs(&self, kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, message).with("announced_bytes", self.total).with("received_bytes", self.done)
    }
}
