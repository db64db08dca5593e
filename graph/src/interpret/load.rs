//! Reading rows for the interpreter, which waits for them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use tokio::runtime::Handle;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher::ast::Computed;
use worldstore_cypher_runtime::Wanted;

use super::narrow::Narrowed;
use super::rows::Rows;
use crate::asked::Asked;
use crate::catalog::{self, Mounts, Overlay, Pinned};
use crate::error::{QueryError, from_datafusion};
use crate::execute::Execution;
use crate::limits::LimitReached;

/// See the module.
pub(super) struct Loader {
    pub handle: Handle,
    pub mounts: Mounts,
    pub asked: Asked,
    /// Corrections, by label.
    pub overlays: BTreeMap<String, Arc<Overlay>>,
    /// The properties that the query may need.
    pub wanted: Wanted,
    /// Bytes that rows and edges may take.
    pub memory_max: u64,
    pub held: Cell<u64>,
    pub plans: RefCell<Vec<Arc<dyn ExecutionPlan>>>,
    /// The limit that ended the query while it read.
    pub stopped: RefCell<Option<LimitReached>>,
}

impl Loader {
    /// What was run.
    pub fn plans(&self) -> Vec<Arc<dyn ExecutionPlan>> {
        self.plans.borrow().clone()
    }

    /// Notes that so many bytes more are held.
    ///
    /// # Errors
    /// `Unavailable`: that is too much.
    pub fn hold(&self, bytes: usize) -> Result<()> {
        let held = self.held.get() + bytes as u64;
        self.held.set(held);
        match held <= self.memory_max {
            true => Ok(()),
            false => {
                self.stop(LimitReached::memory(self.memory_max));
                Err(Error::new(ErrorKind::Unavailable, "the query needs more memory than it may use"))
            }
        }
    }

    /// Notes why nothing more is read: the interpreter passes on errors of the store only.
    fn stop(&self, reached: LimitReached) {
        self.stopped.replace(Some(reached));
    }

    /// Reads the rows that may be needed: the columns that are wanted, and those that edges need.
    pub fn rows(
        &self,
        name: &str,
        rows: &catalog::Rows,
        computed: &[Computed],
        keys: Vec<String>,
        narrowed: &Narrowed,
    ) -> Result<Rows> {
        let read = self.asked.guard.watch(async { Ok(self.read(name, rows, computed, keys, narrowed).await?) });
        match self.handle.block_on(read) {
            Ok(batches) => Ok(Rows::new(batches)),
            Err(QueryError::Limit(reached)) => {
                self.stop(*reached);
                Err(Error::new(ErrorKind::Unavailable, "the query was stopped while it read").with("read for", name))
            }
            Err(error) => Err(Error::from(error).with("read for", name)),
        }
    }

    async fn read(
        &self,
        name: &str,
        rows: &catalog::Rows,
        computed: &[Computed],
        keys: Vec<String>,
        narrowed: &Narrowed,
    ) -> Result<Vec<RecordBatch>> {
        let overlay = self.overlays.get(name).map(Arc::as_ref);
        let pinned = Pinned::of_rows(rows, computed, &self.asked).await?.corrected(overlay, &self.asked).await?;
        let plan = pinned.plan(name).map_err(Error::from)?;
        let keys: BTreeSet<String> = keys.into_iter().collect();
        let is_wanted = |column: &str| match &self.wanted {
            Wanted::All => true,
            Wanted::Names(names) => keys.contains(column) || names.iter().any(|name| **name == *column),
        };
        let columns = plan.schema().columns();
        let mut wanted: Vec<_> = columns.iter().filter(|column| is_wanted(&column.name)).cloned().collect();
        if wanted.is_empty() {
            // Rows without columns cannot be counted.
            wanted.extend(columns.into_iter().take(1));
        }
        let wanted = wanted.into_iter().map(|column| Expr::Column(column.with_relation(TableReference::bare(name))));
        let table = TableReference::bare(name);
        let condition = narrowed.condition(|property| {
            let field = plan.schema().field_with_qualified_name(&table, property).ok()?;
            Some((Expr::Column(Column::new(Some(table.clone()), property)), field.data_type().clone()))
        });
        let plan = match condition {
            Some(condition) => LogicalPlanBuilder::from(plan).filter(condition),
            None => Ok(LogicalPlanBuilder::from(plan)),
        };
        let plan = plan.and_then(|plan| plan.project(wanted)).and_then(LogicalPlanBuilder::build);
        let execution = Execution::in_order(&plan.map_err(from_datafusion)?, &self.mounts).await?;
        let mut stream = execution.stream()?;
        let mut batches = Vec::new();
        while let Some(batch) = stream.try_next().await.map_err(from_datafusion)? {
            self.hold(batch.get_array_memory_size())?;
            batches.push(batch);
        }
        self.plans.borrow_mut().push(execution.into_plan());
        Ok(batches)
    }
}
