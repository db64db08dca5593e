//! Reading keys, edges and conditions, with what is read counted for the query.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use worldstore_core::{Error, Result};

use super::csr::Adjacency;
use super::nodes::{NOWHERE, Nodes};
use crate::catalog::{Mounts, Pinned};
use crate::error::from_datafusion;
use crate::execute::Execution;

/// See the module.
#[derive(Debug)]
pub(crate) struct Loader {
    mounts: Mounts,
    plans: Mutex<Vec<Arc<dyn ExecutionPlan>>>,
}

impl Loader {
    pub fn new(mounts: &Mounts) -> Self {
        Self { mounts: mounts.clone(), plans: Mutex::default() }
    }

    /// What was run.
    pub fn plans(&self) -> Vec<Arc<dyn ExecutionPlan>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a plan.
    pub async fn run(&self, plan: &LogicalPlan) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let execution = Execution::new(plan, &self.mounts, None).await?;
        let stream = execution.stream()?;
        let schema = stream.schema();
        let batches = stream.try_collect().await.map_err(from_datafusion)?;
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).push(execution.into_plan());
        Ok((schema, batches))
    }

    /// Columns of rows that a condition keeps.
    pub async fn columns(
        &self,
        rows: LogicalPlan,
        alias: &str,
        columns: &[&str],
        conditions: Vec<Expr>,
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let mut plan = LogicalPlanBuilder::from(rows);
        for condition in conditions {
            plan = plan.filter(condition).map_err(from_datafusion)?;
        }
        let column = |name: &&str| Expr::Column(Column::new(Some(TableReference::bare(alias)), *name));
        let plan = plan.project(columns.iter().map(column).collect::<Vec<_>>()).and_then(LogicalPlanBuilder::build);
        self.run(&plan.map_err(from_datafusion)?).await
    }

    /// The nodes of a label by a column; none if they cannot be numbered by it.
    pub async fn nodes(&self, label: &Pinned, column: &str) -> Result<Option<Nodes>> {
        let alias = "nodes";
        let plan = label.plan(alias).map_err(Error::from)?;
        let (schema, batches) = self.columns(plan, alias, &[column], Vec::new()).await?;
        Nodes::new(schema.field(0).data_type(), &batches)
    }

    /// The edges between nodes; one that names a node that is not there is none. None if their columns do not fit.
    pub async fn edges(
        &self,
        rows: &Pinned,
        (source, target): (&str, &str),
        (starts, ends): (&Nodes, &Nodes),
    ) -> Result<Option<Adjacency>> {
        let alias = "edges";
        let plan = rows.plan(alias).map_err(Error::from)?;
        let columns = if source == target { vec![source] } else { vec![source, target] };
        let (_, batches) = self.columns(plan, alias, &columns, Vec::new()).await?;
        let mut edges = (Vec::new(), Vec::new());
        for batch in batches {
            let target = batch.columns().last().ok_or_else(|| Error::unexpected("edges without columns"))?;
            let (Some(from), Some(to)) = (starts.places(batch.column(0))?, ends.places(target)?) else {
                return Ok(None);
            };
            for (start, end) in from.into_iter().zip(to) {
                if start != NOWHERE && end != NOWHERE {
                    edges.0.push(start);
                    edges.1.push(end);
                }
            }
        }
        if u32::try_from(edges.0.len()).is_err() {
            return Ok(None);
        }
        Ok(Some(Adjacency::new((starts.count(), ends.count()), &edges.0, &edges.1)))
    }
}
