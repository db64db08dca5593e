//! `RETURN`: grouping, order, limits and the columns of the result.

use std::collections::HashSet;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::utils::find_aggregate_exprs;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SortExpr, lit};
use worldstore_cypher::Span;
use worldstore_cypher::ast::{self, ExprKind, Literal, Projection};

use super::expr::{Lower, Names};
use super::functions::{count_all, has_aggregate};
use super::scope::Scope;
use super::{floats, mistake, unsupported};
use crate::error::{QueryError, from_datafusion};
use crate::value::{Parameters, Value};

/// Plans what is asked for over the rows of the patterns.
pub(crate) fn plan_returns(
    plan: LogicalPlan,
    returns: &Projection,
    scope: &Scope,
    parameters: &Parameters,
) -> Result<LogicalPlan, QueryError> {
    check_names(returns)?;
    let lower = Lower { schema: plan.schema(), names: Names::Variables(scope), parameters };
    let mut items = returns.items.iter().map(|item| lower.value(&item.value)).collect::<Result<Vec<_>, _>>()?;
    let mut order = order_values(returns, &lower, &items)?;
    check_told_apart(returns, &lower, (&items, &order))?;
    let (skip, limit) = (count(returns.skip.as_ref(), parameters)?, count(returns.limit.as_ref(), parameters)?);

    let mut plan = LogicalPlanBuilder::from(plan.clone());
    if items.iter().chain(&order).any(has_aggregate) {
        plan = group(plan, returns, &mut items, &mut order)?;
    }
    let shown = |value: &Expr| match returns.distinct {
        true => floats::canonical(plan.schema(), value.clone()),
        false => value.clone(),
    };
    let named: Vec<Expr> =
        items.iter().zip(&returns.items).map(|(value, item)| shown(value).alias(&item.name)).collect();
    let plan = match returns.distinct {
        true => distinct(plan, returns, named, &items, &order)?.limit(skip.unwrap_or(0), limit),
        false => {
            let order = by_rank(&plan, order);
            let sorted = sort(plan, &order, returns)?;
            sorted.limit(skip.unwrap_or(0), limit).and_then(|plan| plan.project(named))
        }
    };
    Ok(plan.and_then(LogicalPlanBuilder::build).map_err(from_datafusion)?)
}

fn check_names(returns: &Projection) -> Result<(), QueryError> {
    let mut seen = HashSet::new();
    match returns.items.iter().find(|item| !seen.insert(item.name.as_str())) {
        Some(item) => {
            let error = mistake(item.value.span, format!("two columns have the name `{}`", item.name));
            Err(error.with_help("give one of them another with AS".to_owned()).into())
        }
        None => Ok(()),
    }
}

/// Refuses to tell structures apart by what is in them, unless that is a node with its key: two nodes or relationships may
/// have the same properties. Lists are refused too, for nulls in them.
fn check_told_apart(returns: &Projection, lower: &Lower, (items, order): (&[Expr], &[Expr])) -> Result<(), QueryError> {
    let is_grouped = items.iter().chain(order).any(has_aggregate);
    let keys = items.iter().zip(returns.items.iter().map(|item| &item.value));
    let keys =
        keys.filter(|(value, of)| (is_grouped && !has_aggregate(value) || returns.distinct) && !lower.has_key(of));
    let ordered = order.iter().zip(returns.order_by.iter().map(|item| &item.value));
    for (value, of) in keys.chain(ordered) {
        if lower.is_nested(value) {
            return Err(unsupported(of.span, "telling apart or ordering structures and lists").into());
        }
    }
    Ok(())
}

/// What decides the order; the name of a column means that column.
fn order_values(returns: &Projection, lower: &Lower, items: &[Expr]) -> Result<Vec<Expr>, QueryError> {
    let value = |order: &ast::OrderItem| {
        let named = match &order.value.kind {
            ExprKind::Variable(name) => returns.items.iter().position(|item| item.is_aliased && item.name == *name),
            _ => None,
        };
        match named {
            Some(index) => Ok(items[index].clone()),
            None => lower.value(&order.value),
        }
    };
    Ok(returns.order_by.iter().map(value).collect::<Result<_, _>>()?)
}

