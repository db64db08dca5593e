//! The operator: row groups one after the other, the next one being read while one is decoded.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::datasource::physical_plan::ParquetFileMetrics;
use datafusion::datasource::physical_plan::parquet::{RowGroupAccess, RowGroupAccessPlanFilter};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};
use parquet::arrow::arrow_reader::RowSelection;

use super::asked::Asked;
use super::fetch::held;
use super::group::{Group, Start};
use super::work::{Portion, Work};
use crate::error::to_datafusion;
use crate::lake::pages::{Mask, Part, Scratch};

/// Reads columns of files page by page.
#[derive(Debug)]
pub(crate) struct PageScanExec {
    properties: Arc<PlanProperties>,
    asked: Arc<Asked>,
    work: Work,
    metrics: ExecutionPlanMetricsSet,
}

impl PageScanExec {
    /// In place of a scan.
    pub(super) fn new(scan: &DataSourceExec, asked: Asked, work: Work) -> Self {
        let (properties, metrics) = (Arc::clone(scan.properties()), ExecutionPlanMetricsSet::new());
        Self { properties, asked: Arc::new(asked), work, metrics }
    }
}

impl DisplayAs for PageScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (files, groups) = self.work.counts();
        let names = self.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
        write!(f, "PageScanExec: files={files}, row_groups={groups}, projection=[{names}]")?;
        for (_, condition) in &self.asked.conditions {
            write!(f, ", condition={condition}")?;
        }
        match &self.asked.rest {
            Some(rest) => write!(f, ", condition={rest}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for PageScanExec {
    fn name(&self) -> &str {
        "PageScanExec"
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
            false => Err(DataFusionError::Internal("a scan has no inputs".to_owned())),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let portions = self.work.0.get(partition);
        let portions = portions.ok_or_else(|| DataFusionError::Internal("there is no such partition".to_owned()))?;
        let reader = Reader {
            asked: Arc::clone(&self.asked),
            portions: portions.iter().cloned().collect(),
            starts: VecDeque::new(),
            ahead: None,
            open: None,
            scratch: Scratch::default(),
            rows_max: context.session_config().batch_size(),
            memory: MemoryConsumer::new("a scan of files").register(context.memory_pool()),
            metrics: self.metrics.clone(),
            baseline: BaselineMetrics::new(&self.metrics, partition),
            partition,
        };
        let batches = stream::try_unfold(reader, |mut reader| async move {
            let batch = reader.next().await?;
            Ok(batch.map(|batch| (batch, reader)))
        });
        Ok(Box::pin(cooperative(RecordBatchStreamAdapter::new(self.schema(), batches.boxed()))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// What one partition reads.
struct Reader {
    asked: Arc<Asked>,
    portions: VecDeque<Portion>,
    starts: VecDeque<Start>,
    ahead: Option<Ahead>,
    open: Option<Group>,
    scratch: Scratch,
    rows_max: usize,
    memory: MemoryReservation,
    metrics: ExecutionPlanMetricsSet,
    baseline: BaselineMetrics,
    partition: usize,
}

/// A row group that is being read.
type Ahead = SpawnedTask<worldstore_core::Result<(Start, Vec<Vec<Part>>)>>;

impl Reader {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let timer = self.baseline.elapsed_compute().timer();
            if let Some(group) = &mut self.open {
                if let Some(batch) = group.next(&self.asked, self.rows_max, &mut self.scratch)? {
                    return Ok(Some(batch.record_output(&self.baseline)));
                }
                self.open = None;
            }
            drop(timer);
            let Some(task) = self.ahead.take().or_else(|| self.read_ahead()) else { return Ok(None) };
            let read = task.await.map_err(|error| DataFusionError::External(Box::new(error)))?;
            let (start, parts) = read.map_err(to_datafusion)?;
            self.ahead = self.read_ahead();
            self.memory.try_resize(held(&parts))?;
            self.open = start.narrowed(&self.asked, parts, &mut self.scratch).await?;
            self.memory.try_resize(self.open.as_ref().map_or(0, |group| group.held))?;
        }
    }

    /// Begins to read the next row group.
    fn read_ahead(&mut self) -> Option<Ahead> {
        while self.starts.is_empty() {
            let portion = self.portions.pop_front()?;
            self.starts = self.starts_of(&portion);
        }
        let (start, asked) = (self.starts.pop_front()?, Arc::clone(&self.asked));
        Some(SpawnedTask::spawn(async move {
            let parts = start.read(&asked).await?;
            Ok((start, parts))
        }))
    }

    /// The row groups of a portion that statistics leave, and their rows that the index of their pages leaves.
    fn starts_of(&self, portion: &Portion) -> VecDeque<Start> {
        let (file, schema) = (&portion.file, &self.asked.file_schema);
        let footer = file.lake.footer.as_ref();
        let descriptor = footer.file_metadata().schema_descr();
        let mut access = file.access.clone();
        (0..access.len()).filter(|group| !portion.groups.contains(group)).for_each(|group| access.skip(group));
        if self.asked.group_pruning.is_some() || self.asked.page_pruning.is_some() {
            let metrics = ParquetFileMetrics::new(self.partition, file.lake.key.as_str(), &self.metrics);
            if let Some(pruning) = &self.asked.group_pruning {
                let mut filter = RowGroupAccessPlanFilter::new(access);
                filter.prune_by_statistics(schema, descriptor, footer.row_groups(), pruning, &metrics);
                access = filter.build();
            }
            if let Some(pruning) = &self.asked.page_pruning {
                access = pruning.prune_plan_with_page_index(access, schema, descriptor, footer, &metrics);
            }
        }
        let start = |(group, access): (usize, &RowGroupAccess)| {
            let rows = usize::try_from(footer.row_group(group).num_rows()).unwrap_or(0);
            let mask = match access {
                RowGroupAccess::Skip => return None,
                RowGroupAccess::Scan => Mask::all(rows),
                RowGroupAccess::Selection(selection) => selected(rows, selection),
            };
            (mask.count(0..rows) > 0).then(|| Start { file: Arc::clone(file), group, mask })
        };
        access.inner().iter().enumerate().filter_map(start).collect()
    }
}

/// The rows that are selected.
fn selected(rows: usize, selection: &RowSelection) -> Mask {
    let (mut mask, mut row) = (Mask::all(rows), 0);
    for selector in selection.iter() {
        let end = row + selector.row_count;
        if selector.skip {
            mask.clear(row..end);
        }
        row = end;
    }
    mask.clear(row..rows);
    mask
}
