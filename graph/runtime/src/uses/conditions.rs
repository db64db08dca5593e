//! Conditions on properties whose values are known before a statement begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_cypher::ast::{BinaryOp, Expr, ExprKind, Properties, UnaryOp};

use super::Demand;
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
    pub(super) fn of_properties(self, properties: Option<&Properties>) -> Vec<Demand> {
        let Some(Properties::Map(entries)) = properties else { return Vec::new() };
        let asked = entries.iter().filter_map(|(name, value)| Some((name, self.value(value)?)));
        asked.flat_map(|(name, value)| compared(&name.text, Compares::Eq, value, true)).collect()
    }

    /// What must be of the properties of a variable where a condition is true, as far as that is told here.
    pub(super) fn of_filter(self, filter: &Expr, variable: &str) -> Vec<Demand> {
        self.demands(filter, variable, true)
    }

    /// What must be where an expression is true, or where it is false: null is neither.
    fn demands(self, expr: &Expr, variable: &str, truth: bool) -> Vec<Demand> {
        let of = |one: &Expr| self.demands(one, variable, truth);
        match (&expr.kind, truth) {
            (ExprKind::Unary(UnaryOp::Not, one), _) => self.demands(one, variable, !truth),
            (ExprKind::Binary(BinaryOp::And, left, right), true)
            | (ExprKind::Binary(BinaryOp::Or, left, right), false) => [of(left), of(right)].concat(),
            (ExprKind::Binary(BinaryOp::Or, left, right), true)
            | (ExprKind::Binary(BinaryOp::And, left, right), false) => any(vec![of(left), of(right)]),
            (ExprKind::Binary(op, left, right), _) => self.comparison(left, *op, right, variable, truth),
            (ExprKind::Comparisons(first, others), _) => {
                let lefts = std::iter::once(&**first).chain(others.iter().map(|(_, right)| right));
                let each = lefts.zip(others);
                let each = each.map(|(left, (op, right))| self.comparison(left, *op, right, variable, truth));
                if truth { each.flatten().collect() } else { any(each.collect()) }
            }
            _ => Vec::new(),
        }
    }

    fn comparison(self, left: &Expr, op: BinaryOp, right: &Expr, variable: &str, truth: bool) -> Vec<Demand> {
        let (name, compares, constant) = match (property(left, variable), property(right, variable)) {
            (Some(name), _) if op == BinaryOp::StartsWith => {
                return self.value(right).map_or_else(Vec::new, |value| begins(name, &value, truth));
            }
            (Some(name), _) => (name, Compares::of(op), right),
            (None, Some(name)) => (name, Compares::of(op).and_then(Compares::swapped), left),
            (None, None) => return Vec::new(),
        };
        match (compares, self.value(constant)) {
            (Some(compares), Some(value)) => compared(name, compares, value, truth),
            _ => Vec::new(),
        }
    }
}

/// One of several ways; if one of them asks nothing, nothing is known.
fn any(ways: Vec<Vec<Demand>>) -> Vec<Demand> {
    match ways.iter().any(Vec::is_empty) {
        true => Vec::new(),
        false => vec![Demand::Any(ways)],
    }
}

/// What nothing fulfils: a property is none of the elements of an empty list.
fn never(property: &str) -> Vec<Demand> {
    vec![Demand::Holds(condition(property, Compares::In, Value::List(List::default())))]
}

/// Where a comparison is true or false: with null it is neither, and with a null in a list it is not false.
fn compared(property: &str, compares: Compares, value: Value, truth: bool) -> Vec<Demand> {
    let value = match (compares, value) {
        (_, Value::Null) => return never(property),
        (Compares::In, Value::List(list)) if truth => {
            Value::List(list.iter().filter(|value| !value.is_null()).cloned().collect())
        }
        // Even null is not in an empty list.
        (Compares::In, Value::List(list)) if list.is_empty() => return Vec::new(),
        (Compares::In, Value::List(list)) if list.iter().any(Value::is_null) => return never(property),
        (_, other) => other,
    };
    let condition = condition(property, compares, value);
    vec![if truth { Demand::Holds(condition) } else { Demand::Fails(condition) }]
}

/// Where a text begins with another: it lies between that and the first text behind all that begin so.
fn begins(property: &str, prefix: &Value, truth: bool) -> Vec<Demand> {
    let Value::Text(prefix) = prefix else { return never(property) };
    let holds = |compares, text: &str| Demand::Holds(condition(property, compares, text.into()));
    let behind = behind(prefix);
    match truth {
        true => {
            let least = std::iter::once(holds(Compares::GtEq, prefix));
            least.chain(behind.map(|behind| holds(Compares::Lt, &behind))).collect()
        }
        false => {
            let before = std::iter::once(vec![holds(Compares::Lt, prefix)]);
            any(before.chain(behind.map(|behind| vec![holds(Compares::GtEq, &behind)])).collect())
        }
    }
}

/// The first text behind all that begin with this one, if there is one.
fn behind(prefix: &str) -> Option<String> {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        // Between the letters there is a gap that no letter has.
        if let Some(next) = ((last as u32 + 1)..=char::MAX as u32).find_map(char::from_u32) {
            letters.push(next);
            return Some(letters.into_iter().collect());
        }
    }
    None
}

fn condition(property: &str, compares: Compares, value: Value) -> Condition {
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
