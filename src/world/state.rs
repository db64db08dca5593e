//! The state of a table: the newest row of each entity.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::{StreamExt, TryStreamExt, stream};
use worldstore_async::table::AsyncBatches;
use worldstore_core::table::{DescribeOptions, Predicate, Scan, TableName, base};
use worldstore_core::{Error, Result};

use super::fold::{Newest, Sorted};
use super::tables::check_base;
use super::windows::windows;
use super::{Ended, View};

/// Rows of the batches that a state comes in.
const BATCH_ROWS: usize = 8_192;
/// So many entities are asked for by the predicate of the scan; more are picked out of what is read.
const PUSHED_ENTITIES_MAX: usize = 64;

/// What to read of a state.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StateOptions {
    /// Columns in the order wanted; all by default.
    pub columns: Option<Vec<String>>,
    /// Whether entities that ended are part of it. Hidden by default.
    pub ended: Ended,
    /// Only these entities; all by default.
    pub entities: Option<Vec<u64>>,
    /// Rows of history that are looked at before ended entities are forgotten, in whole ticks. Default 1,048,576. It
    /// bounds the memory together with the number of live entities.
    pub window_rows: u64,
    /// Mebibytes of rows that are held at most; what needs more fails. Default 4,096.
    pub memory_mb: usize,
    /// Entities that ended in this tick or later are part of it too.
    pub(super) ended_from: Option<i64>,
}

impl Default for StateOptions {
    fn default() -> Self {
        let (columns, entities, ended_from) = Default::default();
        Self { columns, ended: Ended::Hide, entities, window_rows: 1 << 20, memory_mb: 4_096, ended_from }
    }
}

impl StateOptions {
    /// Reads these columns, in this order.
    #[must_use]
    pub fn with_columns<Name: Into<String>>(mut self, columns: impl IntoIterator<Item = Name>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Sets whether entities that ended are part of it.
    #[must_use]
    pub fn with_ended(mut self, ended: Ended) -> Self {
        self.ended = ended;
        self
    }

    /// Reads these entities only.
    #[must_use]
    pub fn with_entities(mut self, entities: impl IntoIterator<Item = u64>) -> Self {
        self.entities = Some(entities.into_iter().collect());
        self
    }

    /// Sets how many rows are looked at before ended entities are forgotten.
    #[must_use]
    pub fn with_window_rows(mut self, rows: u64) -> Self {
        self.window_rows = rows;
        self
    }

    /// Sets how many mebibytes of rows are held at most.
    #[must_use]
    pub fn with_memory_mb(mut self, mebibytes: usize) -> Self {
        self.memory_mb = mebibytes;
        self
    }
}

/// A state: one row per entity, in the order of the entities.
#[non_exhaustive]
pub struct State {
    /// Columns of the batches.
    pub schema: SchemaRef,
    /// How many rows there are.
    pub rows: u64,
    /// How many rows of history were folded for it.
    pub folded_rows: u64,
    /// The rows.
    pub batches: AsyncBatches,
}

impl View {
    /// The state of a table: for each entity its newest row, by tick, then by sequence number, then by position;
    /// entities whose newest row is not active are left out. In the order of the entities.
    ///
    /// History is folded when it is called; what is held are the rows of live entities and one window of history.
    ///
    /// # Errors
    /// `NotFound` for the table; `Invalid` for one without base columns; `Unsupported` if it needs more memory than
    /// [`memory_mb`](StateOptions::memory_mb) says, and in the stream if a batch has more than 2 GiB in a column of texts,
    /// bytes or lists; those of the byte store.
    pub async fn state(&self, table: &str) -> Result<State> {
        self.state_with(table, &StateOptions::default()).await
    }

