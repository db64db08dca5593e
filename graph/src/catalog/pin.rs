//! Fixing the state of rows for one query.

use std::sync::Arc;

use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use worldstore_core::Error;
use worldstore_cypher::ast::Computed;
use worldstore_datafusion::{PinnedProvider, TableSource};

use super::Rows;
use crate::bind::{Lower, Names};
use crate::error::{QueryError, from_datafusion};
use crate::io_stats::Counters;
use crate::value::Parameters;

/// Rows in one state, and what is derived from them.
#[derive(Debug, Clone)]
pub(crate) struct Pinned {
    provider: Arc<dyn TableProvider>,
    computed: Vec<Computed>,
}

impl Pinned {
    pub async fn new(
        rows: &Rows,
        computed: &[Computed],
        tables: Option<&Arc<dyn TableSource>>,
        counters: &Arc<Counters>,
    ) -> Result<Self, Error> {
        let provider: Arc<dyn TableProvider> = match rows {
            Rows::Lake(label) => Arc::new(label.pin(Arc::clone(counters))),
            Rows::Owned { schema, batches, .. } => {
                let table = MemTable::try_new(schema.clone(), vec![batches.clone()]);
                Arc::new(table.map_err(from_datafusion)?)
            }
            Rows::Table(selection) => {
                let tables = tables.ok_or_else(|| Error::not_found("the graph has no tables"))?;
                let provider = PinnedProvider::new(tables.pin(selection).await?);
                Arc::new(provider.with_observer(Arc::clone(counters) as _))
            }
        };
        Ok(Self { provider, computed: computed.to_vec() })
    }

    /// The rows as DataFusion reads them, without what is derived.
    pub fn provider(&self) -> &dyn TableProvider {
        &*self.provider
    }

    /// All columns, derived ones too, under this name.
    pub fn plan(&self, alias: &str) -> Result<LogicalPlan, QueryError> {
        let source = provider_as_source(Arc::clone(&self.provider));
        let mut plan = LogicalPlanBuilder::scan(TableReference::bare(alias), source, None).map_err(from_datafusion)?;
        let parameters = Parameters::default();
        for computed in &self.computed {
            let lower = Lower { schema: plan.schema(), names: Names::Columns, parameters: &parameters };
            let value = lower.value(&computed.value)?.alias(&computed.name.text);
            let columns = plan.schema().columns().into_iter().map(Expr::Column);
            let columns: Vec<_> = columns.chain([value]).collect();
            plan = plan.project(columns).map_err(from_datafusion)?;
        }
        let plan = plan.alias(TableReference::bare(alias)).and_then(|plan| plan.build());
        Ok(plan.map_err(from_datafusion)?)
    }
}
