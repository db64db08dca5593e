//! Writing an archive, member by member.

use std::io::Write;

use bytes::Bytes;

use super::limits::{ArchiveLimits, within};
use super::list::{ArchiveList, ArchiveMember, LIST, MANIFEST, corrupt};
use super::tar::{BLOCK_BYTES, TRAILER_BYTES, head, padded};
use super::{ArchiveSummary, io_failed};
use crate::blocks::{Hash, Hasher};
use crate::error::{Error, ErrorKind, Result};

/// Writes an archive: the manifest and the list at once, then each member as listed, then the end.
///
/// What is written for the same list is the same to the byte. An archive without its end is none: after an error, throw
/// away what was written.
#[derive(Debug)]
pub struct ArchiveWriter<Sink> {
    sink: Sink,
    list: ArchiveList,
    next: usize,
    hasher: Hasher,
    bytes: u64,
    failed: bool,
}

impl<Sink: Write> ArchiveWriter<Sink> {
    /// Begins an archive.
    ///
    /// # Errors
    /// `Invalid` if the manifest is not that of the list, or over a limit; those of the sink.
    pub fn new(sink: Sink, manifest: &[u8], list: ArchiveList, limits: &ArchiveLimits) -> Result<Self> {
        within(manifest.len() as u64, limits.manifest_bytes_max, "manifest_bytes_max")?;
        if list.manifest() != (manifest.len() as u64, Hash::of(manifest)) {
            return Err(Error::invalid("the list is that of another manifest"));
        }
        let printed = list.print()?;
        let mut writer = Self { sink, list, next: 0, hasher: Hasher::new(), bytes: 0, failed: false };
        writer.small(MANIFEST, manifest)?;
        writer.small(LIST, &printed)?;
        Ok(writer)
    }

    /// The member that has to be written next; none after the last.
    pub fn next_member(&self) -> Option<&ArchiveMember> {
        self.list.members().get(self.next)
    }

    /// Writes the next member from its chunks.
    ///
    /// # Errors
    /// `Corrupt` if they are not of the listed length and hash, those of the chunks and of the sink; the archive is
    /// spoilt then, and every later call is `Poisoned`. `Invalid` if all members are written.
    pub fn write_member(&mut self, chunks: impl IntoIterator<Item = Result<Bytes>>) -> Result<()> {
        self.refuse_failed()?;
        let member = self.next_member().cloned();
        let member = member.ok_or_else(|| Error::invalid("every listed member is written already"))?;
        self.failed = true;
        self.put(&head(&member.name, member.bytes))?;
        let (mut hasher, mut left) = (Hasher::new(), member.bytes);
        for chunk in chunks {
            let chunk = chunk?;
            left = left.checked_sub(chunk.len() as u64).ok_or_else(|| wrong(&member, "a member is too long"))?;
            hasher.update(&chunk);
            self.put(&chunk)?;
        }
        if left > 0 {
            return Err(wrong(&member, "a member is too short").with("missing_bytes", left));
        }
        if hasher.hash() != member.blake3 {
            return Err(wrong(&member, "a member has not the hash that is listed"));
        }
        self.pad(member.bytes)?;
        self.next += 1;
        self.failed = false;
        Ok(())
    }

    /// Ends the archive and gives the sink back.
    ///
    /// # Errors
    /// `Invalid` if members are missing, `Poisoned` after an error, those of the sink.
    pub fn finish(mut self) -> Result<(Sink, ArchiveSummary)> {
        self.refuse_failed()?;
        if let Some(member) = self.next_member() {
            return Err(Error::invalid("a listed member is not written").with("name", &member.name));
        }
        self.put(&[0; TRAILER_BYTES])?;
        self.sink.flush().map_err(|source| io_failed("write archive", source))?;
        let (members, bytes, blake3) = (self.list.members().len() as u64, self.bytes, self.hasher.hash());
        Ok((self.sink, ArchiveSummary { members, bytes, blake3 }))
    }

    fn small(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.put(&head(name, content.len() as u64))?;
        self.put(content)?;
        self.pad(content.len() as u64)
    }

    fn pad(&mut self, bytes: u64) -> Result<()> {
        let missing = padded(bytes).saturating_sub(bytes) as usize;
        self.put(&[0; BLOCK_BYTES][..missing.min(BLOCK_BYTES)])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.sink.write_all(bytes).map_err(|source| io_failed("write archive", source))
    }

    fn refuse_failed(&self) -> Result<()> {
        match self.failed {
            true => Err(Error::new(ErrorKind::Poisoned, "an earlier failure spoilt the archive")),
            false => Ok(()),
        }
    }
}

fn wrong(member: &ArchiveMember, message: &str) -> Error {
    corrupt(message).with("name", &member.name).with("bytes", member.bytes).with("blake3", member.blake3)
}