    /// As [`state`](Self::state), with options.
    ///
    /// # Errors
    /// As for [`state`](Self::state), and `Invalid` for a column that is not there.
    pub async fn state_with(&self, table: &str, options: &StateOptions) -> Result<State> {
        let sorted = self.sorted(&TableName::new(table)?, options).await?;
        let schema = match &options.columns {
            Some(columns) => Scan::all().with_columns(columns.clone()).schema(&sorted.schema)?,
            None => sorted.schema.clone(),
        };
        let (rows, folded_rows) = (sorted.order.len(), sorted.folded_rows);
        let (projected, starts) = (schema.clone(), stream::iter((0..rows).step_by(BATCH_ROWS)));
        let batch = move |start: usize| {
            let batch = sorted.rows(start..rows.min(start + BATCH_ROWS))?;
            project(&batch, &projected)
        };
        Ok(State { schema, rows: rows as u64, folded_rows, batches: starts.map(batch).boxed() })
    }

    /// The state of a table in memory.
    ///
    /// # Errors
    /// As for [`state`](Self::state).
    pub async fn collect_state(&self, table: &str) -> Result<Vec<RecordBatch>> {
        self.state(table).await?.batches.try_collect().await
    }

    pub(super) async fn sorted(&self, table: &TableName, options: &StateOptions) -> Result<Sorted> {
        Ok(self.newest(table, options).await?.sorted())
    }

    /// Folds the history of a table, window by window.
    pub(super) async fn newest(&self, table: &TableName, options: &StateOptions) -> Result<Newest> {
        let tables = self.run().world().table_backend();
        let info = tables.describe(table, &DescribeOptions::default()).await?;
        check_base(&info.schema).map_err(|error| error.with("table", table))?;
        let view = self.at_seq(info.watermark);
        let scan = scan_of(options);
        let mut newest = Newest::new(scan.schema(&info.schema)?, options.ended)
            .with_ended_from(options.ended_from)
            .with_bytes_max(options.memory_mb.saturating_mul(1 << 20));
        let wanted: Option<HashSet<u64>> = options.entities.as_ref().map(|all| all.iter().copied().collect());
        for window in view.state_windows(table, info.rows, options).await? {
            let mut batches = view.between(window).scan(table.as_str(), &scan).await?.batches;
            while let Some(batch) = batches.try_next().await? {
                newest.take(batch, |entity| wanted.as_ref().is_none_or(|wanted| wanted.contains(&entity)))?;
            }
            newest.end_window();
        }
        Ok(newest)
    }

    async fn state_windows(
        &self,
        table: &TableName,
        rows: u64,
        options: &StateOptions,
    ) -> Result<Vec<RangeInclusive<i64>>> {
        if rows <= options.window_rows {
            return Ok(vec![i64::MIN..=i64::MAX]);
        }
        let counts = self.ticks(table.as_str()).await?;
        Ok(windows(counts.iter().map(|count| (count.tick, count.rows)), options.window_rows))
    }
}

/// Reads the wanted columns, and those that decide which row is the newest.
fn scan_of(options: &StateOptions) -> Scan {
    let mut scan = Scan::all();
    if let Some(columns) = &options.columns {
        let needed = [base::ENTITY, base::TICK, base::ACTIVE, base::SEQ];
        let missing = needed.iter().filter(|name| !columns.iter().any(|column| column == *name));
        scan = scan.with_columns(columns.iter().cloned().chain(missing.map(|name| (*name).to_owned())));
    }
    match &options.entities {
        Some(entities) if entities.len() <= PUSHED_ENTITIES_MAX => {
            let one = |entity: &u64| Predicate::eq(base::ENTITY, *entity);
            scan.with_predicate(Predicate::Or(entities.iter().map(one).collect()))
        }
        _ => scan,
    }
}

fn project(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let failed = |source| Error::unexpected("state could not be projected").caused_by(source);
    let column = |field: &Arc<arrow::datatypes::Field>| batch.schema_ref().index_of(field.name()).map_err(failed);
    let indices = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
    batch.project(&indices).map_err(failed)
}
