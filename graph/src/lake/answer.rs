//! Answers from footers: what an aggregation over files in place gives, if paths and statistics decide it wholly.
//!
//! `count(*)`, `count(x)`, `min(x)` and `max(x)` of columns, grouped by columns of the path or not, and sums of columns of
//! the path, under conditions that hold for all rows of each row group or for none. Everything else is read: minima of
//! floats, because NaN is in no statistics; texts that were cut; counts of a column whose nulls are not counted.

mod groups;
mod question;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Aggregate, Expr, FetchType, LogicalPlan, LogicalPlanBuilder, Projection, SkipType};
use worldstore_core::{Error, Result};

use crate::error::from_datafusion;

/// What footers gave.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The result of the query.
    Whole(SchemaRef, RecordBatch),
    /// The query, with the rows that were known in the place of the aggregation.
    Part(Box<LogicalPlan>),
}

/// Answers the aggregation of a plan, if it has one that footers decide. Footers that are not known are read.
///
/// # Errors
/// Those of listing and of reading footers.
pub(crate) async fn answer(plan: &LogicalPlan) -> Result<Option<Answer>> {
    let Some(aggregate) = aggregation(plan) else { return Ok(None) };
    let Some(question) = question::of(aggregate) else { return Ok(None) };
    let Some(columns) = groups::aggregate(&question, aggregate).await? else { return Ok(None) };
    if let LogicalPlan::Projection(projection) = plan
        && let LogicalPlan::Aggregate(below) = unlimited(&projection.input)
        && let Some(whole) = named(projection, below, &columns)?
    {
        return Ok(Some(whole));
    }
    replaced(plan, aggregate, columns).map(|plan| Some(Answer::Part(Box::new(plan))))
}

/// The aggregation below steps that have one input.
fn aggregation(plan: &LogicalPlan) -> Option<&Aggregate> {
    match plan {
        LogicalPlan::Aggregate(aggregate) => Some(aggregate),
        LogicalPlan::Projection(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_) => plan.inputs().first().copied().and_then(aggregation),
        _ => None,
    }
}

/// What is below limits that limit nothing.
fn unlimited(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Limit(limit)
            if matches!(limit.get_skip_type(), Ok(SkipType::Literal(0)))
                && matches!(limit.get_fetch_type(), Ok(FetchType::Literal(None))) =>
        {
            unlimited(&limit.input)
        }
        _ => plan,
    }
}

/// The result, if a projection does nothing but give names.
fn named(projection: &Projection, below: &Aggregate, columns: &[ArrayRef]) -> Result<Option<Answer>> {
    let mut chosen = Vec::new();
    for expr in &projection.expr {
        let inner = match expr {
            Expr::Alias(alias) => &*alias.expr,
            other => other,
        };
        let Expr::Column(column) = inner else { return Ok(None) };
        let Some(array) = below.schema.maybe_index_of_column(column).and_then(|index| columns.get(index)) else {
            return Ok(None);
        };
        chosen.push(Arc::clone(array));
    }
    let schema: SchemaRef = Arc::new(projection.schema.as_arrow().clone());
    let rows = columns.first().map_or(0, |column| column.len());
    Ok(Some(Answer::Whole(Arc::clone(&schema), batch(schema, chosen, rows)?)))
}

/// The plan with rows in the place of the aggregation, under the names of its columns.
fn replaced(plan: &LogicalPlan, aggregate: &Aggregate, columns: Vec<ArrayRef>) -> Result<LogicalPlan> {
    let rows = columns.first().map_or(0, |column| column.len());
    let name = |index: usize| format!("column{index}");
    let fields = aggregate.schema.fields().iter().enumerate();
    let fields = fields.map(|(index, field)| Field::new(name(index), field.data_type().clone(), field.is_nullable()));
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batch = batch(Arc::clone(&schema), columns, rows)?;
    let table = MemTable::try_new(schema, vec![vec![batch]]).map_err(from_datafusion)?;
    let names = aggregate.schema.iter().enumerate().map(|(index, (relation, field))| {
        let column = Expr::Column(Column::new(Some(TableReference::bare("footers")), name(index)));
        column.alias_qualified(relation.cloned(), field.name())
    });
    let known = LogicalPlanBuilder::scan("footers", provider_as_source(Arc::new(table)), None)
        .and_then(|plan| plan.project(names.collect::<Vec<_>>()))
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_datafusion)?;
    let swap = |node: LogicalPlan| {
        Ok(match &node {
            LogicalPlan::Aggregate(_) => Transformed::new(known.clone(), true, TreeNodeRecursion::Jump),
            _ => Transformed::no(node),
        })
    };
    Ok(plan.clone().transform_down(swap).map_err(from_datafusion)?.data)
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(|source| {
        Error::unexpected("an answer from footers has not the columns of its query").caused_by(source)
    })
}
