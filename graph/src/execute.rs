//! Running a plan, and what comes out of it.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::SessionConfig;
use worldstore_async::object_store::BackendObjectStore;
use worldstore_core::Result;

use crate::catalog::Mounts;
use crate::error::from_datafusion;
use crate::io_stats::{Counters, IoStats};
use crate::lake::LakeTable;

/// Rows of a batch while a query runs.
const BATCH_ROWS: usize = 32_768;

/// What a statement gave: rows, and what was read for them. A statement that asks for none has no columns.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QueryResult {
    /// The columns, in the order of `RETURN`.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
    /// What was read.
    pub io_stats: IoStats,
}

impl QueryResult {
    /// The result of a statement that asks for nothing.
    pub(crate) fn none() -> Self {
        Self { schema: Arc::new(Schema::empty()), batches: Vec::new(), io_stats: IoStats::default() }
    }

    /// The same, and what was read for it.
    pub(crate) fn with_stats(self, counters: &Counters) -> Self {
        Self { io_stats: counters.finish(None), ..self }
    }

    /// What footers gave.
    pub(crate) fn known(schema: SchemaRef, batch: RecordBatch, counters: &Counters) -> Self {
        Self { schema, batches: vec![batch], io_stats: counters.finish(None) }
    }

    pub(crate) fn of(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), batches: vec![batch], io_stats: IoStats::default() }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// One query on its way through DataFusion.
pub(crate) struct Execution {
    context: SessionContext,
    plan: Arc<dyn ExecutionPlan>,
}

impl Execution {
    /// Optimises and plans: lists and footers are read here, data is not.
    pub async fn new(plan: &LogicalPlan, mounts: &Mounts) -> Result<Self> {
        let config = SessionConfig::new().with_batch_size(BATCH_ROWS);
        let context = SessionContext::new_with_config(config);
        for (mount, backend) in &mounts.backends {
            let url = LakeTable::url(mount).map_err(from_datafusion)?;
            let store = Arc::new(BackendObjectStore::new(Arc::clone(backend)));
            context.register_object_store(url.as_ref(), store);
        }
        let plan = context.state().create_physical_plan(plan).await.map_err(from_datafusion)?;
        Ok(Self { context, plan })
    }

    /// Runs it to its end.
    pub async fn run(self, counters: &Counters) -> Result<QueryResult> {
        let schema = self.plan.schema();
        let batches = collect(Arc::clone(&self.plan), self.context.task_ctx()).await.map_err(from_datafusion)?;
        Ok(QueryResult { schema, batches, io_stats: counters.finish(Some(&self.plan)) })
    }

    /// The plan as text, and what it leaves out.
    pub fn explain(&self, logical: &LogicalPlan, counters: &Counters) -> String {
        let physical = displayable(self.plan.as_ref()).indent(false).to_string();
        explained(logical, &physical, counters)
    }
}

/// A plan as text, and what it leaves out.
pub(crate) fn explained(logical: &LogicalPlan, physical: &str, counters: &Counters) -> String {
    let stats = counters.finish(None);
    format!(
        "logical plan\n{}\n\nphysical plan\n{physical}\npartitions {} of {}, files {} of {}, row groups {} of {}, footers read {}",
        logical.display_indent(),
        stats.partitions_kept(),
        stats.partitions_total,
        stats.files_kept(),
        stats.files_total,
        stats.row_groups_total - stats.row_groups_pruned,
        stats.row_groups_total,
        stats.footers_read,
    )
}
