//! Where tables come from: what a world, or anything else with rows, implements to be asked.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use worldstore_async::table::AsyncBatches;
use worldstore_core::Result;
use worldstore_core::table::{Scan, TableScan};

/// Which rows of a table are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableSelection {
    /// The table.
    pub table: String,
    /// The run; the source's own choice by default.
    pub run: Option<String>,
    /// Only rows of this tick and those before it; the source's own choice by default.
    pub as_of: Option<i64>,
}

impl TableSelection {
    /// A table as the source shows it by default.
    pub fn table(table: impl Into<String>) -> Self {
        Self { table: table.into(), run: None, as_of: None }
    }

    /// Another run.
    #[must_use]
    pub fn with_run(mut self, run: impl Into<String>) -> Self {
        self.run = Some(run.into());
        self
    }

    /// Another tick.
    #[must_use]
    pub fn with_as_of(mut self, tick: i64) -> Self {
        self.as_of = Some(tick);
        self
    }
}

/// A set of tables.
#[async_trait]
pub trait TableSource: Debug + Send + Sync {
    /// Names the tables, sorted.
    ///
    /// # Errors
    /// Those of the store behind it.
    async fn tables(&self) -> Result<Vec<String>>;

    /// Fixes the state of a table: whatever is read through the answer is of one state.
    ///
    /// # Errors
    /// `NotFound` for the table or the run.
    async fn pin(&self, selection: &TableSelection) -> Result<Arc<dyn PinnedTable>>;

    /// Fixes the state of several tables, in the order asked for, and all at one moment where the tables behind it have
    /// such a thing (a world has: its sequence).
    ///
    /// # Errors
    /// As for [`pin`](Self::pin).
    async fn pin_all(&self, selections: &[TableSelection]) -> Result<Vec<Arc<dyn PinnedTable>>>;
}

/// How many rows a pinned table has, as far as is known before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowCount {
    /// So many: a count may be answered with it.
    Exact(u64),
    /// So many or fewer: it helps a planner.
    AtMost(u64),
    /// Not known.
    Unknown,
}

/// One state of a table.
#[async_trait]
pub trait PinnedTable: Debug + Send + Sync {
    /// Its columns.
    fn schema(&self) -> SchemaRef;

    /// The number of its rows. No I/O.
    fn rows(&self) -> RowCount;

    /// Reads rows lazily. Segments and version of the scan are the pin's business, not the caller's.
    ///
    /// # Errors
    /// `Invalid` for a column that is not there; those of the store behind it.
    async fn scan(&self, scan: &Scan) -> Result<TableScan<AsyncBatches>>;
}
