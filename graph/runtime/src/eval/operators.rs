//! Operators with two operands.

use std::cmp::Ordering;

use worldstore_cypher::ast::{BinaryOp, Expr};

use super::{Env, arithmetic, eval, logic, texts};
use crate::error::{Result, RuntimeError};
use crate::value::{Comparison, Value, compare, equals};

/// The value of `left op right`.
pub(super) fn binary(op: BinaryOp, left: &Expr, right: &Expr, env: &Env<'_>) -> Result<Value> {
    if matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Xor) {
        return logic::connect(op, left, right, env);
    }
    let (left, right) = (eval(left, env)?, eval(right, env)?);
    match op {
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => Ok(Value::Null),
        BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq => {
            Ok(related(op, &left, &right).into())
        }
        BinaryOp::In => Ok(contains(&right, &left, env)?.into()),
        BinaryOp::StartsWith | BinaryOp::EndsWith | BinaryOp::Contains => Ok(texts::part(op, &left, &right)),
        BinaryOp::Matches => texts::matches(&left, &right, env),
        BinaryOp::Concat => texts::concat(&left, &right).and_then(|value| env.bounded(value)),
        BinaryOp::Add => arithmetic::add(left, right, env),
        BinaryOp::Subtract => arithmetic::subtract(&left, &right),
        BinaryOp::Multiply => arithmetic::multiply(&left, &right),
        BinaryOp::Divide => arithmetic::divide(&left, &right),
        BinaryOp::Modulo => arithmetic::modulo(&left, &right),
        BinaryOp::Power => arithmetic::power(&left, &right),
    }
}

/// `=`, `<>`, `<`, `<=`, `>`, `>=`; none if unknown.
fn related(op: BinaryOp, left: &Value, right: &Value) -> Option<bool> {
    match op {
        BinaryOp::Eq => return equals(left, right),
        BinaryOp::NotEq => return equals(left, right).map(|equal| !equal),
        _ => {}
    }
    match compare(left, right) {
        Comparison::Unknown => None,
        Comparison::Never => Some(false),
        Comparison::Ordered(ordering) => Some(match op {
            BinaryOp::Lt => ordering == Ordering::Less,
            BinaryOp::LtEq => ordering != Ordering::Greater,
            BinaryOp::Gt => ordering == Ordering::Greater,
            _ => ordering != Ordering::Less,
        }),
    }
}

/// `a < b <= c`: all pairs of neighbours.
pub(super) fn chain(first: &Expr, others: &[(BinaryOp, Expr)], env: &Env<'_>) -> Result<Value> {
    let mut left = eval(first, env)?;
    let mut result = Some(true);
    for (op, right) in others {
        let right = eval(right, env)?;
        match related(*op, &left, &right) {
            Some(true) => {}
            Some(false) => return Ok(Value::Bool(false)),
            None => result = None,
        }
        left = right;
    }
    Ok(result.into())
}

/// `value IN list`; none if unknown.
fn contains(list: &Value, value: &Value, env: &Env<'_>) -> Result<Option<bool>> {
    let list = match list {
        Value::List(list) => list,
        Value::Null => return Ok(None),
        other => return Err(RuntimeError::argument_type(format!("expected a list, found {}", other.type_name()))),
    };
    if let Some(found) = env.context().contains(list, value) {
        return Ok(Some(found));
    }
    let mut result = Some(false);
    for item in list.iter() {
        match equals(item, value) {
            Some(true) => return Ok(Some(true)),
            Some(false) => {}
            None => result = None,
        }
    }
    Ok(result)
}
