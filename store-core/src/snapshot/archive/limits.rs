//! How much of an archive is read at most.

use crate::error::{Error, ErrorKind, Result};
use crate::key::KEY_BYTES_MAX;

/// Bounds of an archive, checked from lengths that are declared before anything is allocated or written for them.
///
/// An archive comes from elsewhere: what it declares is believed only within these bounds. An export keeps to them too,
/// so that nothing is written that could not be read back.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ArchiveLimits {
    /// Members besides `manifest` and `snapshot.json`; 1,000,000 by default.
    pub members_max: u64,
    /// Bytes of a member's name; by default those of the longest key and the folder before it, 1,030.
    pub name_bytes_max: u64,
    /// Bytes of one member; 1 TiB by default.
    pub member_bytes_max: u64,
    /// Bytes of all members together; 16 TiB by default.
    pub total_bytes_max: u64,
    /// Bytes of `manifest`, which is held in memory; 64 MiB by default.
    pub manifest_bytes_max: u64,
    /// Bytes of `snapshot.json`, which is held in memory; 128 MiB by default.
    pub list_bytes_max: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            members_max: 1_000_000,
            name_bytes_max: KEY_BYTES_MAX as u64 + 6,
            member_bytes_max: 1 << 40,
            total_bytes_max: 1 << 44,
            manifest_bytes_max: 64 << 20,
            list_bytes_max: 128 << 20,
        }
    }
}

impl ArchiveLimits {
    /// At most so many members.
    #[must_use]
    pub fn with_members_max(mut self, members: u64) -> Self {
        self.members_max = members;
        self
    }

    /// Names of at most so many bytes.
    #[must_use]
    pub fn with_name_bytes_max(mut self, bytes: u64) -> Self {
        self.name_bytes_max = bytes;
        self
    }

    /// Members of at most so many bytes each.
    #[must_use]
    pub fn with_member_bytes_max(mut self, bytes: u64) -> Self {
        self.member_bytes_max = bytes;
        self
    }

    /// At most so many bytes in all members together.
    #[must_use]
    pub fn with_total_bytes_max(mut self, bytes: u64) -> Self {
        self.total_bytes_max = bytes;
        self
    }

    /// A manifest of at most so many bytes.
    #[must_use]
    pub fn with_manifest_bytes_max(mut self, bytes: u64) -> Self {
        self.manifest_bytes_max = bytes;
        self
    }

    /// A list of members of at most so many bytes.
    #[must_use]
    pub fn with_list_bytes_max(mut self, bytes: u64) -> Self {
        self.list_bytes_max = bytes;
        self
    }
}

/// Refuses a number over its bound.
pub(super) fn within(number: u64, max: u64, what: &'static str) -> Result<()> {
    match number <= max {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Invalid, "the archive is over a limit")
            .with("limit", what)
            .with("found", number)
            .with("max", max)),
    }
}
