//! The table provider over a pinned table.

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use worldstore_core::table::Scan;

use crate::execute::TableScanExec;
use crate::filter::translate;
use crate::source::{PinnedTable, RowCount};

/// Is told what scans read.
pub trait ScanObserver: Debug + Send + Sync {
    /// A scan was opened.
    fn scan_opened(&self);

    /// A scan delivered so many rows.
    fn rows_read(&self, rows: usize);

    /// Where scans add the bytes that their format reads from its byte store. Nowhere by default.
    fn bytes_read(&self) -> Option<Arc<AtomicU64>> {
        None
    }
}

/// Rows that a partition is worth its while for: reading fewer costs less than handing them on.
const PARTITION_ROWS_MIN: u64 = 65_536;

/// A pinned table, for DataFusion. Columns, conditions and limits are read by the table's format, rows as they are asked
/// for: in one partition, or, of many rows, in as many as the session has (`target_partitions`), which divide the files.
#[derive(Debug, Clone)]
pub struct PinnedProvider {
    table: Arc<dyn PinnedTable>,
    schema: SchemaRef,
    partitions: Option<NonZeroUsize>,
    observer: Option<Arc<dyn ScanObserver>>,
}

impl PinnedProvider {
    /// A provider of all rows of a pinned table.
    pub fn new(table: Arc<dyn PinnedTable>) -> Self {
        let schema = table.schema();
        Self { table, schema, partitions: None, observer: None }
    }

    /// Reads in so many partitions, however many rows there are.
    #[must_use]
    pub fn with_partitions(mut self, partitions: NonZeroUsize) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// Tells an observer what is read.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn ScanObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// In how many partitions a session reads.
    fn partitions(&self, state: &dyn Session) -> NonZeroUsize {
        let most = state.config().target_partitions();
        let worth = match self.table.rows() {
            RowCount::Exact(rows) | RowCount::AtMost(rows) => rows / PARTITION_ROWS_MIN,
            RowCount::Unknown => u64::MAX,
        };
        let wanted = usize::try_from(worth).unwrap_or(usize::MAX).min(most);
        self.partitions.or(NonZeroUsize::new(wanted)).unwrap_or(NonZeroUsize::MIN)
    }
}

#[async_trait]
impl TableProvider for PinnedProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match translate(filter, &self.schema) {
            Some(pushed) if pushed.is_exact => TableProviderFilterPushDown::Exact,
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(indices) => Arc::new(self.schema.project(indices)?),
            None => Arc::clone(&self.schema),
        };
        let mut scan = Scan::all().with_columns(schema.fields().iter().map(|field| field.name().as_str()));
        let mut is_exact = true;
        for filter in filters {
            let pushed = translate(filter, &self.schema);
            is_exact &= pushed.as_ref().is_some_and(|pushed| pushed.is_exact);
            if let Some(pushed) = pushed {
                scan = scan.with_predicate(pushed.predicate);
            }
        }
        // Rows that a filter above takes away must not count for the limit.
        scan.limit = limit.filter(|_| is_exact);
        scan = scan.with_parts(self.partitions(state));
        scan.bytes_read = self.observer.as_ref().and_then(|observer| observer.bytes_read());
        let exec = TableScanExec::new(Arc::clone(&self.table), scan, schema);
        Ok(Arc::new(match &self.observer {
            Some(observer) => exec.with_observer(Arc::clone(observer)),
            None => exec,
        }))
    }
}
