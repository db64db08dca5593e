//! Single things that a backend can do: names for the flags of [`Capability`].

use crate::capability::Capability;

/// One flag of [`Capability`], to ask for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ability {
    /// [`Capability::write`].
    Write,
    /// [`Capability::write_if_absent`].
    WriteIfAbsent,
    /// [`Capability::write_if_match`].
    WriteIfMatch,
    /// [`Capability::copy`].
    Copy,
    /// [`Capability::copy_if_absent`].
    CopyIfAbsent,
    /// [`Capability::copy_if_match`].
    CopyIfMatch,
    /// [`Capability::rename`].
    Rename,
    /// [`Capability::rename_if_absent`].
    RenameIfAbsent,
    /// [`Capability::rename_if_match`].
    RenameIfMatch,
    /// [`Capability::delete_if_match`].
    DeleteIfMatch,
    /// [`Capability::write_tokens`].
    WriteTokens,
    /// [`Capability::list_sorted`].
    ListSorted,
    /// [`Capability::versions`].
    Versions,
    /// [`Capability::durable`].
    Durable,
}

impl Ability {
    /// All of them, the fundamental ones first.
    pub const ALL: [Self; 14] = [
        Self::Write,
        Self::Versions,
        Self::WriteIfAbsent,
        Self::WriteIfMatch,
        Self::Copy,
        Self::CopyIfAbsent,
        Self::CopyIfMatch,
        Self::Rename,
        Self::RenameIfAbsent,
        Self::RenameIfMatch,
        Self::DeleteIfMatch,
        Self::WriteTokens,
        Self::ListSorted,
        Self::Durable,
    ];

    /// The flag of [`Capability`].
    pub fn flag(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::WriteIfAbsent => "write_if_absent",
            Self::WriteIfMatch => "write_if_match",
            Self::Copy => "copy",
            Self::CopyIfAbsent => "copy_if_absent",
            Self::CopyIfMatch => "copy_if_match",
            Self::Rename => "rename",
            Self::RenameIfAbsent => "rename_if_absent",
            Self::RenameIfMatch => "rename_if_match",
            Self::DeleteIfMatch => "delete_if_match",
            Self::WriteTokens => "write_tokens",
            Self::ListSorted => "list_sorted",
            Self::Versions => "versions",
            Self::Durable => "durable",
        }
    }

    /// What it is, as messages show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Write => "writing",
            Self::WriteIfAbsent => "writing if absent",
            Self::WriteIfMatch => "writing if unchanged",
            Self::Copy => "copying",
            Self::CopyIfAbsent => "copying if absent",
            Self::CopyIfMatch => "copying if unchanged",
            Self::Rename => "renaming",
            Self::RenameIfAbsent => "renaming if absent",
            Self::RenameIfMatch => "renaming if unchanged",
            Self::DeleteIfMatch => "deleting if unchanged",
            Self::WriteTokens => "write tokens",
            Self::ListSorted => "sorted listings",
            Self::Versions => "reading a version",
            Self::Durable => "surviving a power cut",
        }
    }
}

impl Capability {
    /// True if the flag of this name is on.
    pub fn has(&self, ability: Ability) -> bool {
        match ability {
            Ability::Write => self.write,
            Ability::WriteIfAbsent => self.write_if_absent,
            Ability::WriteIfMatch => self.write_if_match,
            Ability::Copy => self.copy,
            Ability::CopyIfAbsent => self.copy_if_absent,
            Ability::CopyIfMatch => self.copy_if_match,
            Ability::Rename => self.rename,
            Ability::RenameIfAbsent => self.rename_if_absent,
            Ability::RenameIfMatch => self.rename_if_match,
            Ability::DeleteIfMatch => self.delete_if_match,
            Ability::WriteTokens => self.write_tokens,
            Ability::ListSorted => self.list_sorted,
            Ability::Versions => self.versions,
            Ability::Durable => self.durable,
        }
    }
}
