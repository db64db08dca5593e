//! The audit history of one entity, across all tables.

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use worldstore_core::table::{Predicate, Scan, TableName, base};
use worldstore_core::{Error, Result};

use super::fold::Base;
use super::tables::is_base;
use super::{StateOptions, View};

/// Bytes of the rows of a history at most.
const HISTORY_BYTES_MAX: usize = 1 << 30;

/// One row of an entity.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EntityRow {
    /// The table that it is in.
    pub table: TableName,
    /// The run that wrote it: this one, or one that it was forked from.
    pub run: String,
    /// Its tick.
    pub tick: i64,
    /// The sequence number of its append.
    pub seq: u64,
    /// False where it says that the entity ended in this table.
    pub active: bool,
    /// Its components: one row, without the base columns.
    pub row: RecordBatch,
}

impl View {
    /// All rows of an entity in all tables, those of the runs that this one was forked from included: what was ever
    /// written about it, up to the view. Ordered by tick, sequence number and table; rows of one append keep their order.
    ///
    /// # Errors
    /// `Unsupported` if they have more than 1 GiB, which [`scan`](Self::scan) with a predicate on `entity` reads as a stream;
    /// those of the byte store.
    pub async fn history(&self, entity: u64) -> Result<Vec<EntityRow>> {
        self.history_within(entity, HISTORY_BYTES_MAX).await
    }

    async fn history_within(&self, entity: u64, bytes_max: usize) -> Result<Vec<EntityRow>> {
        let view = self.pinned().await?;
        let scan = Scan::all().with_predicate(Predicate::eq(base::ENTITY, entity));
        let (mut history, mut bytes) = (Vec::new(), 0);
        for info in self.run().world().world_tables().await? {
            let mut batches = view.scan(info.name.as_str(), &scan).await?.batches;
            while let Some(batch) = batches.try_next().await? {
                bytes += batch.get_array_memory_size();
                if bytes > bytes_max {
                    let message = "the history of the entity is too large for memory, scan the tables instead";
                    return Err(Error::unsupported(message).with("entity", entity).with("bytes_max", bytes_max));
                }
                entity_rows(&info.name, &batch, &mut history)?;
            }
        }
        history.sort_by(|one, other| (one.tick, one.seq, &one.table).cmp(&(other.tick, other.seq, &other.table)));
        Ok(history)
    }

    /// The entity as it is in the view: its newest row of each table in which it is active. An entity that moved from
    /// table to table is found where it was then.
    ///
    /// # Errors
    /// Those of the byte store.
    pub async fn entity(&self, entity: u64) -> Result<Vec<EntityRow>> {
        let view = self.pinned().await?;
        let options = StateOptions::default().with_entities([entity]);
        let mut found = Vec::new();
        for info in self.run().world().world_tables().await? {
            let sorted = view.sorted(&info.name, &options).await?;
            entity_rows(&info.name, &sorted.rows(0..sorted.order.len())?, &mut found)?;
        }
        Ok(found)
    }
}

fn entity_rows(table: &TableName, batch: &RecordBatch, rows: &mut Vec<EntityRow>) -> Result<()> {
    let Base { tick, seq, active, .. } = Base::of(batch)?;
    let runs = batch.column_by_name(base::RUN).and_then(|column| column.as_string_opt::<i32>());
    let runs = runs.ok_or_else(|| Error::unexpected("column run is not text").with("table", table))?;
    let components = components(batch)?;
    for row in 0..batch.num_rows() {
        rows.push(EntityRow {
            table: table.clone(),
            run: runs.value(row).to_owned(),
            tick: tick.value(row),
            seq: seq.value(row),
            active: active.value(row),
            row: components.slice(row, 1),
        });
    }
    Ok(())
}

/// The batch without the base columns.
fn components(batch: &RecordBatch) -> Result<RecordBatch> {
    let fields = batch.schema_ref().fields().iter().enumerate();
    let indices: Vec<usize> = fields.filter(|(_, field)| !is_base(field.name())).map(|(index, _)| index).collect();
    batch.project(&indices).map_err(|source| Error::unexpected("components could not be read").caused_by(source))
}

#[cfg(test)]
mod tests;
