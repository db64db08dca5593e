//! Reading an archive, member by member, and believing nothing before it is checked.

use std::io::{ErrorKind as IoKind, Read};

use bytes::{Bytes, BytesMut};

use super::limits::{ArchiveLimits, within};
use super::list::{ArchiveList, ArchiveMember, LIST, MANIFEST, corrupt};
use super::tar::{BLOCK_BYTES, TRAILER_BYTES, difference, head, length_in, padded};
use super::{ArchiveSummary, io_failed};
use crate::blocks::{Hash, Hasher};
use crate::error::{Error, ErrorKind, Result};

/// The most that is read at once.
const CHUNK_BYTES: u64 = 256 << 10;

/// Reads an archive from a stream, with one chunk (256 KiB), the manifest and the list in memory.
///
/// Only the bytes that [`ArchiveWriter`](super::ArchiveWriter) writes for a list are read: the head of each member
/// follows from its listed name and length, and is compared as a whole.
#[derive(Debug)]
pub struct ArchiveReader<Source> {
    input: Input<Source>,
    manifest: Bytes,
    list: ArchiveList,
    next: usize,
    failed: bool,
}

impl<Source: Read> ArchiveReader<Source> {
    /// Reads manifest and list. That the list tells what the manifest needs is for the caller to see to.
    ///
    /// # Errors
    /// `Corrupt` if this is no archive, or a damaged one; `Invalid` over a limit; `Unsupported` for another format;
    /// those of the source.
    pub fn new(source: Source, limits: &ArchiveLimits) -> Result<Self> {
        let mut input = Input { source, hasher: Hasher::new(), offset: 0 };
        let manifest = input.small(MANIFEST, limits.manifest_bytes_max, "manifest_bytes_max")?;
        let printed = input.small(LIST, limits.list_bytes_max, "list_bytes_max")?;
        let list = ArchiveList::parse(&printed, limits)?;
        match list.manifest() == (manifest.len() as u64, Hash::of(&manifest)) {
            true => Ok(Self { input, manifest, list, next: 0, failed: false }),
            false => Err(corrupt("the manifest has not the hash that is listed")),
        }
    }

    /// The manifest, as it is stored.
    pub fn manifest(&self) -> &Bytes {
        &self.manifest
    }

    /// The list of members.
    pub fn list(&self) -> &ArchiveList {
        &self.list
    }

    /// The member that is read next; none after the last.
    pub fn next_member(&self) -> Option<&ArchiveMember> {
        self.list.members().get(self.next)
    }

    /// Reads the next member and hands its chunks over. They are checked only when this returns: until then, `take`
    /// keeps them where nobody reads them.
    ///
    /// # Errors
    /// `Corrupt`, naming the member and where in the archive; those of the source and of `take`. Every later call is
    /// `Poisoned` then. `Invalid` if all members are read.
    pub fn read_member(&mut self, take: &mut dyn FnMut(Bytes) -> Result<()>) -> Result<ArchiveMember> {
        refuse_failed(self.failed)?;
        let member = self.next_member().cloned();
        let member = member.ok_or_else(|| Error::invalid("every member is read already"))?;
        self.failed = true;
        self.input.expect_head(&member)?;
        let (mut hasher, mut left) = (Hasher::new(), member.bytes);
        while left > 0 {
            let chunk = self.input.exactly(left.min(CHUNK_BYTES))?;
            left -= chunk.len() as u64;
            hasher.update(&chunk);
            take(chunk)?;
        }
        self.input.expect_padding(member.bytes)?;
        if hasher.hash() != member.blake3 {
            let error = corrupt("a member has not the hash that is listed");
            return Err(error.with("name", &member.name).with("blake3", member.blake3));
        }
        self.next += 1;
        self.failed = false;
        Ok(member)
    }

