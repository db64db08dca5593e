//! The mirror of a view.

use std::time::SystemTime;

use arrow::record_batch::RecordBatch;
use worldstore_core::table::{Batches, Scan, Segment, TableScan};

use super::{Bridge, Mirror, Run, SeqAt, State, call};
use crate::Result;
use crate::world::{Diff, EntityRow, StateHash, StateOptions, TickCount};

/// A run up to a tick. It holds no rows. See [`crate::View`].
#[derive(Debug, Clone)]
pub struct View {
    view: crate::View,
    run: Run,
}

impl Mirror for View {
    type Async = crate::View;

    fn over(other: crate::View, bridge: &Bridge) -> Self {
        let run = Run::over(other.run().clone(), bridge);
        Self { view: other, run }
    }

    fn asynchronous(&self) -> &crate::View {
        &self.view
    }

    fn bridge(&self) -> &Bridge {
        self.run.bridge()
    }
}

impl View {
    pub(super) fn new(view: crate::View, run: Run) -> Self {
        Self { view, run }
    }

    /// The run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The tick; `i64::MAX` for all that was appended so far.
    pub fn tick(&self) -> i64 {
        self.view.tick()
    }

    /// The stretches of history that it is made of.
    pub fn segments(&self) -> &[Segment] {
        self.view.segments()
    }

    /// Reads a table, buffered rows included. The scan's own segments are replaced by those of the view.
    ///
    /// # Errors
    /// `NotFound` for the table; `Invalid` for a column; those of a [`Bridge`], now and in the batches.
    pub fn scan(&self, table: &str, scan: &Scan) -> Result<TableScan<Batches>> {
        let (table, scan) = (table.to_owned(), scan.clone());
        let planned = call(self, |view| async move { view.scan(&table, &scan).await })?;
        Ok(planned.map(|batches| -> Batches { Box::new(self.bridge().pull(batches)) }))
    }

    /// Reads a table into memory.
    ///
    /// # Errors
    /// As for [`scan`](Self::scan).
    pub fn collect(&self, table: &str, scan: &Scan) -> Result<Vec<RecordBatch>> {
        let (table, scan) = (table.to_owned(), scan.clone());
        call(self, |view| async move { view.collect(&table, &scan).await })
    }

    /// Counts the rows of a table.
    ///
    /// # Errors
    /// As for [`scan`](Self::scan).
    pub fn count(&self, table: &str) -> Result<u64> {
        let table = table.to_owned();
        call(self, |view| async move { view.count(&table).await })
    }

    /// Counts the rows of a table by tick, in the order of the ticks.
    ///
    /// # Errors
    /// As for [`scan`](Self::scan).
    pub fn ticks(&self, table: &str) -> Result<Vec<TickCount>> {
        let table = table.to_owned();
        call(self, |view| async move { view.ticks(&table).await })
    }

    /// The state of a table: for each entity its newest row, by tick, then by sequence number, then by position;
    /// entities whose newest row is not active are left out. In the order of the entities.
    ///
    /// # Errors
    /// Those of [`crate::View::state`] and of a [`Bridge`], now and in the batches.
    pub fn state(&self, table: &str) -> Result<State> {
        self.state_with(table, &StateOptions::default())
    }

    /// As [`state`](Self::state), with options.
    ///
    /// # Errors
    /// As for [`state`](Self::state), and `Invalid` for a column that is not there.
    pub fn state_with(&self, table: &str, options: &StateOptions) -> Result<State> {
        let (table, options) = (table.to_owned(), options.clone());
        let state = call(self, |view| async move { view.state_with(&table, &options).await })?;
        Ok(State::over(state, self.bridge()))
    }

    /// The state of a table in memory.
    ///
    /// # Errors
    /// As for [`state`](Self::state).
    pub fn collect_state(&self, table: &str) -> Result<Vec<RecordBatch>> {
        let table = table.to_owned();
        call(self, |view| async move { view.collect_state(&table).await })
    }

    /// The rows that a table was given at a tick: the newest of each entity, those that ended in this tick included, in
    /// the order of the entities.
    ///
    /// # Errors
    /// Those of [`crate::View::rows_at`] and of a [`Bridge`], now and in the batches.
    pub fn rows_at(&self, table: &str, tick: i64) -> Result<State> {
        let table = table.to_owned();
        let state = call(self, |view| async move { view.rows_at(&table, tick).await })?;
        Ok(State::over(state, self.bridge()))
    }

    /// The BLAKE3 hash of the state: of all active entities of all tables, with name, type and value of their components.
    /// World, run, ticks and sequence numbers are not part of it, nor is the order or the place in which rows are kept.
    /// [`docs::worlds`](crate::docs::worlds) defines it byte by byte.
    ///
    /// # Errors
    /// Those of [`crate::View::state_hash`] and of a [`Bridge`].
    pub fn state_hash(&self) -> Result<StateHash> {
        call(self, |view| async move { view.state_hash().await })
    }

    /// What differs between this view and `after`: two ticks of a run, two runs, or views of two worlds. Components are
    /// compared, not the tick or the append that wrote them; floats by their bits. A column that only one side has
    /// counts as null on the other, and values of two types differ.
    ///
    /// # Errors
    /// Those of [`crate::View::diff`] and of a [`Bridge`].
    pub fn diff(&self, after: &View) -> Result<Diff> {
        let after = after.view.clone();
        call(self, |view| async move { view.diff(&after).await })
    }

    /// All rows of an entity in all tables, those of the runs that this one was forked from included: what was ever
    /// written about it, up to the view. Ordered by tick, sequence number and table; rows of one append keep their order.
    ///
    /// # Errors
    /// Those of the byte store and of a [`Bridge`].
    pub fn history(&self, entity: u64) -> Result<Vec<EntityRow>> {
        call(self, |view| async move { view.history(entity).await })
    }

    /// The entity as it is in the view: its newest row of each table in which it is active. An entity that moved from
    /// table to table is found where it was then.
    ///
    /// # Errors
    /// Those of the byte store and of a [`Bridge`].
    pub fn entity(&self, entity: u64) -> Result<Vec<EntityRow>> {
        call(self, |view| async move { view.entity(entity).await })
    }

    /// The same view as it was when the append of this sequence number was the last.
    #[must_use]
    pub fn at_seq(&self, seq: u64) -> Self {
        Self::new(self.view.at_seq(seq), self.run.clone())
    }

    /// The same view as it was at a time. `source` says which sequence number that was; a [`World`](super::World) knows it
    /// as exactly as its tables' commits do.
    ///
    /// # Errors
    /// `NotFound` if nothing is known of that time or before; those of the source.
    pub fn at_time(&self, time: SystemTime, source: &dyn SeqAt) -> Result<Self> {
        Ok(self.at_seq(source.seq_at(time)?))
    }

    /// The same view with what is there now, which later appends do not change: all tables at one sequence number.
    ///
    /// # Errors
    /// Those of the byte store and of a [`Bridge`].
    pub fn pinned(&self) -> Result<Self> {
        let view = call(self, |view| async move { view.pinned().await })?;
        Ok(Self::new(view, self.run.clone()))
    }
}
