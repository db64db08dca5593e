//! Functions of lists.

use super::refused;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::Env;
use crate::value::{List, Value, equals};

pub(super) fn call(name: &str, arguments: &[Value], env: &Env<'_>) -> Result<Option<Value>> {
    Ok(Some(match (name, arguments) {
        ("range", [start, end]) => range(start, end, &Value::Int(1), env)?,
        ("range", [start, end, step]) => range(start, end, step, env)?,
        ("nullif", [left, right]) if equals(left, right) == Some(true) => Value::Null,
        ("nullif", [left, _]) => left.clone(),
        ("size" | "head" | "last" | "tail" | "reverse" | "isempty", [Value::Null]) => Value::Null,
        ("size", [Value::List(list)]) => Value::Int(list.len() as i64),
        ("size", [Value::Text(text)]) => Value::Int(text.chars().count() as i64),
        ("isempty", [Value::List(list)]) => Value::Bool(list.is_empty()),
        ("isempty", [Value::Map(map)]) => Value::Bool(map.is_empty()),
        ("isempty", [Value::Text(text)]) => Value::Bool(text.is_empty()),
        ("head", [Value::List(list)]) => list.first().cloned().unwrap_or_default(),
        ("last", [Value::List(list)]) => list.last().cloned().unwrap_or_default(),
        ("tail", [Value::List(list)]) => list.iter().skip(1).cloned().collect::<List>().into(),
        ("reverse", [Value::List(list)]) => list.iter().rev().cloned().collect::<List>().into(),
        ("reverse", [Value::Text(text)]) => text.chars().rev().collect::<String>().into(),
        ("size" | "head" | "last" | "tail" | "reverse" | "isempty", [other]) => return Err(refused(name, other)),
        _ => return Ok(None),
    }))
}

/// The integers from `start` to `end`, both included.
fn range(start: &Value, end: &Value, step: &Value, env: &Env<'_>) -> Result<Value> {
    let int = |value: &Value| match value {
        Value::Int(int) => Ok(Some(*int)),
        Value::Null => Ok(None),
        other => {
            let message = format!("`range` takes integers, not {}", other.type_name());
            Err(RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidArgumentType, message))
        }
    };
    let (Some(start), Some(end), Some(step)) = (int(start)?, int(end)?, int(step)?) else { return Ok(Value::Null) };
    if step == 0 {
        let message = "the step of `range` must not be zero";
        return Err(RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::NumberOutOfRange, message));
    }
    let distance = i128::from(end) - i128::from(start);
    if distance.signum() * i128::from(step.signum()) < 0 {
        return Ok(List::default().into());
    }
    let count = distance / i128::from(step) + 1;
    let limit = env.context().value_bytes_max();
    if count > i128::from(limit) / size_of::<Value>() as i128 {
        return Err(RuntimeError::too_large(limit));
    }
    let mut items = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let mut next = Some(start);
    for _ in 0..count {
        env.context().step()?;
        items.extend(next.map(Value::Int));
        next = next.and_then(|next| next.checked_add(step));
    }
    Ok(items.into())
}
