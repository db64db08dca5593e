//! Bugs on purpose, for tests that prove that tests find them.

/// A bug that can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "names of bugs")]
pub enum Bug {
    AlreadyExistsTakenAsForeign,
    UnknownTakenAsFailure,
    UnknownTrustedWhenVisible,
    NoCheckAfterWrite,
    NoEpochCheck,
    NoEpochCheckAfterWrite,
    PublishBeforeBlocks,
    DedupWithoutRecheck,
    DedupTrustsNames,
    BlocksNotSynced,
    GcIgnoresPins,
    GcIgnoresOlderManifests,
    GcTakesTheYoung,
    GcWithoutBegin,
    ExpireBeforeFloor,
    ExpireIgnoresPins,
}

/// Bugs that are switched on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Planted {
    #[cfg(feature = "sim")]
    bits: u64,
}

impl Planted {
    /// With this bug, too.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn with(mut self, bug: Bug) -> Self {
        self.bits |= 1 << bug as u64;
        self
    }

    /// True if the bug is switched on.
    pub fn has(self, bug: Bug) -> bool {
        #[cfg(feature = "sim")]
        return self.bits & (1 << bug as u64) != 0;
        #[cfg(not(feature = "sim"))]
        {
            let _ = bug;
            false
        }
    }
}
