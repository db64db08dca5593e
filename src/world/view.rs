//! A view: the rows of a run up to a tick.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use futures::{StreamExt, TryStreamExt, stream};
use worldstore_async::table::AsyncBatches;
use worldstore_core::table::{Scan, Segment, TableName, TableScan, base};
use worldstore_core::{Error, Result};

use super::Run;

/// A run up to a tick. It holds no rows.
#[derive(Debug, Clone)]
pub struct View {
    run: Run,
    tick: i64,
    segments: Vec<Segment>,
}

/// How many rows a tick has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TickCount {
    /// The tick.
    pub tick: i64,
    /// Its rows.
    pub rows: u64,
}

impl View {
    pub(super) fn new(run: Run, tick: i64, segments: Vec<Segment>) -> Self {
        Self { run, tick, segments }
    }

    /// The same view of other stretches.
    pub(super) fn map_segments(&self, each: impl FnMut(&Segment) -> Option<Segment>) -> Self {
        Self { segments: self.segments.iter().filter_map(each).collect(), ..self.clone() }
    }

    /// The run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The tick; `i64::MAX` for all that was appended so far.
    pub fn tick(&self) -> i64 {
        self.tick
    }

    /// The stretches of history that it is made of.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Reads a table, buffered rows included. The scan's own segments are replaced by those of the view.
    ///
    /// # Errors
    /// `NotFound` for the table, and if the run was dropped here since it was opened; `Invalid` for a column.
    pub async fn scan(&self, table: &str, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        self.run.expect_there()?;
        let scan = scan.clone().with_segments(self.segments.clone());
        self.run.world().inner.tables.scan(&TableName::new(table)?, &scan).await
    }

    /// Reads a table into memory.
    ///
    /// # Errors
    /// As for [`scan`](Self::scan).
    pub async fn collect(&self, table: &str, scan: &Scan) -> Result<Vec<RecordBatch>> {
        stream::iter(self.scan(table, scan).await?.into_parts()).flatten().try_collect().await
    }

    /// Counts the rows of a table.
    ///
    /// # Errors
    /// As for [`scan`](Self::scan).
    pub async fn count(&self, table: &str) -> Result<u64> {
        let none: [&str; 0] = [];
        let batches = self.scan(table, &Scan::all().with_columns(none)).await?.batches;
        batches.try_fold(0, |rows, batch| async move { Ok(rows + batch.num_rows() as u64) }).await
    }

    /// Counts the rows of a table by tick, in the order of the ticks.
    ///
    /// # Errors
    /// As for [`scan`](Self::scan).
    pub async fn ticks(&self, table: &str) -> Result<Vec<TickCount>> {
        let mut batches = self.scan(table, &Scan::all().with_columns([base::TICK])).await?.batches;
        let mut counts = BTreeMap::new();
        while let Some(batch) = batches.try_next().await? {
            let ticks = batch.column_by_name(base::TICK).and_then(|column| column.as_primitive_opt::<Int64Type>());
            let ticks = ticks.ok_or_else(|| Error::unexpected("column tick is not i64").with("table", table))?;
            for tick in ticks.values() {
                *counts.entry(*tick).or_insert(0) += 1;
            }
        }
        Ok(counts.into_iter().map(|(tick, rows)| TickCount { tick, rows }).collect())
    }
}
