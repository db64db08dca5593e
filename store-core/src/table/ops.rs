//! Arguments and results of table operations: options, receipts, versions.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::name::TableName;
use crate::error::{Error, ErrorKind, Result};

/// The rows of a scan, batch by batch, all with the scan's schema. After an error it ends.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// How safe appended rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// In memory only: a kill may lose them.
    Buffered,
    /// In a synced log record, or already in the table: a power cut does not lose them.
    Durable,
    /// In a committed version of the table.
    Committed,
}

/// What a table backend is: for messages and plans.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TableBackendInfo {
    /// One word: `memory`, `lance`, `iceberg`.
    pub format: &'static str,
    /// Where the tables are, without secrets.
    pub root: String,
}

impl TableBackendInfo {
    /// Describes a table backend.
    pub fn new(format: &'static str, root: impl Into<String>) -> Self {
        Self { format, root: root.into() }
    }
}

/// What to do if the table is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Fail with `AlreadyExists`.
    #[default]
    Refuse,
    /// Keep it if it has the same schema, else fail with `Invalid`.
    Keep,
}

/// Options of [`create`](super::TableBackend::create).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreateOptions {
    /// Columns of the table, in order.
    pub schema: SchemaRef,
    /// What to do if it exists.
    pub existing: Existing,
}

impl CreateOptions {
    /// A new table with this schema.
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, existing: Existing::Refuse }
    }

    /// Opens the table instead if it exists with this schema.
    #[must_use]
    pub fn or_keep(mut self) -> Self {
        self.existing = Existing::Keep;
        self
    }
}

/// Options of [`describe`](super::TableBackend::describe).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct DescribeOptions {
    /// The version to describe; the latest by default.
    pub version: Option<u64>,
}

impl DescribeOptions {
    /// Describes this version.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }
}

/// A table at one version.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TableInfo {
    /// Its name.
    pub name: TableName,
    /// Its columns.
    pub schema: SchemaRef,
    /// The version that this describes. Versions grow; what the first one is depends on the format.
    pub version: u64,
    /// The last sequence number that the version contains; 0 before the first.
    pub watermark: u64,
    /// The epoch of the last writer that gave one; 0 before the first.
    pub epoch: u64,
    /// Number of rows.
    pub rows: u64,
}

impl TableInfo {
    /// Puts the parts together, with epoch 0.
    pub fn new(name: TableName, schema: SchemaRef, version: u64, watermark: u64, rows: u64) -> Self {
        Self { name, schema, version, watermark, epoch: 0, rows }
    }

    /// Sets the epoch.
    #[must_use]
    pub fn with_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }
}

/// The step of a table's watermark that an append makes, in the same commit as the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatermarkStep {
    /// What the table's watermark must be before the commit.
    pub expected: u64,
    /// What it is afterwards; greater than `expected`.
    pub next: u64,
}

impl WatermarkStep {
    /// Checks the step against the watermark that the table has, and returns the one that it then has.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it does not go forward; [`ConditionFailed`](ErrorKind::ConditionFailed) with
    /// `have` and `expected` if the table stands elsewhere.
    pub fn check(&self, have: u64) -> Result<u64> {
        if self.next <= self.expected {
            return Err(Error::invalid("watermark does not go forward")
                .with("expected", self.expected)
                .with("next", self.next));
        }
        match have == self.expected {
            true => Ok(self.next),
            false => Err(Error::new(ErrorKind::ConditionFailed, "the table's watermark is not the expected one")
                .with("have", have)
                .with("expected", self.expected)),
        }
    }
}

/// Options of [`append`](super::TableBackend::append).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct AppendOptions {
    /// Makes the append happen exactly once: it is refused with `ConditionFailed` unless the table stands at
    /// `expected`.
    pub watermark: Option<WatermarkStep>,
    /// The epoch of the writer, which the table keeps: it is refused with `Fenced` once one of a greater epoch has
    /// appended. None is for writers without one, which are never refused for it.
    pub epoch: Option<u64>,
}

impl AppendOptions {
    /// An append that happens exactly once.
    pub fn exactly_once(expected: u64, next: u64) -> Self {
        Self { watermark: Some(WatermarkStep { expected, next }), epoch: None }
    }

