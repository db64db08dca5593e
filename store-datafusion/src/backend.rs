//! Tables of a backend as a source: each pinned at one version.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_core::table::{
    DescribeOptions, ListTablesOptions, Predicate, Scan, Segment, TableInfo, TableName, TableScan, base,
};
use worldstore_core::{Error, Result};

use crate::source::{Moment, PinnedTable, RowCount, TableSelection, TableSnapshot, TableSource};

/// All tables of a backend, each at its newest version.
///
/// Tables are pinned one after the other, so a query over two of them may see an append to the second that came after
/// the first was pinned; a backend that is itself fixed (that of a world's reader), or the source of a world, has no such
/// gap. A run or a tick is chosen by the base columns `run` and `tick`, which the table must have then: forks are not
/// followed.
///
/// Not for a cache: its versions leave out what is only buffered.
#[derive(Debug, Clone)]
pub struct BackendTables {
    tables: Arc<dyn AsyncTableBackend>,
}

impl BackendTables {
    /// All tables of a backend.
    pub fn new(tables: Arc<dyn AsyncTableBackend>) -> Self {
        Self { tables }
    }
}

#[async_trait]
impl TableSource for BackendTables {
    async fn tables(&self) -> Result<Vec<String>> {
        Ok(self.tables.list(&ListTablesOptions::default()).await?.iter().map(ToString::to_string).collect())
    }

    async fn pin(&self, selection: &TableSelection) -> Result<Arc<dyn PinnedTable>> {
        let version = match &selection.at {
            Some(Moment::Snapshot(name)) => match TableSnapshot::parse(name) {
                Some(TableSnapshot::Version(version)) => Some(version),
                _ => return Err(Error::not_found("no snapshot of tables has this name").with("snapshot", name)),
            },
            _ => None,
        };
        let mut pin = TablePin::open(Arc::clone(&self.tables), &TableName::new(&selection.table)?, version).await?;
        if let Some(run) = &selection.run {
            pin = pin.with_predicate(Predicate::eq(base::RUN, run.as_str()))?;
        }
        if let Some(tick) = selection.as_of {
            pin = pin.with_predicate(Predicate::le(base::TICK, tick))?;
        }
        match &selection.at {
            Some(Moment::Tick(tick)) => pin = pin.with_predicate(Predicate::le(base::TICK, *tick))?,
            Some(Moment::Sequence(seq)) => pin = pin.with_predicate(Predicate::le(base::SEQ, *seq))?,
            Some(Moment::Time(_)) => return Err(Error::unsupported("tables of a backend have no times")),
            Some(Moment::Snapshot(_)) | None => {}
        }
        Ok(Arc::new(pin))
    }

    async fn pin_all(&self, selections: &[TableSelection]) -> Result<Vec<Arc<dyn PinnedTable>>> {
        let mut pins = Vec::with_capacity(selections.len());
        for selection in selections {
            pins.push(self.pin(selection).await?);
        }
        Ok(pins)
    }
}

/// A table of a backend, pinned at a version, or at what segments with a greatest sequence number fix.
#[derive(Debug, Clone)]
pub struct TablePin {
    tables: Arc<dyn AsyncTableBackend>,
    info: TableInfo,
    version: Option<u64>,
    segments: Option<Vec<Segment>>,
    predicate: Option<Predicate>,
    sequence: Option<u64>,
}

impl TablePin {
    /// Pins a table at a version, the newest by default.
    ///
    /// # Errors
    /// `NotFound` for the table or the version.
    pub async fn open(tables: Arc<dyn AsyncTableBackend>, table: &TableName, version: Option<u64>) -> Result<Self> {
        let mut options = DescribeOptions::default();
        options.version = version;
        let info = tables.describe(table, &options).await?;
        let version = Some(info.version);
        Ok(Self { tables, version, info, segments: None, predicate: None, sequence: None })
    }

    /// Takes rows of these segments only, of a table as `info` describes it. The version is not pinned: what is buffered
    /// in a cache has none. Give each segment a greatest sequence number, else later rows come in.
    pub fn of_segments(tables: Arc<dyn AsyncTableBackend>, info: TableInfo, segments: Vec<Segment>) -> Self {
        Self { tables, version: None, info, segments: Some(segments), predicate: None, sequence: None }
    }

    /// Says that the segments end with this sequence number, which then identifies the state.
    #[must_use]
    pub fn with_sequence(mut self, seq: u64) -> Self {
        self.sequence = Some(seq);
        self
    }

    /// Takes rows of these segments only.
    #[must_use]
    pub fn with_segments(mut self, segments: Vec<Segment>) -> Self {
        self.segments = Some(segments);
        self
    }

    /// Takes rows only for which this and what was given before is true.
    ///
    /// # Errors
    /// `Invalid` if it names a column that is not there.
    pub fn with_predicate(mut self, predicate: Predicate) -> Result<Self> {
        for column in predicate.columns() {
            if self.info.schema.index_of(column).is_err() {
                let error = Error::invalid("the table has no such column").with("table", &self.info.name);
                return Err(error.with("column", column));
            }
        }
        self.predicate = Some(match self.predicate.take() {
            Some(before) => Predicate::And(vec![before, predicate]),
            None => predicate,
        });
        Ok(self)
    }

    /// The table as it was pinned.
    pub fn info(&self) -> &TableInfo {
        &self.info
    }
}

#[async_trait]
impl PinnedTable for TablePin {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.info.schema)
    }

    fn rows(&self) -> RowCount {
        match self.version.is_some() && self.segments.is_none() && self.predicate.is_none() {
            true => RowCount::Exact(self.info.rows),
            false => RowCount::AtMost(self.info.rows),
        }
    }

    fn snapshot(&self) -> Option<TableSnapshot> {
        self.sequence.map(TableSnapshot::Sequence).or(self.version.map(TableSnapshot::Version))
    }

    async fn scan(&self, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        let mut scan = scan.clone();
        (scan.version, scan.segments) = (self.version, self.segments.clone());
        // Columns that were added since the pin are left out.
        if scan.columns.is_none() {
            scan = scan.with_columns(self.info.schema.fields().iter().map(|field| field.name().as_str()));
        }
        if let Some(predicate) = &self.predicate {
            scan = scan.with_predicate(predicate.clone());
        }
        self.tables.scan(&self.info.name, &scan).await
    }
}
