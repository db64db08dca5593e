//! The mirror of a run.

use std::ops::RangeInclusive;

use arrow::record_batch::RecordBatch;
use worldstore_core::table::Receipt;

use super::{Bridge, Mirror, Tick, TickWriter, View, World, call};
use crate::Result;
use crate::world::{Merge, MergeConflict, ReplayOptions, Resolution};

/// A run of a world. Clones share it. See [`crate::Run`].
#[derive(Debug, Clone)]
pub struct Run {
    run: crate::Run,
    world: World,
}

/// Ticks in ascending order, those that have rows. After an error it ends.
pub type Ticks = Box<dyn Iterator<Item = Result<Tick>> + Send>;

impl Mirror for Run {
    type Async = crate::Run;

    fn over(other: crate::Run, bridge: &Bridge) -> Self {
        let world = World::over(other.world().clone(), bridge);
        Self { run: other, world }
    }

    fn asynchronous(&self) -> &crate::Run {
        &self.run
    }

    fn bridge(&self) -> &Bridge {
        self.world.bridge()
    }
}

impl Run {
    /// Its name, as its rows carry it.
    pub fn name(&self) -> &str {
        self.run.name()
    }

    /// The world that it is part of.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Appends rows of one tick to a table, which is created by its first rows. [`tick`](Self::tick) appends to several
    /// tables in one step.
    ///
    /// # Errors
    /// Those of [`crate::Run::append`] and of a [`Bridge`].
    pub fn append(&self, tick: i64, table: &str, rows: &RecordBatch) -> Result<Receipt> {
        let (table, rows) = (table.to_owned(), rows.clone());
        call(self, |run| async move { run.append(tick, &table, &rows).await })
    }

    /// Checks rows as an append of this tick would, and changes nothing: for whoever appends much and wants to know before
    /// the first of it. [`append`](Self::append) says what they are like.
    ///
    /// # Errors
    /// Those of [`crate::Run::check`] and of a [`Bridge`].
    pub fn check(&self, tick: i64, table: &str, rows: &RecordBatch) -> Result<()> {
        let (table, rows) = (table.to_owned(), rows.clone());
        call(self, |run| async move { run.check(tick, &table, &rows).await })
    }

    /// Starts to write a tick.
    pub fn tick(&self, tick: i64) -> TickWriter {
        TickWriter::over(self.run.tick(tick), self.bridge())
    }

    /// The first tick that the run itself may write: the one after the fork, or the smallest of all.
    pub fn first_tick(&self) -> i64 {
        self.run.first_tick()
    }

    /// The state as of a tick: all rows of this tick and those before it.
    pub fn as_of(&self, tick: i64) -> View {
        View::new(self.run.as_of(tick), self.clone())
    }

    /// The state with everything appended so far.
    pub fn now(&self) -> View {
        View::new(self.run.now(), self.clone())
    }

    /// Starts a run that shares this one's history up to and including a tick, without copying it. What is buffered is
    /// committed first; rows that come later, here, are not part of the fork, whatever their tick.
    ///
    /// # Errors
    /// Those of [`crate::Run::fork`] and of a [`Bridge`].
    pub fn fork(&self, name: &str, tick: i64) -> Result<Run> {
        let name = name.to_owned();
        let run = call(self, |run| async move { run.fork(&name, tick).await })?;
        Ok(Self { run, world: self.world.clone() })
    }

    /// The state that this run and a view both come from: where their histories part.
    ///
    /// # Errors
    /// `Invalid` where they have no ancestor in common.
    pub fn common_ancestor(&self, other: &View) -> Result<View> {
        Ok(View::new(self.run.common_ancestor(other.asynchronous())?, self.clone()))
    }

    /// Replays ticks in order, those of the runs that it was forked from included. What is appended later is not part of
    /// it. Memory holds one window of ticks at a time.
    ///
    /// # Errors
    /// Those of [`crate::Run::replay`] and of a [`Bridge`], now and in the iterator.
    pub fn replay(&self, ticks: RangeInclusive<i64>) -> Result<Ticks> {
        self.replay_with(ticks, &ReplayOptions::default())
    }

    /// As [`replay`](Self::replay), with options.
    ///
    /// # Errors
    /// As for [`replay`](Self::replay).
    pub fn replay_with(&self, ticks: RangeInclusive<i64>, options: &ReplayOptions) -> Result<Ticks> {
        let options = options.clone();
        let ticks = call(self, |run| async move { run.replay_with(ticks, &options).await })?;
        Ok(Box::new(self.bridge().pull(ticks).map(|tick| tick.map(Tick::from))))
    }

    /// Brings what the runs of `theirs` changed since the two parted into this run, as one tick. An entity that both
    /// changed, each in its own way, is refused: [`merge_with`](Self::merge_with) takes a rule for it.
    ///
    /// # Errors
    /// Those of [`crate::Run::merge`] and of a [`Bridge`].
    pub fn merge(&self, theirs: &View, tick: i64) -> Result<Merge> {
        let theirs = theirs.asynchronous().clone();
        call(self, |run| async move { run.merge(&theirs, tick).await })
    }

    /// As [`merge`](Self::merge), with a rule for entities that both changed. Changes are told by comparing states with
    /// that of the common ancestor, where the runs part, also if they were merged since.
    ///
    /// The rule is asked on this thread, and may read the world.
    ///
    /// # Errors
    /// Those of [`crate::Run::merge_with`], of the rule and of a [`Bridge`].
    pub fn merge_with(
        &self,
        theirs: &View,
        tick: i64,
        mut rule: impl FnMut(&MergeConflict) -> Result<Resolution>,
    ) -> Result<Merge> {
        let (run, theirs) = (self.run.clone(), theirs.asynchronous().clone());
        self.bridge().run_asking(
            |rules| async move { run.merge_with(&theirs, tick, |conflict| rules.ask(conflict.clone())?).await },
            |conflict| rule(&conflict),
        )
    }
}