    /// Sets the epoch of the writer.
    #[must_use]
    pub fn with_epoch(mut self, epoch: u64) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// Checks the writer's epoch against that of the table, and returns the one that it then has.
    ///
    /// # Errors
    /// [`Fenced`](ErrorKind::Fenced) with `have` and `epoch` if the table has a greater one.
    pub fn check_epoch(&self, have: u64) -> Result<u64> {
        match self.epoch {
            Some(epoch) if epoch < have => {
                Err(Error::new(ErrorKind::Fenced, "a writer of a greater epoch has taken the table over")
                    .with("have", have)
                    .with("epoch", epoch))
            }
            epoch => Ok(epoch.unwrap_or(have)),
        }
    }
}

/// What an append achieved.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[must_use = "a receipt says how safe the rows are"]
pub struct Receipt {
    /// The table.
    pub table: TableName,
    /// Rows appended.
    pub rows: u64,
    /// The sequence number of the append; 0 where the table keeps none.
    pub seq: u64,
    /// How safe the rows are now.
    pub level: Level,
    /// The version that contains them, once committed.
    pub version: Option<u64>,
}

impl Receipt {
    /// A receipt for rows in a committed version.
    pub fn committed(table: TableName, rows: u64, seq: u64, version: u64) -> Self {
        Self { table, rows, seq, level: Level::Committed, version: Some(version) }
    }

    /// A receipt for rows in memory.
    pub fn buffered(table: TableName, rows: u64, seq: u64) -> Self {
        Self { table, rows, seq, level: Level::Buffered, version: None }
    }
}

/// A scan under way: what it reads, and its rows.
#[derive(Debug)]
#[non_exhaustive]
pub struct TableScan<Body> {
    /// Columns of the batches, in the order asked for.
    pub schema: SchemaRef,
    /// The version that is read.
    pub version: u64,
    /// That version's watermark.
    pub watermark: u64,
    /// The rows; where the scan asked for several parts, those of the first.
    pub batches: Body,
    /// The rows of the other parts: each row is in one part. Empty unless the scan asked for them.
    pub others: Vec<Body>,
}

impl<Body> TableScan<Body> {
    /// Puts together a scan in one part.
    pub fn new(schema: SchemaRef, version: u64, watermark: u64, batches: Body) -> Self {
        Self { schema, version, watermark, batches, others: Vec::new() }
    }

    /// Adds other parts.
    #[must_use]
    pub fn with_others(mut self, others: Vec<Body>) -> Self {
        self.others.extend(others);
        self
    }

    /// The rows of all parts.
    pub fn into_parts(self) -> Vec<Body> {
        std::iter::once(self.batches).chain(self.others).collect()
    }

    /// The same scan with something done to the rows of each part.
    pub fn map<Other>(self, mut each: impl FnMut(Body) -> Other) -> TableScan<Other> {
        let Self { schema, version, watermark, batches, others } = self;
        let batches = each(batches);
        let others = others.into_iter().map(each).collect();
        TableScan { schema, version, watermark, batches, others }
    }
}

/// Options of [`list`](super::TableBackend::list).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ListTablesOptions {}

/// Options of [`history`](super::TableBackend::history).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HistoryOptions {}

/// One version of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableVersion {
    /// Its number.
    pub version: u64,
    /// The last sequence number in it.
    pub watermark: u64,
    /// Milliseconds since 1970 when it was committed.
    pub committed_ms: i64,
}

impl TableVersion {
    /// Puts the parts together.
    pub fn new(version: u64, watermark: u64, committed_ms: i64) -> Self {
        Self { version, watermark, committed_ms }
    }
}

/// Options of [`flush`](super::TableBackend::flush).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct FlushOptions {
    /// Only this table; all by default.
    pub table: Option<TableName>,
}

impl FlushOptions {
    /// Flushes one table.
    pub fn table(table: TableName) -> Self {
        Self { table: Some(table) }
    }
}

/// Options of [`shutdown`](super::TableBackend::shutdown).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ShutdownOptions {}