    /// Reads the end: two blocks of zeros and nothing more.
    ///
    /// # Errors
    /// `Corrupt` for anything else, `Invalid` if members are left, `Poisoned` after an error, those of the source.
    pub fn finish(mut self) -> Result<ArchiveSummary> {
        refuse_failed(self.failed)?;
        if let Some(member) = self.next_member() {
            return Err(Error::invalid("a member is not read").with("name", &member.name));
        }
        let trailer = self.input.exactly(TRAILER_BYTES as u64)?;
        if trailer.iter().any(|byte| *byte != 0) {
            return Err(corrupt("something stands where the archive should end").with("offset", self.input.offset));
        }
        self.input.expect_end()?;
        let (members, bytes) = (self.list.members().len() as u64, self.input.offset);
        Ok(ArchiveSummary { members, bytes, blake3: self.input.hasher.hash() })
    }
}

fn refuse_failed(failed: bool) -> Result<()> {
    match failed {
        true => Err(Error::new(ErrorKind::Poisoned, "an earlier failure ended the reading of the archive")),
        false => Ok(()),
    }
}

/// Bytes that are counted and hashed as they come.
#[derive(Debug)]
struct Input<Source> {
    source: Source,
    hasher: Hasher,
    offset: u64,
}

impl<Source: Read> Input<Source> {
    /// One of the two members that are not listed: its length is in its head only.
    fn small(&mut self, name: &'static str, bytes_max: u64, limit: &'static str) -> Result<Bytes> {
        let offset = self.offset;
        let block = self.exactly(BLOCK_BYTES as u64)?;
        let block = <&[u8; BLOCK_BYTES]>::try_from(&*block).map_err(|_| Error::unexpected("a block is too short"))?;
        let bytes = length_in(block, name).map_err(|error| error.with("offset", offset))?;
        within(bytes, bytes_max, limit)?;
        // The source may end long before the length that is declared: memory is taken as bytes come.
        let mut content = BytesMut::new();
        while (content.len() as u64) < bytes {
            let left = bytes - content.len() as u64;
            content.extend_from_slice(&self.exactly(left.min(CHUNK_BYTES))?);
        }
        self.expect_padding(bytes)?;
        Ok(content.freeze())
    }

    fn expect_head(&mut self, member: &ArchiveMember) -> Result<()> {
        let (expected, offset) = (head(&member.name, member.bytes), self.offset);
        // Its first block tells already what else it is: a shorter head may be the last thing in the archive.
        let first = self.exactly(BLOCK_BYTES as u64)?;
        let is_first = expected.get(..BLOCK_BYTES).is_some_and(|block| block == first);
        if !is_first {
            return Err(difference(&first, &member.name).with("offset", offset));
        }
        let rest = self.exactly(expected.len().saturating_sub(BLOCK_BYTES) as u64)?;
        match expected.get(BLOCK_BYTES..).is_some_and(|blocks| blocks == rest) {
            true => Ok(()),
            false => Err(difference(&[], &member.name).with("offset", offset)),
        }
    }

    fn expect_padding(&mut self, bytes: u64) -> Result<()> {
        let offset = self.offset;
        let padding = self.exactly(padded(bytes).saturating_sub(bytes))?;
        match padding.iter().all(|byte| *byte == 0) {
            true => Ok(()),
            false => Err(corrupt("a member is not filled up with zeros").with("offset", offset)),
        }
    }

    fn expect_end(&mut self) -> Result<()> {
        let mut one = [0; 1];
        match self.read(&mut one)? {
            0 => Ok(()),
            _ => Err(corrupt("something follows the end of the archive").with("offset", self.offset)),
        }
    }

    /// So many bytes, at most a chunk or a head.
    fn exactly(&mut self, bytes: u64) -> Result<Bytes> {
        let mut buffer = BytesMut::zeroed(bytes as usize);
        let mut filled = 0;
        while filled < buffer.len() {
            let Some(rest) = buffer.get_mut(filled..) else { break };
            match self.read(rest)? {
                0 => return Err(corrupt("the archive ends early").with("offset", self.offset + filled as u64)),
                read => filled += read,
            }
        }
        self.hasher.update(&buffer);
        self.offset = self.offset.saturating_add(bytes);
        Ok(buffer.freeze())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.source.read(buffer) {
                Err(source) if source.kind() == IoKind::Interrupted => continue,
                read => return read.map_err(|source| io_failed("read archive", source)),
            }
        }
    }
}
