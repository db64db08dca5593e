//! Operators on texts.

use worldstore_cypher::ast::BinaryOp;

use super::Env;
use crate::error::{Result, RuntimeError};
use crate::value::{List, Value};

/// `STARTS WITH`, `ENDS WITH`, `CONTAINS`; null unless both are texts.
pub(super) fn part(op: BinaryOp, left: &Value, right: &Value) -> Value {
    let (Some(left), Some(right)) = (left.as_text(), right.as_text()) else { return Value::Null };
    Value::Bool(match op {
        BinaryOp::StartsWith => left.starts_with(right),
        BinaryOp::EndsWith => left.ends_with(right),
        _ => left.contains(right),
    })
}

/// `=~`: the whole text matches the regular expression; null unless both are texts.
pub(super) fn matches(left: &Value, right: &Value, env: &Env<'_>) -> Result<Value> {
    let (Value::Text(text), Value::Text(pattern)) = (left, right) else { return Ok(Value::Null) };
    Ok(Value::Bool(env.context().regex(pattern)?.is_match(text)))
}

/// `||`: texts or lists behind each other.
pub(super) fn concat(left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Text(left), Value::Text(right)) => Ok(format!("{left}{right}").into()),
        (Value::List(left), Value::List(right)) => {
            Ok(left.iter().chain(right.iter()).cloned().collect::<List>().into())
        }
        (left, right) => {
            let message =
                format!("`||` joins two texts or two lists, not {} and {}", left.type_name(), right.type_name());
            Err(RuntimeError::argument_type(message))
        }
    }
}
