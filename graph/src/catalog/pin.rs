//! Fixing the state of rows for one query.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{Column, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use worldstore_core::Error;
use worldstore_core::table::base;
use worldstore_cypher::ast::Computed;
use worldstore_datafusion::{PinnedProvider, TableSnapshot, TableSource};

use super::Rows;
use super::overlay::{Overlay, PinnedOverlay};
use crate::asked::Asked;
use crate::bind::{Lower, Names};
use crate::error::{QueryError, from_datafusion};
use crate::io_stats::Counters;
use crate::snapshot::Snapshot;
use crate::tier::{CONFIDENCE, Minimum, TIER};
use crate::value::Parameters;
use crate::window::{GROUP_SEQUENCES, OwnedTable, Window};

/// Rows in one state, and what is derived from them.
#[derive(Debug, Clone)]
pub(crate) struct Pinned {
    pub(super) provider: Arc<dyn TableProvider>,
    computed: Vec<Computed>,
    overlay: Option<PinnedOverlay>,
    minimum: Minimum,
    /// The row groups that are read.
    pub window: Arc<Window>,
    /// Row groups are stretches of sequence numbers.
    is_by_sequence: bool,
}

impl Pinned {
    pub async fn new(
        rows: &Rows,
        computed: &[Computed],
        tables: Option<&Arc<dyn TableSource>>,
        counters: &Arc<Counters>,
    ) -> Result<Self, Error> {
        Self::of_rows(rows, computed, &Asked::plain(tables, counters)).await
    }

    /// The same, with corrections over it, if there are some.
    pub async fn corrected(mut self, overlay: Option<&Overlay>, asked: &Asked) -> Result<Self, Error> {
        if let Some(overlay) = overlay {
            self.overlay = Some(overlay.pin(asked).await?);
        }
        Ok(self)
    }

    /// Rows as they are.
    pub async fn of_rows(rows: &Rows, computed: &[Computed], asked: &Asked) -> Result<Self, Error> {
        let window = Arc::new(Window::default());
        let mut is_by_sequence = false;
        let provider: Arc<dyn TableProvider> = match rows {
            Rows::Lake(label) => Arc::new(label.pin(Arc::clone(&asked.counters), Arc::clone(&window))),
            Rows::File(file) => {
                let batches = file.batches(&asked.counters).await?;
                asked.counters.add_snapshot(Snapshot::of_rows(file.from.to_string(), Arc::clone(&batches)));
                Arc::new(OwnedTable { schema: Arc::clone(&file.schema), batches, window: Arc::clone(&window) })
            }
            Rows::Format(table) => {
                let pinned = asked.pin_format(table).await?;
                let provider = PinnedProvider::new(pinned);
                Arc::new(provider.with_observer(Arc::clone(&asked.counters) as _))
            }
            Rows::Missing { declared, why } => {
                return Err(Error::not_found("these rows cannot be reached").with("rows", declared).with("why", why));
            }
            Rows::Table(selection) => {
                let pinned = asked.pin(selection).await?;
                if let Some(TableSnapshot::Sequence(seq)) = pinned.snapshot() {
                    is_by_sequence = pinned.schema().column_with_name(base::SEQ).is_some();
                    window.note_total(seq / GROUP_SEQUENCES + 1);
                }
                let provider = PinnedProvider::new(pinned);
                Arc::new(provider.with_observer(Arc::clone(&asked.counters) as _))
            }
        };
        let (computed, minimum) = (computed.to_vec(), asked.minimum);
        Ok(Self { provider, computed, overlay: None, minimum, window, is_by_sequence })
    }

    /// True if it can be read by row groups.
    pub fn has_groups(&self) -> bool {
        self.is_by_sequence || !(self.provider.as_ref() as &dyn std::any::Any).is::<PinnedProvider>()
    }

    /// The rows as DataFusion reads them, without what is derived.
    pub fn provider(&self) -> &dyn TableProvider {
        &*self.provider
    }

    /// All columns, derived ones too, under this name.
    pub fn plan(&self, alias: &str) -> Result<LogicalPlan, QueryError> {
        let source = provider_as_source(Arc::clone(&self.provider));
        let mut plan = LogicalPlanBuilder::scan(TableReference::bare(alias), source, None).map_err(from_datafusion)?;
        if let Some(range) = self.window.sequences(alias).filter(|_| self.is_by_sequence) {
            let seq = || Expr::Column(Column::new(Some(TableReference::bare(alias)), base::SEQ));
            let (first, last) = (lit(*range.start()), lit(*range.end()));
            plan = plan.filter(seq().gt_eq(first).and(seq().lt_eq(last))).map_err(from_datafusion)?;
        }
        if let Some(overlay) = &self.overlay {
            plan = overlay.over(plan, alias)?;
        }
        let parameters = Parameters::default();
        for computed in &self.computed {
            let lower = Lower { schema: plan.schema(), names: Names::Columns, parameters: &parameters };
            let value = lower.value(&computed.value)?.alias(&computed.name.text);
            let columns = plan.schema().columns().into_iter().map(Expr::Column);
            let columns: Vec<_> = columns.chain([value]).collect();
            plan = plan.project(columns).map_err(from_datafusion)?;
        }
        if !self.minimum.is_none() {
            let column = |name: &str| plan.schema().columns().into_iter().find(|column| column.name == name);
            let (tier, confidence) = (column(TIER).map(Expr::Column), column(CONFIDENCE).map(Expr::Column));
            if let Some(condition) = self.minimum.condition(tier, confidence)? {
                plan = plan.filter(condition).map_err(from_datafusion)?;
            }
        }
        let plan = plan.alias(TableReference::bare(alias)).and_then(|plan| plan.build());
        Ok(plan.map_err(from_datafusion)?)
    }
}
