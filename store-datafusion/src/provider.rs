//! The table provider over a pinned table.

use std::fmt::Debug;
use std::sync::Arc;

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
use crate::source::PinnedTable;

/// Is told what scans read.
pub trait ScanObserver: Debug + Send + Sync {
    /// A scan was opened.
    fn scan_opened(&self);

    /// A scan delivered so many rows.
    fn rows_read(&self, rows: usize);
}

/// A pinned table, for DataFusion. Columns, conditions and limits are read by the table's format, rows as they are asked
/// for, in one partition.
#[derive(Debug, Clone)]
pub struct PinnedProvider {
    table: Arc<dyn PinnedTable>,
    schema: SchemaRef,
    observer: Option<Arc<dyn ScanObserver>>,
}

impl PinnedProvider {
    /// A provider of all rows of a pinned table.
    pub fn new(table: Arc<dyn PinnedTable>) -> Self {
        let schema = table.schema();
        Self { table, schema, observer: None }
    }

    /// Tells an observer what is read.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn ScanObserver>) -> Self {
        self.observer = Some(observer);
        self
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
        _state: &dyn Session,
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
        let exec = TableScanExec::new(Arc::clone(&self.table), scan, schema);
        Ok(Arc::new(match &self.observer {
            Some(observer) => exec.with_observer(Arc::clone(observer)),
            None => exec,
        }))
    }
}
