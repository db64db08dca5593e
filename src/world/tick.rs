//! Writing a tick: rows for several tables, appended in one step.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use worldstore_core::Result;
use worldstore_core::table::{Receipt, TableName};

use super::commit::{Meaning, Staged};
use super::rows::unstamped;
use super::{Run, Tick};

/// A tick that is being written. Nothing is stored before [`commit`](Self::commit).
#[derive(Debug, Clone)]
#[must_use = "a tick is stored by commit"]
pub struct TickWriter {
    run: Run,
    tick: i64,
    staged: BTreeMap<TableName, Vec<Staged>>,
}

/// What committing a tick achieved.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[must_use = "receipts say how safe the rows are"]
pub struct TickReceipt {
    /// The tick.
    pub tick: i64,
    /// One receipt per table, sorted by its name.
    pub receipts: Vec<Receipt>,
}

impl TickReceipt {
    /// How many rows were stored.
    pub fn rows(&self) -> u64 {
        self.receipts.iter().map(|receipt| receipt.rows).sum()
    }
}

impl Run {
    /// Starts to write a tick.
    pub fn tick(&self, tick: i64) -> TickWriter {
        TickWriter { run: self.clone(), tick, staged: BTreeMap::new() }
    }
}

impl TickWriter {
    /// Adds rows to a table, as for [`Run::append`]. Rows that come later for the same entity are the newer ones.
    ///
    /// # Errors
    /// `Invalid` for the table's name.
    pub fn append(mut self, table: &str, rows: &RecordBatch) -> Result<Self> {
        self.steps(table)?.push(Staged::Rows(rows.clone()));
        Ok(self)
    }

    /// Ends entities in a table: each gets a row that is not active, with the components that it has by then.
    ///
    /// # Errors
    /// `Invalid` for the table's name. An entity that is not active there is refused at the commit.
    pub fn end(mut self, table: &str, entities: impl IntoIterator<Item = u64>) -> Result<Self> {
        self.steps(table)?.push(Staged::End(entities.into_iter().collect()));
        Ok(self)
    }

    /// Appends all in one step, under one sequence number. What does not fit changes nothing, in no table, but that a
    /// table for it may have been made.
    ///
    /// # Errors
    /// As for [`Run::append`], and `Invalid` for an entity that shall end and is not active.
    pub async fn commit(self) -> Result<TickReceipt> {
        let receipts = self.run.commit(self.tick, &self.staged, Meaning::State).await?;
        Ok(TickReceipt { tick: self.tick, receipts })
    }

    fn steps(&mut self, table: &str) -> Result<&mut Vec<Staged>> {
        Ok(self.staged.entry(TableName::new(table)?).or_default())
    }
}

impl Tick {
    /// Writes the tick to another run, of this world or another, in one step: as it is, also into tables of changes. The
    /// state of what was replayed from its beginning equals that of the source.
    ///
    /// # Errors
    /// As for [`Run::append`].
    pub async fn commit_to(&self, run: &Run) -> Result<TickReceipt> {
        let mut staged = BTreeMap::new();
        for (table, batches) in &self.tables {
            let steps: Result<Vec<_>> = batches.iter().map(|rows| unstamped(rows).map(Staged::Rows)).collect();
            staged.insert(table.clone(), steps?);
        }
        let receipts = run.commit(self.tick, &staged, Meaning::Changes).await?;
        Ok(TickReceipt { tick: self.tick, receipts })
    }
}
