//! Where rows are grouped: what an expression may name beside its aggregates.

use std::collections::{BTreeSet, HashSet};

use super::Checker;
use super::expressions::{Aggregates, Context};
use super::functions::has_aggregate;
use super::scope::Scope;
use crate::ast::{Expr, ExprKind, Projection};
use crate::diagnostic::Detail;

/// The columns of a projection, by the canonical text of their expressions.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Columns without aggregates that are variables or properties: an expression beside an aggregate may name them.
    simple: HashSet<String>,
    /// Other columns without aggregates.
    compound: HashSet<String>,
    /// Columns with aggregates.
    aggregated: HashSet<String>,
}

impl Columns {
    /// The columns of a projection over the variables of `before`.
    pub(super) fn new(projection: &Projection, before: &Scope) -> Self {
        let mut columns = Self::default();
        if projection.star {
            columns.simple.extend(before.names().map(|name| ExprKind::Variable(name.to_owned()).to_string()));
        }
        for item in &projection.items {
            let text = item.value.to_string();
            match (has_aggregate(&item.value), is_simple(&item.value)) {
                (true, _) => columns.aggregated.insert(text),
                (false, true) => columns.simple.insert(text),
                (false, false) => columns.compound.insert(text),
            };
        }
        columns
    }
}

fn is_simple(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Variable(_) => true,
        ExprKind::Property(of, _) => is_simple(of),
        _ => false,
    }
}

impl Checker {
    /// Checks a column that may have aggregates: what stands beside them must be a column of its own, or constant.
    pub(super) fn groups(&mut self, expr: &Expr, columns: &Columns) {
        if has_aggregate(expr) {
            self.beside_aggregates(expr, columns, &BTreeSet::new());
        }
    }

    fn beside_aggregates(&mut self, expr: &Expr, columns: &Columns, locals: &BTreeSet<&str>) {
        if is_aggregate(expr) || (is_simple(expr) && columns.simple.contains(&expr.to_string())) {
            return;
        }
        match &expr.kind {
            ExprKind::Variable(name) if locals.contains(name.as_str()) => {}
            ExprKind::Variable(name) => {
                let message = format!("`{name}` is neither grouped by nor in an aggregate");
                let help = "return it as a column of its own";
                self.mistake_but(Detail::AmbiguousAggregationExpression, message, expr.span, help);
            }
            _ => {
                let inner = with_locals(expr, locals);
                expr.for_each_part(&mut |part| self.beside_aggregates(part, columns, &inner));
            }
        }
    }

    /// Checks an order or a condition behind grouped or distinct rows: it can look at columns only.
    pub(super) fn over_columns(&mut self, expr: &Expr, columns: &Columns, after: &Scope, is_grouped: bool) {
        let is_aggregated = has_aggregate(expr);
        if is_aggregated && !is_grouped {
            // Says that the aggregate cannot stand here.
            self.expr(expr, Context { is_condition: true, ..Context::plain(after) });
            return;
        }
        self.over_column(expr, columns, after, is_aggregated);
    }

    fn over_column(&mut self, expr: &Expr, columns: &Columns, after: &Scope, is_aggregated: bool) {
        let text = expr.to_string();
        if columns.simple.contains(&text) || columns.aggregated.contains(&text) {
            return;
        }
        if columns.compound.contains(&text) {
            if is_aggregated {
                let message = format!("`{text}` stands beside an aggregate and is no variable or property");
                let help = "name the column, and order by that name";
                self.mistake_but(Detail::AmbiguousAggregationExpression, message, expr.span, help);
            }
            return;
        }
        let context = Context { aggregates: Aggregates::Allowed, is_condition: true, ..Context::plain(after) };
        let mut has_parts = false;
        expr.for_each_part(&mut |_| has_parts = true);
        match &expr.kind {
            ExprKind::ListComprehension(_)
            | ExprKind::PatternComprehension { .. }
            | ExprKind::Quantified(..)
            | ExprKind::Reduce(_) => _ = self.expr(expr, context),
            _ if !has_parts => _ = self.expr(expr, context),
            _ => expr.for_each_part(&mut |part| self.over_column(part, columns, after, is_aggregated)),
        }
    }
}

fn is_aggregate(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::CountAll => true,
        ExprKind::Call { namespace, function, .. } => {
            namespace.is_empty() && super::functions::is_aggregate(&function.text)
        }
        _ => false,
    }
}

/// The variables that an expression binds for its parts.
fn with_locals<'a>(expr: &'a Expr, locals: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut inner = locals.clone();
    match &expr.kind {
        ExprKind::ListComprehension(comprehension) | ExprKind::Quantified(_, comprehension) => {
            inner.insert(&comprehension.variable.text);
        }
        ExprKind::Reduce(reduce) => {
            inner.insert(&reduce.result.text);
            inner.insert(&reduce.variable.text);
        }
        _ => {}
    }
    inner
}
