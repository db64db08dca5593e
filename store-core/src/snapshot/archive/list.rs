//! The list of an archive's members: `snapshot.json`, the only place that says what the archive holds.

use serde::{Deserialize, Serialize};

use super::limits::{ArchiveLimits, within};
use super::tar::{TRAILER_BYTES, head, padded};
use crate::blocks::Hash;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;

/// The name of the member that holds the manifest, as it is stored.
pub const MANIFEST: &str = "manifest";
/// The name of the member that holds the list.
pub const LIST: &str = "snapshot.json";
/// The folder of the members that are files, each below it under its key.
pub const FILES: &str = "files/";
/// The folder of the members that are blocks, each below it as `{first 2 hex digits}/{64 hex digits}`.
pub const BLOCKS: &str = "blocks/";
/// The version of the format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

/// What an archive holds: the content hash of the snapshot, its manifest, and every file and block with length and hash.
///
/// It prints in one way only, and what is read has to be printed that way: sorted by name in byte order, no white space
/// but a line feed at the end, no field more and none less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveList {
    format: u32,
    content: Hash,
    manifest: Stored,
    members: Vec<ArchiveMember>,
}

/// A file or a block in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ArchiveMember {
    /// Its name: `files/{key}` or `blocks/{first 2 hex digits}/{64 hex digits}`.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its bytes.
    pub blake3: Hash,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    bytes: u64,
    blake3: Hash,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberKind<'name> {
    /// A file, under this key.
    File(&'name str),
    /// A block; its hash is in its name and beside it.
    Block,
}

impl ArchiveMember {
    /// A file under its key.
    pub fn file(key: &Key, bytes: u64, blake3: Hash) -> Self {
        Self { name: format!("{FILES}{key}"), bytes, blake3 }
    }

    /// A block.
    pub fn block(bytes: u64, blake3: Hash) -> Self {
        let hex = blake3.to_string();
        let folder: String = hex.chars().take(2).collect();
        Self { name: format!("{BLOCKS}{folder}/{hex}"), bytes, blake3 }
    }

    /// What it is.
    ///
    /// # Errors
    /// `Corrupt` for a name that no file and no block has.
    pub fn kind(&self) -> Result<MemberKind<'_>> {
        let wrong = |message: &str| Err(corrupt(message).with("name", format!("{:?}", self.name)));
        match self.name.strip_prefix(FILES) {
            Some(key) if Key::new(key).is_ok() => Ok(MemberKind::File(key)),
            Some(_) => wrong("a file's name is no key"),
            None if self.name == Self::block(self.bytes, self.blake3).name => Ok(MemberKind::Block),
            None => wrong("a member's name is neither that of a file nor that of its block"),
        }
    }
}

impl ArchiveList {
    /// The list of an archive with this content hash, this stored manifest and these members, in any order.
    ///
    /// # Errors
    /// `Invalid` over a limit, and for two members of one name; `Corrupt` for a name that no file or block has.
    pub fn new(
        content: Hash,
        manifest: &[u8],
        mut members: Vec<ArchiveMember>,
        limits: &ArchiveLimits,
    ) -> Result<Self> {
        members.sort_by(|one, two| one.name.cmp(&two.name));
        let manifest = Stored { bytes: manifest.len() as u64, blake3: Hash::of(manifest) };
        let list = Self { format: FORMAT, content, manifest, members };
        within(list.print()?.len() as u64, limits.list_bytes_max, "list_bytes_max")?;
        list.check(limits)?;
        Ok(list)
    }

    /// Reads a list. It is not believed further than its form: whether it fits the manifest is for the caller.
    ///
    /// # Errors
    /// `Corrupt` if it is not printed as [`print`](Self::print) prints it; `Unsupported` for another format; `Invalid`
    /// over a limit.
    pub fn parse(bytes: &[u8], limits: &ArchiveLimits) -> Result<Self> {
        within(bytes.len() as u64, limits.list_bytes_max, "list_bytes_max")?;
        let list: Self = match serde_json::from_slice(bytes) {
            Ok(list) => list,
            Err(source) => return Err(no_list(bytes, source)),
        };
        list.check(limits)?;
        match list.print()? == bytes {
            true => Ok(list),
            false => Err(corrupt("the list of members is not printed as it has to be")),
        }
    }

    /// The bytes of the list: compact JSON and a line feed.
    ///
    /// # Errors
    /// `Unexpected`; never for a list that was made here.
    pub fn print(&self) -> Result<Vec<u8>> {
        let printed = serde_json::to_vec(self);
        let mut printed = printed.map_err(|source| Error::unexpected("list cannot be printed").caused_by(source))?;
        printed.push(b'\n');
        Ok(printed)
    }

    /// The content hash of the snapshot.
    pub fn content(&self) -> Hash {
        self.content
    }

    /// Length and hash of the manifest, as it is stored.
    pub fn manifest(&self) -> (u64, Hash) {
        (self.manifest.bytes, self.manifest.blake3)
    }

    /// Files and blocks, sorted by name in byte order: as they follow in the archive.
    pub fn members(&self) -> &[ArchiveMember] {
        &self.members
    }

    /// The length of the archive, to the byte.
    ///
    /// # Errors
    /// `Unexpected` as for [`print`](Self::print).
    pub fn archive_bytes(&self) -> Result<u64> {
        let list = self.print()?.len() as u64;
        let named = [(MANIFEST, self.manifest.bytes), (LIST, list)].into_iter();
        let members = self.members.iter().map(|member| (member.name.as_str(), member.bytes));
        let size = |(name, bytes): (&str, u64)| (head(name, bytes).len() as u64).saturating_add(padded(bytes));
        Ok(named.chain(members).map(size).fold(TRAILER_BYTES as u64, u64::saturating_add))
    }

    fn check(&self, limits: &ArchiveLimits) -> Result<()> {
        if self.format != FORMAT {
            return Err(other_format(self.format));
        }
        within(self.manifest.bytes, limits.manifest_bytes_max, "manifest_bytes_max")?;
        within(self.members.len() as u64, limits.members_max, "members_max")?;
        let mut total = 0_u64;
        for member in &self.members {
            let named = |error: Error| error.with("name", format!("{:?}", member.name));
            within(member.name.len() as u64, limits.name_bytes_max, "name_bytes_max")?;
            within(member.bytes, limits.member_bytes_max, "member_bytes_max").map_err(named)?;
            total = total.saturating_add(member.bytes);
            within(total, limits.total_bytes_max, "total_bytes_max")?;
            member.kind()?;
        }
        match self.members.windows(2).find(|pair| matches!(pair, [one, two] if one.name >= two.name)) {
            Some([_, two]) => Err(corrupt("members are not sorted, or one is listed twice").with("name", &two.name)),
            _ => Ok(()),
        }
    }
}

/// Why bytes are no list: another version may have other fields.
fn no_list(bytes: &[u8], source: serde_json::Error) -> Error {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    match serde_json::from_slice::<Version>(bytes) {
        Ok(Version { format }) if format != FORMAT => other_format(format),
        _ => corrupt("the list of members cannot be read").caused_by(source),
    }
}

fn other_format(format: u32) -> Error {
    Error::unsupported("the archive has another format").with("format", format).with("known", FORMAT)
}

pub(super) fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests;
