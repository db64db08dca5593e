//! Where tables come from: what a world, or anything else with rows, implements to be asked.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::SystemTime;

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
    /// The state that is read; the newest by default.
    pub at: Option<Moment>,
}

/// A state of tables in the past.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// Only rows of this tick and those before it.
    Tick(i64),
    /// What was there when the append of this sequence number was the last.
    Sequence(u64),
    /// What was committed at this time, as exactly as the source knows.
    Time(SystemTime),
    /// A state by its name: as a [`TableSnapshot`] prints it, or one that the source has given a name.
    Snapshot(String),
}

/// What identifies the state of a pinned table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TableSnapshot {
    /// All appends up to this sequence number, and none behind it.
    Sequence(u64),
    /// A version of the table's format.
    Version(u64),
}

/// `seq:42` or `version:7`.
impl fmt::Display for TableSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(seq) => write!(f, "seq:{seq}"),
            Self::Version(version) => write!(f, "version:{version}"),
        }
    }
}

impl TableSnapshot {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, number) = text.split_once(':')?;
        let number = number.parse().ok()?;
        match kind {
            "seq" => Some(Self::Sequence(number)),
            "version" => Some(Self::Version(number)),
            _ => None,
        }
    }
}

impl TableSelection {
    /// A table as the source shows it by default.
    pub fn table(table: impl Into<String>) -> Self {
        Self { table: table.into(), run: None, as_of: None, at: None }
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

    /// Another state.
    #[must_use]
    pub fn with_at(mut self, at: Moment) -> Self {
        self.at = Some(at);
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

    /// What identifies the state that is pinned, if anything does: asked for again it gives the same rows. No I/O.
    fn snapshot(&self) -> Option<TableSnapshot> {
        None
    }

    /// Reads rows lazily. Segments and version of the scan are the pin's business, not the caller's.
    ///
    /// # Errors
    /// `Invalid` for a column that is not there; those of the store behind it.
    async fn scan(&self, scan: &Scan) -> Result<TableScan<AsyncBatches>>;
}
