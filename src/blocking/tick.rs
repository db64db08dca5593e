//! The mirrors of a tick that is being written, and of one that is replayed.

use arrow::record_batch::RecordBatch;
use worldstore_core::table::TableName;

use super::{Bridge, Mirror, Run, call};
use crate::Result;
use crate::world::TickReceipt;

/// A tick that is being written. Nothing is stored before [`commit`](Self::commit). See [`crate::TickWriter`].
#[derive(Debug, Clone)]
#[must_use = "a tick is stored by commit"]
pub struct TickWriter {
    writer: crate::TickWriter,
    bridge: Bridge,
}

impl Mirror for TickWriter {
    type Async = crate::TickWriter;

    fn over(other: crate::TickWriter, bridge: &Bridge) -> Self {
        Self { writer: other, bridge: bridge.clone() }
    }

    fn asynchronous(&self) -> &crate::TickWriter {
        &self.writer
    }

    fn bridge(&self) -> &Bridge {
        &self.bridge
    }
}

impl TickWriter {
    /// Adds rows to a table, as for [`Run::append`]. Rows that come later for the same entity are the newer ones.
    ///
    /// # Errors
    /// `Invalid` for the table's name.
    pub fn append(mut self, table: &str, rows: &RecordBatch) -> Result<Self> {
        self.writer = self.writer.append(table, rows)?;
        Ok(self)
    }

    /// Ends entities in a table: each gets a row that is not active, with the components that it has by then.
    ///
    /// # Errors
    /// `Invalid` for the table's name. An entity that is not active there is refused at the commit.
    pub fn end(mut self, table: &str, entities: impl IntoIterator<Item = u64>) -> Result<Self> {
        self.writer = self.writer.end(table, entities)?;
        Ok(self)
    }

    /// Appends all in one step, under one sequence number. What does not fit changes nothing, in no table, but that a
    /// table for it may have been made.
    ///
    /// # Errors
    /// Those of [`crate::TickWriter::commit`] and of a [`Bridge`].
    pub fn commit(self) -> Result<TickReceipt> {
        call(&self, |writer| writer.commit())
    }
}

/// All rows of one tick.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tick {
    /// The tick.
    pub tick: i64,
    /// The tables that have rows in it, sorted by name, with all columns; the rows in the order in which they were
    /// appended.
    pub tables: Vec<(TableName, Vec<RecordBatch>)>,
}

impl From<crate::world::Tick> for Tick {
    fn from(other: crate::world::Tick) -> Self {
        let crate::world::Tick { tick, tables } = other;
        Self { tick, tables }
    }
}

impl From<Tick> for crate::world::Tick {
    fn from(other: Tick) -> Self {
        let Tick { tick, tables } = other;
        Self { tick, tables }
    }
}

impl Tick {
    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.tables.iter().flat_map(|(_, batches)| batches).map(|batch| batch.num_rows() as u64).sum()
    }

    /// Writes the tick to another run, of this world or another, in one step: as it is, also into tables of changes. The
    /// state of what was replayed from its beginning equals that of the source.
    ///
    /// # Errors
    /// As for [`Run::append`].
    pub fn commit_to(&self, run: &Run) -> Result<TickReceipt> {
        let tick = crate::world::Tick::from(self.clone());
        call(run, |run| async move { tick.commit_to(&run).await })
    }
}
