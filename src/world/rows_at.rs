//! The full rows of one tick, for tables that keep them and for tables that keep changes.

use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use futures::stream;
use worldstore_core::table::{TableName, base};
use worldstore_core::{Error, Result};

use super::fold::Base;
use super::{History, State, StateOptions, View};

/// Rows of the batches that they come in.
const BATCH_ROWS: usize = 8_192;

impl View {
    /// The rows that a table was given at a tick: the newest of each entity, those that ended in this tick included, in
    /// the order of the entities.
    ///
    /// A table of changes has them no more; they are rebuilt, and equal what a full table would have but for the sequence
    /// numbers: all entities that are active at the tick, and those that ended in it. It does not know which ticks
    /// changed nothing, so a tick that was never written looks like one that changed nothing.
    ///
    /// # Errors
    /// `NotFound` for the table; `Invalid` for a tick that is not in the view; those of the byte store.
    pub async fn rows_at(&self, table: &str, tick: i64) -> Result<State> {
        if tick > self.tick() {
            return Err(Error::invalid("tick is not in the view").with("tick", tick).with("view", self.tick()));
        }
        let table = TableName::new(table)?;
        let history = self.run().world().table_history(table.as_str()).await?;
        let first = match history {
            History::Full => tick,
            History::Changes => i64::MIN,
        };
        // Those that ended before are forgotten on the way.
        let options = StateOptions { ended_from: Some(tick), ..StateOptions::default() };
        let mut sorted = self.between(first..=tick).sorted(&table, &options).await?;
        let bases = sorted.chunks.iter().map(Base::of).collect::<Result<Vec<_>>>()?;
        let (chunks, mut order) = (&bases, std::mem::take(&mut sorted.order));
        order.retain(|(_, chunk, row)| chunks[*chunk].active.value(*row) || chunks[*chunk].tick.value(*row) == tick);
        drop(bases);
        sorted.order = order;
        let (schema, rows, folded_rows) = (sorted.schema.clone(), sorted.order.len(), sorted.folded_rows);
        let starts = stream::iter((0..rows).step_by(BATCH_ROWS));
        let batch = move |start: usize| at_tick(&sorted.rows(start..rows.min(start + BATCH_ROWS))?, tick);
        Ok(State { schema, rows: rows as u64, folded_rows, batches: starts.map(batch).boxed() })
    }
}

/// The rows as rows of a tick.
fn at_tick(rows: &RecordBatch, tick: i64) -> Result<RecordBatch> {
    let failed = |source| Error::unexpected("rows of a tick could not be rebuilt").caused_by(source);
    let index = rows.schema_ref().index_of(base::TICK).map_err(failed)?;
    let mut columns = rows.columns().to_vec();
    columns[index] = Arc::new(Int64Array::from_value(tick, rows.num_rows()));
    RecordBatch::try_new(rows.schema(), columns).map_err(failed)
}
