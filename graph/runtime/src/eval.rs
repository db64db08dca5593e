//! Evaluates expressions.

mod access;
mod arithmetic;
mod comprehension;
mod env;
mod logic;
mod membership;
mod operators;
mod texts;

pub use access::labels_hold;
pub(crate) use access::{deleted, entries};
pub use env::{Context, Env, Subqueries};

use worldstore_cypher::ast::{Expr, ExprKind, Literal, UnaryOp};

use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::functions;
use crate::value::{List, Map, Value};

/// The value of `expr` where the variables are those of `env`.
///
/// # Errors
/// Whatever the language has: wrong types, numbers out of range, unknown variables and parameters; limits of the
/// context; failures of the graph. The error knows its place unless the graph failed.
pub fn eval(expr: &Expr, env: &Env<'_>) -> Result<Value> {
    if let Some(value) = env.known(expr) {
        return Ok(value.clone());
    }
    eval_kind(expr, env).map_err(|error| error.at(expr.span))
}

/// Whether a condition holds: true is true, false and null are not.
///
/// # Errors
/// As [`eval`]; `TypeError` if the value is neither boolean nor null.
pub fn holds(expr: &Expr, env: &Env<'_>) -> Result<bool> {
    Ok(condition(expr, env)?.unwrap_or(false))
}

/// The value of a condition; none for null.
fn condition(expr: &Expr, env: &Env<'_>) -> Result<Option<bool>> {
    logic::truth(&eval(expr, env)?).map_err(|error| error.at(expr.span))
}

fn eval_kind(expr: &Expr, env: &Env<'_>) -> Result<Value> {
    match &expr.kind {
        ExprKind::Literal(literal) => Ok(constant(literal)),
        ExprKind::Parameter(name) => env.parameter(name),
        ExprKind::Variable(name) => env.variable(name).cloned(),
        ExprKind::Property(of, name) => access::property(&eval(of, env)?, &name.text),
        ExprKind::Unary(op, of) => unary(*op, of, env),
        ExprKind::Binary(op, left, right) => operators::binary(*op, left, right, env),
        ExprKind::IsNull(of) => Ok(Value::Bool(eval(of, env)?.is_null())),
        ExprKind::IsNotNull(of) => Ok(Value::Bool(!eval(of, env)?.is_null())),
        ExprKind::Comparisons(first, others) => operators::chain(first, others, env),
        ExprKind::HasLabels(of, labels) => access::has_labels(&eval(of, env)?, labels),
        ExprKind::List(parts) => {
            let items = parts.iter().map(|part| eval(part, env)).collect::<Result<List>>()?;
            env.bounded(items.into())
        }
        ExprKind::Map(entries) => {
            let entry = |(name, value): &(worldstore_cypher::ast::Name, Expr)| {
                Ok((name.text.as_str().into(), eval(value, env)?))
            };
            env.bounded(entries.iter().map(entry).collect::<Result<Map>>()?.into())
        }
        ExprKind::MapProjection(name, items) => access::projection(name, items, env),
        ExprKind::Index(of, index) => access::element(&eval(of, env)?, &eval(index, env)?),
        ExprKind::Slice(of, from, to) => access::slice(of, from.as_deref(), to.as_deref(), env),
        ExprKind::ListComprehension(comprehension) => comprehension::list(comprehension, env),
        ExprKind::Quantified(quantified, comprehension) => comprehension::quantified(*quantified, comprehension, env),
        ExprKind::Reduce(reduce) => comprehension::reduce(reduce, env),
        ExprKind::Pattern(_) | ExprKind::PatternComprehension { .. } | ExprKind::Subquery(..) => {
            env.bounded(env.context().subqueries().evaluate(expr, env)?)
        }
        ExprKind::Call { namespace, function, distinct: _, arguments } => {
            functions::call(namespace, function, arguments, env)
        }
        ExprKind::CountAll => Err(RuntimeError::new(
            ErrorClass::SyntaxError,
            ErrorDetail::InvalidArgumentType,
            "an aggregate cannot stand here",
        )),
        ExprKind::Case { operand, branches, otherwise } => {
            logic::case(operand.as_deref(), branches, otherwise.as_deref(), env)
        }
        _ => Err(RuntimeError::unsupported("this kind of expression cannot be evaluated")),
    }
}

fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(bool) => Value::Bool(*bool),
        Literal::Int(int) => Value::Int(*int),
        Literal::Float(float) => Value::Float(*float),
        Literal::Text(text) => Value::from(text.as_str()),
    }
}

fn unary(op: UnaryOp, of: &Expr, env: &Env<'_>) -> Result<Value> {
    match op {
        UnaryOp::Not => Ok(condition(of, env)?.map(|truth| !truth).into()),
        UnaryOp::Minus => arithmetic::negate(&eval(of, env)?),
        UnaryOp::Plus => arithmetic::plus(eval(of, env)?),
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
