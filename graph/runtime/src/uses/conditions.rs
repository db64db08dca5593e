//! Conditions on properties whose values are known before a statement begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_cypher::ast::{BinaryOp, Expr, ExprKind, Properties};

use crate::error::{Result, RuntimeError};
use crate::eval::{Context, Env, Subqueries, eval};
use crate::exec::Options;
use crate::graph::{Compares, Condition};
use crate::value::{List, Node, NodeId, Value};

/// Functions that make a value of constants, the same each time.
const STEADY_FUNCTIONS: [&str; 5] = ["date", "localdatetime", "datetime", "localtime", "duration"];

/// Evaluates constants, without a graph.
#[derive(Debug, Clone, Copy)]
pub(super) struct Constants<'q>(pub &'q Options);

struct NoGraph;

impl Subqueries for NoGraph {
    fn evaluate(&self, _: &Expr, _: &Env<'_>) -> Result<Value> {
        Err(RuntimeError::unsupported("a constant that asks a graph"))
    }

    fn node(&self, _: NodeId) -> Result<Option<Arc<Node>>> {
        Ok(None)
    }

    fn proceed(&self) -> Result<()> {
        Ok(())
    }
}

impl Constants<'_> {
    /// The value of a constant. What fails has none: it fails again where the statement comes to it, if it does.
    fn value(self, expr: &Expr) -> Option<Value> {
        if !is_constant(expr) {
            return None;
        }
        let none = BTreeMap::new();
        let parameters = if self.0.parameters.is_empty() { &none } else { &self.0.parameters };
        let context = Context::new(parameters, &NoGraph, self.0.now_unix_nanos, 0);
        eval(expr, &Env::row(&[], &[], &context)).ok()
    }

    /// What properties of a pattern ask for.
    pub(super) fn of_properties(self, properties: Option<&Properties>) -> Vec<Condition> {
        let Some(Properties::Map(entries)) = properties else { return Vec::new() };
        let conditions =
            entries.iter().filter_map(|(name, value)| Some(condition(&name.text, Compares::Eq, self.value(value)?)));
        conditions.collect()
    }

    /// What a condition asks of the properties of a variable, as far as that is told here.
    pub(super) fn of_filter(self, filter: &Expr, variable: &str) -> Vec<Condition> {
        let mut conditions = Vec::new();
        self.add(filter, variable, &mut conditions);
        conditions
    }

    fn add(self, filter: &Expr, variable: &str, conditions: &mut Vec<Condition>) {
        match &filter.kind {
            ExprKind::Binary(BinaryOp::And, left, right) => {
                self.add(left, variable, conditions);
                self.add(right, variable, conditions);
            }
            ExprKind::Binary(op, left, right) => conditions.extend(self.comparison(left, *op, right, variable)),
            ExprKind::Comparisons(first, others) => {
                let mut left = &**first;
                for (op, right) in others {
                    conditions.extend(self.comparison(left, *op, right, variable));
                    left = right;
                }
            }
            _ => {}
        }
    }

    fn comparison(self, left: &Expr, op: BinaryOp, right: &Expr, variable: &str) -> Option<Condition> {
        if let Some(name) = property(left, variable) {
            return Some(condition(name, Compares::of(op)?, self.value(right)?));
        }
        let name = property(right, variable)?;
        Some(condition(name, Compares::of(op)?.swapped()?, self.value(left)?))
    }
}

/// A comparison with null never holds, and neither does one with the elements of an empty list.
fn condition(property: &str, compares: Compares, value: Value) -> Condition {
    let (compares, value) = match (compares, value) {
        (_, Value::Null) => (Compares::In, Value::List(List::default())),
        (Compares::In, Value::List(list)) => {
            (Compares::In, Value::List(list.iter().filter(|value| !value.is_null()).cloned().collect()))
        }
        other => other,
    };
    Condition { property: property.into(), compares, value }
}

fn property<'e>(expr: &'e Expr, of: &str) -> Option<&'e str> {
    match &expr.kind {
        ExprKind::Property(variable, name) => match &variable.kind {
            ExprKind::Variable(variable) if variable == of => Some(&name.text),
            _ => None,
        },
        _ => None,
    }
}

/// True if the value depends on nothing but parameters.
fn is_constant(expr: &Expr) -> bool {
    let is_steady = match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Parameter(_)
        | ExprKind::Property(..)
        | ExprKind::Index(..)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::List(_)
        | ExprKind::Map(_) => true,
        ExprKind::Call { namespace, function, arguments, .. } => {
            let is_known = STEADY_FUNCTIONS.iter().any(|name| function.text.eq_ignore_ascii_case(name));
            namespace.is_empty() && !arguments.is_empty() && is_known
        }
        _ => false,
    };
    let mut parts_are = is_steady;
    expr.for_each_part(&mut |part| parts_are = parts_are && is_constant(part));
    parts_are
}
