//! Running a plan, and what comes out of it.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable, execute_stream};
use datafusion::prelude::SessionConfig;
use worldstore_async::object_store::BackendObjectStore;
use worldstore_core::Result;
use worldstore_cypher_runtime::SideEffects;

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
    /// What was changed.
    pub side_effects: SideEffects,
}

impl QueryResult {
    /// The result of a statement that asks for nothing.
    pub(crate) fn none() -> Self {
        Self::with(Arc::new(Schema::empty()), Vec::new(), IoStats::default())
    }

    /// The same, and what was read for it.
    pub(crate) fn with_stats(self, counters: &Counters) -> Self {
        Self { io_stats: counters.finish(&[]), ..self }
    }

    /// The same, and what the plans behind it have read.
    pub(crate) fn with_plans(self, counters: &Counters, plans: &[Arc<dyn ExecutionPlan>]) -> Self {
        Self { io_stats: counters.finish(plans), ..self }
    }

    /// What footers gave.
    pub(crate) fn known(schema: SchemaRef, batch: RecordBatch, counters: &Counters) -> Self {
        Self::with(schema, vec![batch], counters.finish(&[]))
    }

    pub(crate) fn of(batch: RecordBatch) -> Self {
        Self::with(batch.schema(), vec![batch], IoStats::default())
    }

    fn with(schema: SchemaRef, batches: Vec<RecordBatch>, io_stats: IoStats) -> Self {
        Self { schema, batches, io_stats, side_effects: SideEffects::default() }
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
        Self::with(plan, mounts, SessionConfig::new()).await
    }

    /// The same, for a plan whose rows shall come in the order of their source.
    pub async fn in_order(plan: &LogicalPlan, mounts: &Mounts) -> Result<Self> {
        Self::with(plan, mounts, SessionConfig::new().with_target_partitions(1)).await
    }

    async fn with(plan: &LogicalPlan, mounts: &Mounts, config: SessionConfig) -> Result<Self> {
        let config = config.with_batch_size(BATCH_ROWS);
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
        self.run_after(counters, Vec::new()).await
    }

    /// The same, after other plans have read for the query.
    pub async fn run_after(self, counters: &Counters, mut plans: Vec<Arc<dyn ExecutionPlan>>) -> Result<QueryResult> {
        let schema = self.plan.schema();
        let batches = collect(Arc::clone(&self.plan), self.context.task_ctx()).await.map_err(from_datafusion)?;
        plans.push(self.plan);
        Ok(QueryResult::with(schema, batches, counters.finish(&plans)))
    }

    /// Begins to run it.
    pub fn stream(&self) -> Result<SendableRecordBatchStream> {
        execute_stream(Arc::clone(&self.plan), self.context.task_ctx()).map_err(from_datafusion)
    }

    /// The plan, with what was measured while it ran.
    pub fn into_plan(self) -> Arc<dyn ExecutionPlan> {
        self.plan
    }

    /// The plan as text, and what it leaves out.
    pub fn explain(&self, logical: &LogicalPlan, counters: &Counters) -> String {
        let physical = displayable(self.plan.as_ref()).indent(false).to_string();
        explained(logical, &physical, counters)
    }
}

/// A plan as text, and what it leaves out.
pub(crate) fn explained(logical: &LogicalPlan, physical: &str, counters: &Counters) -> String {
    let stats = counters.finish(&[]);
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
