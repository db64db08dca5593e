//! Conditions of three values, and CASE.

use worldstore_cypher::ast::{BinaryOp, Expr};

use super::{Env, condition, eval};
use crate::error::{Result, RuntimeError};
use crate::value::{Value, equals};

/// The truth of a value; none for null.
///
/// # Errors
/// `TypeError`: it is neither boolean nor null.
pub(super) fn truth(value: &Value) -> Result<Option<bool>> {
    match value {
        Value::Bool(truth) => Ok(Some(*truth)),
        Value::Null => Ok(None),
        other => Err(RuntimeError::argument_type(format!("expected a boolean, found {}", other.type_name()))),
    }
}

/// `AND`, `OR`, `XOR`. The right side is not evaluated where the left one decides.
pub(super) fn connect(op: BinaryOp, left: &Expr, right: &Expr, env: &Env<'_>) -> Result<Value> {
    let left = condition(left, env)?;
    let decides = match op {
        BinaryOp::And => Some(false),
        BinaryOp::Or => Some(true),
        _ => None,
    };
    if decides.is_some() && left == decides {
        return Ok(left.into());
    }
    let right = condition(right, env)?;
    let result = match decides {
        Some(_) if right == decides => right,
        Some(other) => left.and(right).map(|_| !other),
        None => left.zip(right).map(|(left, right)| left != right),
    };
    Ok(result.into())
}

/// `CASE`: the value of the first branch that fits.
pub(super) fn case(
    operand: Option<&Expr>,
    branches: &[(Vec<Expr>, Expr)],
    otherwise: Option<&Expr>,
    env: &Env<'_>,
) -> Result<Value> {
    let operand = operand.map(|operand| eval(operand, env)).transpose()?;
    for (when, then) in branches {
        for when in when {
            let fits = match &operand {
                Some(operand) => equals(operand, &eval(when, env)?),
                None => condition(when, env)?,
            };
            if fits == Some(true) {
                return eval(then, env);
            }
        }
    }
    otherwise.map_or(Ok(Value::Null), |otherwise| eval(otherwise, env))
}
