//! Tables that store what changed: the full state of each tick goes in, the rows that differ are kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::UInt32Array;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use tokio::sync::OwnedMutexGuard;
use worldstore_core::table::{FlushOptions, TableName};
use worldstore_core::{Error, Result};

use super::canon::Cells;
use super::fold::{Base, Newest, pick};
use super::rows::end_rows;
use super::{History, Run, StateOptions};

/// The states that tables of changes were last given, per run. Read back when they are first needed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// What tables were declared as, as far as it was asked for.
    pub histories: Mutex<BTreeMap<TableName, History>>,
    /// Held while a table is declared, and while what it was declared as is read.
    pub declaring: tokio::sync::Mutex<()>,
    lasts: Mutex<HashMap<(String, TableName), LastSlot>>,
}

type LastSlot = Arc<tokio::sync::Mutex<Slot>>;

/// Where the last state is kept.
#[derive(Debug, Default)]
pub(super) enum Slot {
    /// It was not needed yet.
    #[default]
    Unread,
    /// It is this, of the table that was this one of its name.
    Known(Box<Newest>, u64),
    /// An append failed, or its caller went away: its rows may still be on their way.
    Unsure,
}

impl Changes {
    /// The last state of a run in a table, for one writer at a time.
    pub async fn last(&self, run: &str, table: &TableName) -> OwnedMutexGuard<Slot> {
        let slot = Arc::clone(lock(&self.lasts).entry((run.to_owned(), table.clone())).or_default());
        slot.lock_owned().await
    }

    pub fn forget_run(&self, name: &str) {
        lock(&self.lasts).retain(|(run, _), _| run != name);
    }
}

pub(super) fn lock<Value>(mutex: &Mutex<Value>) -> MutexGuard<'_, Value> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last state of a table, taken out of its slot: it is put back when what was made of it is appended.
pub(super) struct Last {
    slot: OwnedMutexGuard<Slot>,
    state: Box<Newest>,
    incarnation: u64,
}

impl Last {
    /// The last state of a run in a table of this schema.
    pub async fn take(run: &Run, table: &TableName, schema: &SchemaRef) -> Result<Self> {
        let mut slot = run.world().inner.changes.last(run.name(), table).await;
        let incarnation = run.world().cache()?.incarnation(table).await?;
        let state = match std::mem::replace(&mut *slot, Slot::Unsure) {
            Slot::Known(state, of) if of == incarnation && state.schema() == schema => state,
            before => {
                if matches!(before, Slot::Unsure) {
                    // Whatever is on its way is readable afterwards, or never.
                    run.world().inner.tables.flush(&FlushOptions::table(table.clone())).await?;
                }
                Box::new(run.now().newest(table, &StateOptions::default()).await?)
            }
        };
        Ok(Self { slot, state, incarnation })
    }

    /// The newest tick that the state has rows of.
    pub fn tick_max(&self) -> Option<i64> {
        self.state.tick_max
    }

    /// What a full state changes: its rows that differ from those before, and a row for each entity that is not in it any
    /// more. `rows` are as the table holds them; an entity may have several, each of which follows on the one before.
    pub fn reduce(&self, run: &Run, tick: i64, rows: &RecordBatch) -> Result<RecordBatch> {
        let (cells, Base { entity, active, .. }) = (Cells::new(rows)?, Base::of(rows)?);
        let before = self.state.chunks().iter().map(Cells::new).collect::<Result<Vec<_>>>()?;
        // The last row of each entity that was seen; none once it has ended.
        let mut seen: HashMap<u64, Option<usize>> = HashMap::new();
        let mut kept = Vec::new();
        for row in 0..rows.num_rows() {
            let (id, active) = (entity.value(row), active.value(row));
            let last = match seen.get(&id) {
                Some(last) => last.map(|last| (&cells, last)),
                None => self.state.active(id).map(|(chunk, last)| (&before[chunk], last)),
            };
            let same = match last {
                Some((last_cells, last)) => active && cells.same_row(row, last_cells, last)?,
                None => !active,
            };
            seen.insert(id, active.then_some(row));
            kept.extend((!same).then_some(row as u32));
        }
        let kept = take_record_batch(rows, &UInt32Array::from(kept)).map_err(failed)?;
        let mut gone: Vec<u64> = self.state.entities().filter(|entity| !seen.contains_key(entity)).collect();
        gone.sort_unstable();
        let places: Vec<_> = gone.iter().filter_map(|entity| self.state.active(*entity)).collect();
        let gone = pick(self.state.chunks(), &places, self.state.schema())?;
        let gone = end_rows(&gone, run.world().name(), run.name(), tick)?;
        concat_batches(self.state.schema(), [&kept, &gone]).map_err(failed)
    }

    /// Puts the state back, with what was appended to it. What is appended is so, whatever becomes of the state: it is read
    /// back where that is not certain.
    pub fn appended(mut self, tick: i64, rows: RecordBatch) {
        *self.slot = Slot::Unread;
        // After rows of older ticks, who knows which row of an entity is the newest.
        let is_older = self.state.tick_max.is_some_and(|newest| tick < newest);
        if is_older || (rows.num_rows() > 0 && self.state.put(rows).is_err()) {
            return;
        }
        self.state.tick_max = Some(tick);
        self.state.end_window();
        *self.slot = Slot::Known(self.state, self.incarnation);
    }
}

fn failed(source: ArrowError) -> Error {
    Error::unexpected("changes could not be put together").caused_by(source)
}

#[cfg(test)]
mod tests;
