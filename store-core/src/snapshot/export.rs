//! Export: a state as one archive.

use std::io::Write;

use bytes::Bytes;

use super::archive::{ArchiveLimits, ArchiveList, ArchiveSummary, ArchiveWriter, MemberKind};
use super::needs::Needs;
use super::{Snapshots, Which, content_hash};
use crate::blocks::Hash;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::manifest::encode;
use crate::ops::ReadOptions;

/// A state that was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The number of its manifest.
    pub number: u64,
    /// The hash of what it means.
    pub content: Hash,
    /// The archive.
    pub archive: ArchiveSummary,
}

impl Snapshots {
    /// Writes a state to a sink as an [`archive`](super::archive), and gives the sink back. Every file and block is checked
    /// against its hash on the way. Files go by in chunks; of blocks, one is in memory.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such state or an object of it is missing,
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if one is damaged, [`Invalid`](crate::ErrorKind::Invalid) over a limit;
    /// those of the backend and of the sink. What the sink holds then is no archive.
    pub fn export<Sink: Write>(&self, which: &Which, sink: Sink, limits: &ArchiveLimits) -> Result<(Sink, Exported)> {
        let stored = self.manifest(which)?;
        let (manifest, _) = encode(&stored.manifest)?;
        let (needs, content) = (Needs::of(&stored)?, content_hash(&stored));
        let list = ArchiveList::new(content, &manifest, needs.members(), limits)?;
        let mut writer = ArchiveWriter::new(sink, &manifest, list, limits)?;
        while let Some(member) = writer.next_member().cloned() {
            match member.kind()? {
                MemberKind::File(key) => {
                    let key = Key::new(key)?;
                    let reply = self.manifests().backend().read(&key, &ReadOptions::default());
                    let body = reply.map_err(|error| about(error, &key))?.body;
                    writer.write_member(body.into_iter().map(|chunk| chunk.map_err(|error| about(error, &key))))?;
                }
                MemberKind::Block => writer.write_member([self.block(&needs, &member.blake3)])?,
            }
        }
        let (sink, archive) = writer.finish()?;
        Ok((sink, Exported { number: stored.number, content, archive }))
    }

    /// A block, from whichever of its copies is right.
    pub(super) fn block(&self, needs: &Needs, hash: &Hash) -> Result<Bytes> {
        let blocks = self.manifests().blocks()?;
        let mut first = None;
        for copy in needs.copies(hash) {
            match blocks.block(copy) {
                Ok(bytes) => return Ok(bytes),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        Err(first.unwrap_or_else(|| Error::unexpected("a block has no copy").with("hash", hash)))
    }
}

/// Names the object, if the backend does not.
fn about(error: Error, key: &Key) -> Error {
    let is_named = error.context().any(|(name, _)| name == "key");
    match is_named {
        true => error,
        false => error.with("key", key),
    }
}
