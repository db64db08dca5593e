//! Bugs that a test can switch on, to see that the suite for storages would find them.
//!
//! Without feature `conformance` the set is always empty and takes no room: the code that asks is as if it did not.

use std::borrow::Cow;

use crate::allocator::AllocatorState;

/// A bug that can be planted. Its name says what the code then does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Bug {
    /// A batch is applied without a look whether it can be.
    UncheckedBatch,
    /// An update of a component that is not there adds it.
    UpdateIsInsert,
    /// A batch that fails leaves what it did until then.
    CommitDespiteError,
    /// A batch is sent in two parts, of which the second may be refused.
    SplitBatch,
    /// A write does not note its tick.
    WriteUnstamped,
    /// A removed component is not noted for changes.
    RemovalUnnoted,
    /// A destroyed entity is not noted for changes.
    DestroyUnnoted,
    /// The id that was freed first is given out first.
    OldestFreeFirst,
    /// A restore forgets the order of free ids.
    RestoreShufflesFree,
    /// A restore forgets which entities are guests.
    RestoreForgetsGuests,
    /// A restore into a storage of later ticks goes back in its ticks.
    RestoreRewindsTicks,
    /// A value that is to be stored once is stored with each entity.
    SharedIsOwn,
    /// A query ends with its first page.
    OnePage,
    /// Memory follows a batch that is not in the log.
    UnloggedBatch,
    /// Components that were made known are not in the log.
    UnloggedComponents,
    /// A restore is not in the log.
    UnloggedRestore,
    /// A snapshot says that it holds one record more than it does.
    SnapshotAhead,
    /// Opening replays records that the snapshot holds.
    ReplayAll,
    /// The row of an entity that left a table stays active there.
    LeftRowStays,
    /// Ids that became free get no rows.
    FreeUnstored,
    /// Guests get no rows.
    GuestsUnstored,
    /// A query over several shards leaves out the last.
    ShardUnread,
    /// Changes over several shards are those of the first.
    ShardUnchanged,
    /// A destroyed entity stays in the shard's list of those that are there.
    HomeKept,
    /// A restore over several shards leaves entities in the list that were there before.
    HomesKept,
    /// The other shards of a new entity are not noted.
    SpreadUnnoted,
    /// An entity that moves from shard to shard stays where it was as well.
    MoveCopies,
    /// Which ids a router gave out is not noted in the shards.
    IdsUnnoted,
    /// What a router notes in the shards is shown to callers.
    NoteShown,
    /// Parts of a batch for several shards are applied without a look whether all can be.
    UncheckedParts,
    /// A batch for several shards is applied where it cannot be all or nothing.
    UncheckedShards,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 31] = [
        Self::UncheckedBatch,
        Self::UpdateIsInsert,
        Self::CommitDespiteError,
        Self::SplitBatch,
        Self::WriteUnstamped,
        Self::RemovalUnnoted,
        Self::DestroyUnnoted,
        Self::OldestFreeFirst,
        Self::RestoreShufflesFree,
        Self::RestoreForgetsGuests,
        Self::RestoreRewindsTicks,
        Self::SharedIsOwn,
        Self::OnePage,
        Self::UnloggedBatch,
        Self::UnloggedComponents,
        Self::UnloggedRestore,
        Self::SnapshotAhead,
        Self::ReplayAll,
        Self::LeftRowStays,
        Self::FreeUnstored,
        Self::GuestsUnstored,
        Self::ShardUnread,
        Self::ShardUnchanged,
        Self::HomeKept,
        Self::HomesKept,
        Self::SpreadUnnoted,
        Self::MoveCopies,
        Self::IdsUnnoted,
        Self::NoteShown,
        Self::UncheckedParts,
        Self::UncheckedShards,
    ];
}

/// The bug that is planted. Default: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planted {
    #[cfg(feature = "conformance")]
    bug: Option<Bug>,
}

impl Planted {
    /// What a restore takes over of an allocator.
    pub(crate) fn restored(self, state: &AllocatorState) -> Cow<'_, AllocatorState> {
        let mut restored = Cow::Borrowed(state);
        if self.has(Bug::RestoreShufflesFree) {
            restored.to_mut().free.reverse();
        }
        if self.has(Bug::RestoreForgetsGuests) {
            restored.to_mut().guests.clear();
        }
        restored
    }

    /// True if the bug is planted.
    #[cfg(feature = "conformance")]
    #[inline]
    pub fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// True if the bug is planted: it cannot be.
    #[cfg(not(feature = "conformance"))]
    #[inline(always)]
    pub fn has(self, _bug: Bug) -> bool {
        false
    }
}

#[cfg(feature = "conformance")]
impl From<Bug> for Planted {
    fn from(bug: Bug) -> Self {
        Self { bug: Some(bug) }
    }
}