/// Groups by every column without an aggregate.
fn group(
    plan: LogicalPlanBuilder,
    returns: &Projection,
    items: &mut [Expr],
    order: &mut [Expr],
) -> Result<LogicalPlanBuilder, QueryError> {
    let mut keys: Vec<Expr> = Vec::new();
    for item in items.iter().filter(|item| !has_aggregate(item)) {
        if !keys.contains(item) {
            keys.push(item.clone());
        }
    }
    let mut aggregates = find_aggregate_exprs(items.iter().chain(order.iter()));
    // DataFusion makes one row of no group at all, and of groups by constants too, whether there are rows or not.
    let is_by_constants = !keys.is_empty() && keys.iter().all(|key| key.column_refs().is_empty());
    let rows = count_all(None);
    if is_by_constants && !aggregates.contains(&rows) {
        aggregates.push(rows.clone());
    }
    let by: Vec<Expr> = keys.iter().map(|key| floats::canonical(plan.schema(), key.clone())).collect();
    let grouped = plan.aggregate(by.clone(), aggregates.clone()).map_err(from_datafusion)?;
    let grouped = match is_by_constants {
        true => grouped.filter(column_of(&rows).gt(lit(0_i64))).map_err(from_datafusion)?,
        false => grouped,
    };
    let named = by.iter().chain(&aggregates).map(column_of);
    let computed: Vec<(Expr, Expr)> = keys.into_iter().chain(aggregates.iter().cloned()).zip(named).collect();
    let spans =
        returns.items.iter().map(|item| item.value.span).chain(returns.order_by.iter().map(|item| item.value.span));
    for (value, span) in items.iter_mut().chain(order).zip(spans) {
        *value = over_groups(value.clone(), &computed, &grouped, span)?;
    }
    Ok(grouped)
}

/// Replaces what the grouping has computed by its column; nothing else may be left.
fn over_groups(
    value: Expr,
    computed: &[(Expr, Expr)],
    grouped: &LogicalPlanBuilder,
    span: Span,
) -> Result<Expr, QueryError> {
    let replaced = value.transform_down(|part| {
        Ok(match computed.iter().find(|(value, _)| *value == part) {
            Some((_, column)) => Transformed::new(column.clone(), true, TreeNodeRecursion::Jump),
            None => Transformed::no(part),
        })
    });
    let value = replaced.map_err(from_datafusion)?.data;
    let is_known = |column: &&Column| grouped.schema().has_column(column);
    match value.column_refs().iter().find(|column| !is_known(column)) {
        Some(column) => {
            let message = format!("`{}` is neither grouped by nor in an aggregate", column.flat_name());
            Err(mistake(span, message).with_help("return it as a column of its own".to_owned()).into())
        }
        None => Ok(value),
    }
}

fn column_of(computed: &Expr) -> Expr {
    match computed {
        Expr::Column(_) => computed.clone(),
        other => Expr::Column(Column::new_unqualified(other.schema_name().to_string())),
    }
}

/// Floats by their rank: as columns, some NaN would come first, and those in row groups whose statistics say that all numbers
/// come later would be left out.
fn by_rank(plan: &LogicalPlanBuilder, order: Vec<Expr>) -> Vec<Expr> {
    order.into_iter().map(|value| floats::ranked(plan.schema(), value)).collect()
}

fn sort(plan: LogicalPlanBuilder, order: &[Expr], returns: &Projection) -> Result<LogicalPlanBuilder, QueryError> {
    match order.is_empty() {
        true => Ok(plan),
        false => Ok(plan.sort(sort_by(order.to_vec(), returns)).map_err(from_datafusion)?),
    }
}

/// Null is the greatest value.
fn sort_by(order: Vec<Expr>, returns: &Projection) -> Vec<SortExpr> {
    let with = |(value, item): (Expr, &ast::OrderItem)| value.sort(!item.descending, item.descending);
    order.into_iter().zip(&returns.order_by).map(with).collect()
}

/// Equal rows once; the order may then look at columns of the result only.
fn distinct(
    plan: LogicalPlanBuilder,
    returns: &Projection,
    named: Vec<Expr>,
    items: &[Expr],
    order: &[Expr],
) -> Result<LogicalPlanBuilder, QueryError> {
    let plan = plan.project(named).and_then(LogicalPlanBuilder::distinct).map_err(from_datafusion)?;
    let mut columns = Vec::new();
    for (value, item) in order.iter().zip(&returns.order_by) {
        let Some(index) = items.iter().position(|other| other == value) else {
            let message = "after DISTINCT, rows are ordered by columns of the result only";
            return Err(mistake(item.value.span, message).into());
        };
        columns.push(Expr::Column(Column::new_unqualified(&returns.items[index].name)));
    }
    sort(plan, &columns, returns)
}

/// The number behind `SKIP` or `LIMIT`.
fn count(value: Option<&ast::Expr>, parameters: &Parameters) -> Result<Option<usize>, QueryError> {
    let Some(expr) = value else { return Ok(None) };
    let number = match &expr.kind {
        ExprKind::Literal(Literal::Int(number)) => Some(*number),
        ExprKind::Parameter(name) => match parameters.value(name) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        },
        _ => None,
    };
    match number.and_then(|number| usize::try_from(number).ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(mistake(expr.span, "expected a whole number from 0 on, or a parameter that is one").into()),
    }
}
