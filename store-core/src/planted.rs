//! Bugs that a test can switch on, to see that the tests would find them.
//!
//! Without feature `sim` the set is always empty and takes no room: the code that asks is as if it did not.

/// A bug that can be planted. Its name says what the code then does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Bug {
    /// A new segment of a log is used before its folder is synced.
    SkipFolderSync,
    /// A segment of a log is sealed, or used, without a sync of its file.
    SkipSegmentSync,
    /// A record is acknowledged before its bytes are synced.
    AckBeforeSync,
    /// A log is trimmed one segment too far.
    TrimTooFar,
    /// A log is written on behind a torn tail.
    AppendAfterTornTail,
    /// Replay skips a bad record and goes on behind it.
    SkipBadRecord,
    /// A sync that has failed is tried again, and its success believed.
    RetrySync,
    /// Nobody looks for a newer epoch before a write is acknowledged.
    SkipFenceCheck,
    /// A record is not checked against its checksum.
    SkipChecksum,
    /// The error of the last sync before a file is published is dropped.
    UncheckedFinalSync,
    /// A file is published under its name before its bytes are synced.
    PublishBeforeSync,
    /// The name of a published object is not synced.
    SkipParentSync,
    /// An object that exists is taken for that of another, without looking whether it is one's own.
    ExistsIsForeign,
    /// An unclear outcome is taken for a failure.
    UnknownIsFailed,
    /// A manifest is published before the blocks that it names.
    ManifestBeforeBlocks,
    /// A collection ignores pins.
    CollectIgnoresPins,
    /// A collection deletes what marks an epoch.
    CollectDeletesFence,
    /// A collection deletes blocks before it has said that it will.
    CollectBeforeCondemned,
    /// A publish does not look whether its blocks were condemned.
    IgnoreCondemned,
    /// A block is not verified when it is read.
    SkipBlockCheck,
    /// The checksum of a record is not bound to its log and its place.
    CrcWithoutPosition,
    /// A write that took fewer bytes than it was given is taken for a whole one.
    ShortWriteIgnored,
    /// Zeros behind the last record are taken for records.
    TrustZeroTail,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::SkipFolderSync,
        Self::SkipSegmentSync,
        Self::AckBeforeSync,
        Self::TrimTooFar,
        Self::AppendAfterTornTail,
        Self::SkipBadRecord,
        Self::RetrySync,
        Self::SkipFenceCheck,
        Self::SkipChecksum,
        Self::UncheckedFinalSync,
        Self::PublishBeforeSync,
        Self::SkipParentSync,
        Self::ExistsIsForeign,
        Self::UnknownIsFailed,
        Self::ManifestBeforeBlocks,
        Self::CollectIgnoresPins,
        Self::CollectDeletesFence,
        Self::CollectBeforeCondemned,
        Self::IgnoreCondemned,
        Self::SkipBlockCheck,
        Self::CrcWithoutPosition,
        Self::ShortWriteIgnored,
        Self::TrustZeroTail,
    ];
}

impl std::fmt::Display for Bug {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, formatter)
    }
}

/// The bugs that are planted. Default: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planted {
    #[cfg(feature = "sim")]
    bugs: u64,
}

impl Planted {
    /// No bug.
    pub const NONE: Self = Self {
        #[cfg(feature = "sim")]
        bugs: 0,
    };

    /// Plants a bug.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn with(self, bug: Bug) -> Self {
        Self { bugs: self.bugs | 1 << bug as u8 }
    }

    /// True if the bug is planted.
    #[cfg(feature = "sim")]
    #[inline]
    pub fn has(self, bug: Bug) -> bool {
        self.bugs & (1 << bug as u8) != 0
    }

    /// True if the bug is planted: it cannot be.
    #[cfg(not(feature = "sim"))]
    #[inline(always)]
    pub fn has(self, _bug: Bug) -> bool {
        false
    }
}

#[cfg(feature = "sim")]
impl From<Bug> for Planted {
    fn from(bug: Bug) -> Self {
        Self::NONE.with(bug)
    }
}

#[cfg(test)]
mod tests;
