//! The mirror of the upkeep of a world, and of what tells its published states.

use std::collections::BTreeMap;

use worldstore_cache::Waiting;
use worldstore_core::table::{Compaction, TableInfo, TableName};

use super::{World, call};
use crate::Result;
use crate::world::{
    CompactWorldOptions, ExpireWorldOptions, ExpiredWorld, Extent, LogState, PublishedState, VerifiedWorld,
};

impl World {
    /// Rewrites the files of tables into fewer, larger ones, and publishes that. What is buffered is committed first. Rows
    /// and states stay as they are; older states keep the files that they had until they [expire](Self::expire).
    ///
    /// # Errors
    /// Those of [`crate::World::compact`] and of a [`Bridge`](super::Bridge).
    pub fn compact(&self, options: &CompactWorldOptions) -> Result<BTreeMap<TableName, Compaction>> {
        let options = options.clone();
        call(self, |world| async move { world.compact(&options).await })
    }

    /// Expires old states, then what of the tables only they had. What is buffered is committed first. What is read at a
    /// state that is kept, or is pinned, stays. A dry run changes nothing, and a world that is open for reading can do it.
    ///
    /// # Errors
    /// Those of [`crate::World::expire`] and of a [`Bridge`](super::Bridge).
    pub fn expire(&self, options: &ExpireWorldOptions) -> Result<ExpiredWorld> {
        let options = options.clone();
        call(self, |world| async move { world.expire(&options).await })
    }

    /// Reads everything that is kept, and compares: the manifests of the chain with each other, every file with its length
    /// and hash, every table, at the versions that the states name, with the number of rows that they say, the documents of
    /// the runs and of what tables keep, and the records of the log with their checksums. The log has to be the one that the
    /// world has. Nothing is changed or locked; what is buffered is not part of it. Of a run that nothing was forked from
    /// nobody knows whether it was dropped or lost; only the main run is always there.
    ///
    /// # Errors
    /// Those of [`crate::World::verify`] and of a [`Bridge`](super::Bridge).
    pub fn verify(&self, extent: Extent) -> Result<VerifiedWorld> {
        call(self, |world| async move { world.verify(extent).await })
    }

    /// The states that are kept, oldest first: the newest ones, and those that snapshots and leases keep.
    ///
    /// # Errors
    /// Those of [`crate::World::states`] and of a [`Bridge`](super::Bridge).
    pub fn states(&self) -> Result<Vec<PublishedState>> {
        call(self, |world| async move { world.states().await })
    }

    /// A table at a version that a state names, which may be newer than what this world reads.
    ///
    /// # Errors
    /// Those of [`crate::World::table_at`] and of a [`Bridge`](super::Bridge).
    pub fn table_at(&self, table: &TableName, version: u64) -> Result<TableInfo> {
        let table = table.clone();
        call(self, move |world| async move { world.table_at(&table, version).await })
    }

    /// The newest state as it is published now, which may be newer than what this world reads.
    ///
    /// # Errors
    /// As for [`states`](Self::states).
    pub fn newest_published(&self) -> Result<PublishedState> {
        call(self, |world| async move { world.newest_published().await })
    }

    /// What the log holds that is not published: the next writer takes it over. None where the world keeps no log. It
    /// reads the whole log, locks nothing, and may be called while another writes.
    ///
    /// # Errors
    /// Those of [`crate::World::waiting`] and of a [`Bridge`](super::Bridge).
    pub fn waiting(&self) -> Result<Option<Waiting>> {
        call(self, |world| async move { world.waiting().await })
    }

    /// Whether something waits in the log. As [`waiting`](Self::waiting), but it leaves a large log alone, and stops at
    /// the first append that waits.
    ///
    /// # Errors
    /// As for [`waiting`](Self::waiting).
    pub fn log_state(&self) -> Result<LogState> {
        call(self, |world| async move { world.log_state().await })
    }
}
