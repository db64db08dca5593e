//! What is asked: an aggregation over one label, with derived properties and aliases resolved.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Aggregate, Cast, Expr, LogicalPlan};

use super::super::provider::LakeTable;

/// Parts of an expression that is looked at: derived properties that use each other can grow without bound.
const PARTS_MAX: usize = 4_096;

/// An aggregation over a label.
#[derive(Debug)]
pub(super) struct Question {
    provider: Arc<dyn TableProvider>,
    /// Conditions, all of which hold; columns have no qualifier.
    pub filters: Vec<Expr>,
    /// What is grouped by: expressions over columns of the path.
    pub keys: Vec<Expr>,
    pub asked: Vec<Asked>,
}

/// An aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// Rows.
    Rows,
    /// Values that are not null.
    Values(Subject),
    Least(Subject),
    Greatest(Subject),
    /// The sum of whole numbers in the path.
    Sum(usize),
}

/// A column, of the files or of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    File(usize),
    Path(usize),
}

impl Question {
    /// The label.
    pub fn table(&self) -> Option<&LakeTable> {
        (self.provider.as_ref() as &dyn Any).downcast_ref()
    }
}

/// What an aggregation asks, if it is of a kind that footers can answer.
pub(super) fn of(aggregate: &Aggregate) -> Option<Question> {
    let mut asked: Vec<Expr> = aggregate.aggr_expr.clone();
    let mut keys = aggregate.group_expr.clone();
    let mut filters = Vec::new();
    let mut plan = &*aggregate.input;
    let provider = loop {
        match plan {
            LogicalPlan::Filter(filter) => {
                filters.extend(split_conjunction_owned(filter.predicate.clone()));
                plan = &filter.input;
            }
            LogicalPlan::SubqueryAlias(alias) => plan = &alias.input,
            LogicalPlan::Projection(projection) => {
                let schema = projection.schema.fields().iter().zip(&projection.expr);
                let names = schema.map(|(field, expr)| (field.name().clone(), expr.clone().unalias())).collect();
                for expr in asked.iter_mut().chain(&mut keys).chain(&mut filters) {
                    *expr = resolved(expr, &names)?;
                }
                plan = &projection.input;
            }
            LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => {
                break source_as_provider(&scan.source).ok()?;
            }
            _ => return None,
        }
    };
    let table: &LakeTable = (provider.as_ref() as &dyn Any).downcast_ref()?;
    let keys: Vec<Expr> = keys.into_iter().map(bare).collect();
    if !keys.iter().all(|key| table.is_of_path(key)) {
        return None;
    }
    let asked = asked.iter().map(|expr| asks(expr, table)).collect::<Option<Vec<_>>>()?;
    let filters = filters.into_iter().map(bare).collect();
    Some(Question { provider, filters, keys, asked })
}

/// An expression with what its names stand for; none if it grows too large.
fn resolved(expr: &Expr, names: &HashMap<String, Expr>) -> Option<Expr> {
    let resolve = |part: Expr| {
        Ok(match &part {
            Expr::Column(column) => match names.get(&column.name) {
                Some(meaning) => Transformed::new(meaning.clone(), true, TreeNodeRecursion::Jump),
                None => Transformed::no(part),
            },
            _ => Transformed::no(part),
        })
    };
    let resolved = expr.clone().transform_down(resolve).ok()?.data;
    let mut parts = 0;
    let counted = resolved.apply(|_| {
        parts += 1;
        Ok(if parts > PARTS_MAX { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    (counted.is_ok() && parts <= PARTS_MAX).then_some(resolved)
}

/// An expression over columns without qualifier.
fn bare(expr: Expr) -> Expr {
    let strip = |part: Expr| {
        Ok(match part {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::new_unqualified(column.name))),
            other => Transformed::no(other),
        })
    };
    // The closure never fails, so neither does the walk.
    expr.clone().transform_down(strip).map_or(expr, |stripped| stripped.data)
}

fn asks(expr: &Expr, table: &LakeTable) -> Option<Asked> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else { return None };
    if params.distinct || params.filter.is_some() || !params.order_by.is_empty() || params.null_treatment.is_some() {
        return None;
    }
    let [argument] = params.args.as_slice() else { return None };
    let subject = || match argument {
        Expr::Column(column) => subject(column, table),
        _ => None,
    };
    match (func.name(), argument) {
        ("count", Expr::Literal(value, _)) if !value.is_null() => Some(Asked::Rows),
        ("count", _) => Some(Asked::Values(subject()?)),
        ("min", _) => Some(Asked::Least(subject()?)),
        ("max", _) => Some(Asked::Greatest(subject()?)),
        ("sum", Expr::Column(column)) => sum_of(column, table),
        // Whole numbers are summed up as decimals, where their sum may be too large for them.
        ("sum", Expr::Cast(Cast { expr, .. })) => match &**expr {
            Expr::Column(column) => sum_of(column, table),
            _ => None,
        },
        _ => None,
    }
}

fn sum_of(column: &Column, table: &LakeTable) -> Option<Asked> {
    match subject(column, table)? {
        Subject::Path(index) => Some(Asked::Sum(index)),
        Subject::File(_) => None,
    }
}

fn subject(column: &Column, table: &LakeTable) -> Option<Subject> {
    if let Some((index, _)) = table.label.path_fields.find(&column.name) {
        return Some(Subject::Path(index));
    }
    table.label.columns.index_of(&column.name).ok().map(Subject::File)
}
