//! The operator that reads a pinned table.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};
use worldstore_core::table::Scan;

use crate::error::to_datafusion;
use crate::filter::Shown;
use crate::provider::ScanObserver;
use crate::source::{PinnedTable, RowCount};

/// Reads a pinned table, in one partition. The scan is opened when its first batch is asked for.
#[derive(Debug, Clone)]
pub(crate) struct TableScanExec {
    table: Arc<dyn PinnedTable>,
    scan: Scan,
    observer: Option<Arc<dyn ScanObserver>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl TableScanExec {
    /// A read of these columns; they have this schema.
    pub fn new(table: Arc<dyn PinnedTable>, scan: Scan, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative));
        Self { table, scan, observer: None, properties, metrics: ExecutionPlanMetricsSet::new() }
    }

    pub fn with_observer(mut self, observer: Arc<dyn ScanObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    fn rows(&self) -> Precision<usize> {
        let limited = |rows: u64| {
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            self.scan.limit.map_or(rows, |limit| limit.min(rows))
        };
        match self.table.rows() {
            RowCount::Exact(rows) if self.scan.predicate.is_none() => Precision::Exact(limited(rows)),
            RowCount::Exact(rows) | RowCount::AtMost(rows) => Precision::Inexact(limited(rows)),
            RowCount::Unknown => Precision::Absent,
        }
    }
}

impl DisplayAs for TableScanExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.scan.columns.as_deref().unwrap_or_default();
        write!(f, "TableScanExec: columns=[{}]", columns.join(", "))?;
        if let Some(predicate) = &self.scan.predicate {
            write!(f, ", where={}", Shown(predicate))?;
        }
        match self.scan.limit {
            Some(limit) => write!(f, ", limit={limit}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for TableScanExec {
    fn name(&self) -> &'static str {
        "TableScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("a scan of a table has no inputs"),
        }
    }

    fn execute(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a scan of a table has no partition {partition}");
        }
        let (table, scan, observer) = (Arc::clone(&self.table), self.scan.clone(), self.observer.clone());
        if let Some(observer) = &observer {
            observer.scan_opened();
        }
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let opened = async move { table.scan(&scan).await.map(|scan| scan.batches) };
        let batches = stream::once(opened).try_flatten().map_err(to_datafusion);
        let counted = batches.map_ok(move |batch| {
            if let Some(observer) = &observer {
                observer.rows_read(batch.num_rows());
            }
            batch.record_output(&metrics)
        });
        Ok(make_cooperative(Box::pin(RecordBatchStreamAdapter::new(self.schema(), counted.boxed()))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn partition_statistics(&self, _partition: Option<usize>) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = self.rows();
        Ok(Arc::new(statistics))
    }

    fn fetch(&self) -> Option<usize> {
        self.scan.limit
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let mut limited = self.clone();
        limited.scan.limit = limit;
        Some(Arc::new(limited))
    }
}
