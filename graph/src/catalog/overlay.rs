//! Corrections to rows that cannot be changed: rows of the same key whose values win.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::{Column, JoinType, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::functions::expr_fn::coalesce;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, ExprSchemable, LogicalPlanBuilder, WindowFunctionDefinition, cast, lit,
};
use worldstore_core::table::base;
use worldstore_core::{Error, Result};

use super::kept::KeptRows;
use super::{Pinned, Rows};
use crate::asked::Asked;
use crate::bind::once;
use crate::error::from_datafusion;
use crate::snapshot::Snapshot;
use crate::window::OwnedTable;

/// The name of the corrections in plans; no label can be called so.
const NAME: &str = " corrections";
/// The name of the number that tells which correction of a key is the newest.
const NUMBER: &str = " number";

/// Corrections to the rows of a label: those of the same key. A value that is there wins, one that is null leaves the row
/// as it is. Of a table with sequence numbers only the newest row of a key counts; of other rows none can be told to be the
/// newest, so a key that is there twice is an error.
#[derive(Debug, Clone)]
pub(crate) struct Overlay {
    /// The column that identifies a row, in both.
    pub key: String,
    pub rows: Corrections,
}

/// Where corrections are.
#[derive(Debug, Clone)]
pub(crate) enum Corrections {
    /// Rows that were declared.
    Declared(Rows),
    /// Rows that were given; each key once.
    Given(Arc<[RecordBatch]>, SchemaRef),
    /// The same, of a stored catalog.
    Kept(Arc<KeptRows>),
}

/// Corrections in one state.
#[derive(Debug, Clone)]
pub(crate) struct PinnedOverlay {
    key: String,
    provider: Arc<dyn TableProvider>,
}

impl Overlay {
    /// Fixes their state.
    pub async fn pin(&self, asked: &Asked) -> Result<PinnedOverlay> {
        let provider = match &self.rows {
            Corrections::Declared(rows) => Pinned::of_rows(rows, &[], asked).await?.provider,
            Corrections::Given(batches, schema) => given(Arc::clone(batches), Arc::clone(schema), asked),
            Corrections::Kept(kept) => {
                let (batches, schema) = kept.rows().await?;
                given(batches, schema, asked)
            }
        };
        Ok(PinnedOverlay { key: self.key.clone(), provider })
    }
}

fn given(batches: Arc<[RecordBatch]>, schema: SchemaRef, asked: &Asked) -> Arc<dyn TableProvider> {
    asked.counters.add_snapshot(Snapshot::of_rows("corrections", Arc::clone(&batches)));
    Arc::new(OwnedTable { schema, batches, window: Arc::default() })
}

impl PinnedOverlay {
    /// Puts them over rows that have this name.
    ///
    /// # Errors
    /// `Invalid`: they have not the key, or not a column that the rows have.
    pub fn over(&self, rows: LogicalPlanBuilder, name: &str) -> Result<LogicalPlanBuilder> {
        let of = |table: &str, column: &str| Expr::Column(Column::new(Some(TableReference::bare(table)), column));
        let base = rows.schema().clone();
        let (key, is_key) = (&self.key, |column: &str| column == self.key);
        let kind = |schema: &datafusion::common::DFSchema, table: &str, column: &str| {
            of(table, column).get_type(schema).map_err(from_datafusion)
        };
        let corrections = self.newest(&kind(&base, name, key)?)?;
        let over = corrections.schema().clone();
        let on = of(name, key).eq(of(NAME, key));
        let mut columns = Vec::new();
        for column in base.columns() {
            let corrected = !is_key(&column.name) && over.columns().iter().any(|other| other.name == column.name);
            columns.push(match corrected && !is_base(&column.name) {
                false => of(name, &column.name),
                true => {
                    let value = cast(of(NAME, &column.name), kind(&base, name, &column.name)?);
                    coalesce(vec![value, of(name, &column.name)])
                        .alias_qualified(Some(TableReference::bare(name)), &column.name)
                }
            });
        }
        rows.join_on(corrections.build().map_err(from_datafusion)?, JoinType::Left, [on])
            .and_then(|plan| plan.project(columns))
            .map_err(from_datafusion)
    }

    /// One row of each key, which is of this type; a query fails that finds two and cannot tell which is the newer one.
    fn newest(&self, key_type: &DataType) -> Result<LogicalPlanBuilder> {
        let of = |column: &str| Expr::Column(Column::new(Some(TableReference::bare(NAME)), column));
        let source = provider_as_source(Arc::clone(&self.provider));
        let plan = LogicalPlanBuilder::scan(TableReference::bare(NAME), source, None).map_err(from_datafusion)?;
        let schema = self.provider.schema();
        if schema.column_with_name(&self.key).is_none() {
            return Err(Error::invalid("corrections need the key of their label").with("key", &self.key));
        }
        let columns: Vec<_> = plan.schema().columns().into_iter().map(Expr::Column).collect();
        // Keys are told apart as those of the rows are: two texts may be one number.
        let typed = columns.iter().map(|column| match column == &of(&self.key) {
            true => cast(column.clone(), key_type.clone()).alias_qualified(Some(TableReference::bare(NAME)), &self.key),
            false => column.clone(),
        });
        let typed: Vec<_> = typed.collect();
        let (number, by_key) = (Expr::Column(Column::new_unqualified(NUMBER)), vec![of(&self.key)]);
        let (counted, fits) = match schema.column_with_name(base::SEQ) {
            Some(_) => {
                let newest = vec![of(base::SEQ).sort(false, false)];
                (row_number().partition_by(by_key).order_by(newest), number.eq(lit(1_u64)))
            }
            None => (all_of_key().partition_by(by_key), once(number, &self.key)),
        };
        let counted = counted.build().map_err(from_datafusion)?.alias(NUMBER);
        plan.project(typed)
            .and_then(|plan| plan.filter(of(&self.key).is_not_null()))
            .and_then(|plan| plan.window([counted]))
            .and_then(|plan| plan.filter(fits))
            .and_then(|plan| plan.project(columns))
            .map_err(from_datafusion)
    }
}

/// How many rows have the key.
fn all_of_key() -> Expr {
    Expr::from(WindowFunction::new(WindowFunctionDefinition::AggregateUDF(count_udaf()), vec![lit(1_i64)]))
}

/// Columns that say where a row is stored, and not what it says.
fn is_base(column: &str) -> bool {
    [base::WORLD, base::RUN, base::ENTITY, base::TICK, base::ACTIVE, base::SEQ].contains(&column)
}
