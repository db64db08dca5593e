//! A run: one line of history of a world, written tick by tick.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use worldstore_core::table::{Receipt, TableName};
use worldstore_core::{Error, Result};

use super::commit::{Meaning, Staged};
use super::lineage::{Fork, Lineage};
use super::view::View;
use super::{World, check_name};

/// A run of a world. Clones share it.
#[derive(Debug, Clone)]
pub struct Run {
    world: World,
    name: String,
    lineage: Lineage,
}

impl Run {
    pub(super) fn new(world: World, name: String, lineage: Lineage) -> Self {
        Self { world, name, lineage }
    }

    /// Its name, as its rows carry it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The world that it is part of.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Appends rows of one tick to a table, which is created by its first rows. [`tick`](Self::tick) appends to several
    /// tables in one step.
    ///
    /// `rows` has a column `entity` (u64, no nulls) and a column per component; a column `active` (bool, no nulls) says
    /// which entities ended, all are active without it. The columns `world`, `run`, `tick` and `seq` are added here.
    ///
    /// # Errors
    /// `Invalid` if the columns are not as said or not those of the table, if there is a log and the rows have more than
    /// 256 MiB, if the tick belongs to the run that this one
    /// was forked from, or if it is before the newest of a table that keeps [changes](super::History::Changes);
    /// `NotFound` if the run was dropped; `Unavailable` if the cache is full and cannot be flushed; `Poisoned` after a
    /// shutdown.
    pub async fn append(&self, tick: i64, table: &str, rows: &RecordBatch) -> Result<Receipt> {
        let staged = BTreeMap::from([(TableName::new(table)?, vec![Staged::Rows(rows.clone())])]);
        let receipt = self.commit(tick, &staged, Meaning::State).await?.pop();
        receipt.ok_or_else(|| Error::unexpected("an append of one table has no receipt"))
    }

    pub(super) fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// Checks that the run was not dropped since it was opened.
    ///
    /// # Errors
    /// `NotFound`.
    pub(super) fn expect_there(&self) -> Result<()> {
        self.world.inner.runs.expect_there(&self.name, self.lineage.drops)
    }

    /// The first tick that the run itself may write: the one after the fork, or the smallest of all.
    pub fn first_tick(&self) -> i64 {
        self.lineage.first_tick
    }

    /// The state as of a tick: all rows of this tick and those before it.
    pub fn as_of(&self, tick: i64) -> View {
        View::new(self.clone(), tick, self.lineage.until(tick))
    }

    /// The state with everything appended so far.
    pub fn now(&self) -> View {
        self.as_of(i64::MAX)
    }

    /// Starts a run that shares this one's history up to and including a tick, without copying it. What is buffered is
    /// committed first; rows that come later, here, are not part of the fork, whatever their tick.
    ///
    /// # Errors
    /// `AlreadyExists` if there is a run of that name; `Invalid` for the name and for `i64::MAX`; `NotFound` if this run
    /// was dropped; `Fenced` if another has taken the world over; those of the flush.
    pub async fn fork(&self, name: &str, tick: i64) -> Result<Run> {
        check_name("run", name)?;
        if tick == i64::MAX {
            return Err(Error::invalid("a fork at the last tick of all could never write one").with("tick", tick));
        }
        // Taken before the flush: what comes meanwhile has a greater one, and no number is reused after a crash. Numbers
        // beyond what can be read may be given back.
        let seq = self.world.cache()?.stats().visible_seq;
        self.world.flush().await?;
        let (run, fork) = (self.clone(), Fork { run: self.name.clone(), tick, seq });
        let (world, new) = (self.world.clone(), name.to_owned());
        // In a task of its own: a caller that goes away does not leave a write behind that a drop of this run overtakes.
        let created = tokio::spawn(async move { run.create_fork(&new, fork).await });
        created.await.map_err(|source| Error::unexpected("the fork was stopped").caused_by(source))??;
        world.run(name).await
    }

    async fn create_fork(&self, name: &str, fork: Fork) -> Result<()> {
        let runs = &self.world.inner.runs;
        let _held = runs.hold(&self.name, self.lineage.drops).await?;
        // The new owner may have dropped this run.
        self.world.expect_unfenced().await?;
        runs.create(name, Some(fork)).await
    }
}
