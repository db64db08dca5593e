//! Running a plan, and what comes out of it.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use datafusion::prelude::SessionConfig;
use futures::TryStreamExt;
use worldstore_async::object_store::BackendObjectStore;
use worldstore_core::Result;
use worldstore_cypher_runtime::SideEffects;

use crate::asked::Asked;
use crate::catalog::Mounts;
use crate::error::{QueryError, from_datafusion};
use crate::io_stats::{Counters, IoStats};
use crate::lake::{LakeTable, by_pages, together};
use crate::limits::{LimitReached, Outcome};
use crate::snapshot::Snapshot;
use crate::stop::{OnDrop, Stop, stoppable};
use crate::tier::Minimum;

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
    /// Whether these are all rows.
    pub outcome: Outcome,
    /// The states that were read, one for each source at least: asked in the same again, the query gives the same.
    pub snapshots: Vec<Snapshot>,
    /// How sure what was read had to be: rows that are less sure were left out.
    pub minimum: Minimum,
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
    pub(crate) fn with_plans(self, asked: &Asked, plans: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { io_stats: asked.finish(plans), ..self }
    }

    /// What footers gave.
    pub(crate) fn known(schema: SchemaRef, batch: RecordBatch, counters: &Counters) -> Self {
        Self::with(schema, vec![batch], counters.finish(&[]))
    }

    pub(crate) fn of(batch: RecordBatch) -> Self {
        Self::with(batch.schema(), vec![batch], IoStats::default())
    }

    pub(crate) fn with(schema: SchemaRef, batches: Vec<RecordBatch>, io_stats: IoStats) -> Self {
        Self {
            schema,
            batches,
            io_stats,
            side_effects: SideEffects::default(),
            outcome: Outcome::Complete,
            snapshots: Vec::new(),
            minimum: Minimum::default(),
        }
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
    memory: Option<u64>,
    stop: Stop,
}

/// What a result holds so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub rows: u64,
    pub bytes: u64,
}

impl Execution {
    /// Optimises and plans: lists and footers are read here, data is not. Operators and the result may hold so many bytes.
    pub async fn new(plan: &LogicalPlan, mounts: &Mounts, memory: Option<u64>) -> Result<Self> {
        Self::with(plan, mounts, SessionConfig::new(), memory).await
    }

    /// The same, for a plan whose rows shall come in the order of their source.
    pub async fn in_order(plan: &LogicalPlan, mounts: &Mounts) -> Result<Self> {
        Self::with(plan, mounts, SessionConfig::new().with_target_partitions(1), None).await
    }

    async fn with(plan: &LogicalPlan, mounts: &Mounts, config: SessionConfig, memory: Option<u64>) -> Result<Self> {
        // The last of the best rows so far is a condition for those to come, which few of them fulfil.
        let late = "datafusion.execution.parquet.pushdown_filters";
        let config = config.with_batch_size(BATCH_ROWS).set_bool(late, is_top(plan));
        let context = match memory {
            None => SessionContext::new_with_config(config),
            Some(bytes) => {
                let pool = GreedyMemoryPool::new(usize::try_from(bytes).unwrap_or(usize::MAX));
                let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).build_arc();
                SessionContext::new_with_config_rt(config, runtime.map_err(from_datafusion)?)
            }
        };
        for (mount, backend) in &mounts.backends {
            let url = LakeTable::url(mount).map_err(from_datafusion)?;
            let store = Arc::new(BackendObjectStore::new(Arc::clone(backend)));
            context.register_object_store(url.as_ref(), store);
        }
        let plan = context.state().create_physical_plan(plan).await.and_then(by_pages).and_then(together);
        let plan = plan.map_err(from_datafusion)?;
        Ok(Self { context, plan, memory, stop: Stop::default() })
    }

    /// The same, ended by what is asked of it, or by being dropped.
    pub fn stoppable(mut self, stop: &Stop) -> Result<Self> {
        self.plan = stoppable(self.plan, stop).map_err(from_datafusion)?;
        self.stop = stop.clone();
        Ok(self)
    }

    /// Runs it to its end.
    pub async fn run(self, asked: &Asked) -> Result<QueryResult, QueryError> {
        self.run_after(asked, Vec::new()).await
    }

    /// The same, after other plans have read for the query.
    pub async fn run_after(
        self,
        asked: &Asked,
        mut plans: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<QueryResult, QueryError> {
        let batches = self.collect(asked.rows, &mut Tally::default()).await?;
        let schema = self.plan.schema();
        plans.push(self.plan);
        Ok(QueryResult::with(schema, batches, asked.finish(plans)))
    }

    /// Runs it to its end, with what the result holds already.
    pub async fn collect(&self, rows_max: Option<u64>, tally: &mut Tally) -> Result<Vec<RecordBatch>, QueryError> {
        let pool = &self.context.runtime_env().memory_pool;
        let held = MemoryConsumer::new("the result").register(pool);
        held.try_grow(usize::try_from(tally.bytes).unwrap_or(usize::MAX)).map_err(|error| self.failed(error))?;
        let mut stream = self.stream()?;
        // What is dropped before its end leaves no operator behind that computes on.
        let running = OnDrop::new(|| self.stop.stop());
        let mut batches = Vec::new();
        while let Some(batch) = stream.try_next().await.map_err(|error| self.failed(error))? {
            tally.rows += batch.num_rows() as u64;
            if let Some(most) = rows_max.filter(|most| tally.rows > *most) {
                return Err(LimitReached::rows(most).into());
            }
            let bytes = batch.get_array_memory_size();
            held.try_grow(bytes).map_err(|error| self.failed(error))?;
            tally.bytes += bytes as u64;
            batches.push(batch);
        }
        running.end();
        Ok(batches)
    }

    /// Tells what exceeds the memory from everything else.
    fn failed(&self, source: DataFusionError) -> QueryError {
        match (self.memory, source.find_root()) {
            (Some(most), DataFusionError::ResourcesExhausted(_)) => LimitReached::memory(most).caused_by(source).into(),
            _ => from_datafusion(source).into(),
        }
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

/// True if only the first of rows that are read are wanted, in an order of what is read.
fn is_top(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(sort) => sort.fetch.is_some() && is_of_rows(&sort.input),
        LogicalPlan::Limit(limit) => matches!(&*limit.input, LogicalPlan::Sort(sort) if is_of_rows(&sort.input)),
        LogicalPlan::Projection(projection) => is_top(&projection.input),
        _ => false,
    }
}

/// True if rows come out as they are read: an order of groups is known too late to be of use to the scan.
fn is_of_rows(plan: &LogicalPlan) -> bool {
    let is_grouped = matches!(plan, LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) | LogicalPlan::Window(_));
    !is_grouped && plan.inputs().into_iter().all(is_of_rows)
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
