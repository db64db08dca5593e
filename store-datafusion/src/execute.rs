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
use crate::openings::Openings;
use crate::provider::ScanObserver;
use crate::source::{PinnedTable, RowCount};

/// Reads a pinned table, in one partition or several. The scan is opened once for all of them, when the first batch of one
/// is asked for.
#[derive(Debug, Clone)]
pub(crate) struct TableScanExec {
    table: Arc<dyn PinnedTable>,
    scan: Scan,
    opened: Arc<Openings>,
    observer: Option<Arc<dyn ScanObserver>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl TableScanExec {
    /// A read of these columns; they have this schema. There are as many partitions as the scan may have parts.
    pub fn new(table: Arc<dyn PinnedTable>, scan: Scan, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(scan.parts.most()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative));
        let (opened, metrics) = (Arc::default(), ExecutionPlanMetricsSet::new());
        Self { table, scan, opened, observer: None, properties, metrics }
    }

    pub fn with_observer(mut self, observer: Arc<dyn ScanObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    fn rows(&self) -> Precision<usize> {
        let limited = |rows: u64| {
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            self.scan.limit.map_or(rows, |limit| limit.saturating_mul(self.scan.parts.most()).min(rows))
        };
        // Each partition has a limit of its own.
        let is_one = self.scan.limit.is_none() || self.scan.parts.most() == 1;
        match self.table.rows() {
            RowCount::Exact(rows) if self.scan.predicate.is_none() && is_one => Precision::Exact(limited(rows)),
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
        if self.scan.parts.most() > 1 {
            write!(f, ", partitions={}", self.scan.parts.most())?;
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
        if partition >= self.scan.parts.most() {
            return internal_err!("a scan of a table has no partition {partition}");
        }
        let (table, scan, observer) = (Arc::clone(&self.table), self.scan.clone(), self.observer.clone());
        let (opening, is_new) = self.opened.claim(partition);
        if let Some(observer) = observer.as_ref().filter(|_| is_new) {
            observer.scan_opened();
        }
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let opened = async move { opening.part(partition, &*table, &scan).await };
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

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        // How the rows are divided shows when they are read.
        if partition.is_none() || self.scan.parts.most() == 1 {
            statistics.num_rows = self.rows();
        }
        Ok(Arc::new(statistics))
    }

    fn fetch(&self) -> Option<usize> {
        self.scan.limit
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let mut limited = self.clone();
        (limited.scan.limit, limited.opened) = (limit, Arc::default());
        Some(Arc::new(limited))
    }
}
