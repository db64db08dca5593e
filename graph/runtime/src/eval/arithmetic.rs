//! Arithmetic. Integers never wrap: what does not fit is an error.

use super::Env;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::temporal::Duration;
use crate::value::{List, Value, write_float};

fn checked(result: Option<i64>) -> Result<Value> {
    result.map(Value::Int).ok_or_else(RuntimeError::overflow)
}

fn wrong_types(op: &str, left: &Value, right: &Value) -> RuntimeError {
    let message = format!("`{op}` does not take {} and {}", left.type_name(), right.type_name());
    RuntimeError::argument_type(message)
}

/// Both as floats, if both are numbers.
fn floats(left: &Value, right: &Value) -> Option<(f64, f64)> {
    left.as_float().zip(right.as_float())
}

/// `+value`.
pub(super) fn plus(value: Value) -> Result<Value> {
    match value {
        Value::Null | Value::Int(_) | Value::Float(_) | Value::Duration(_) => Ok(value),
        other => Err(RuntimeError::argument_type(format!("`+` does not take {}", other.type_name()))),
    }
}

/// `-value`.
pub(super) fn negate(value: &Value) -> Result<Value> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Int(int) => checked(int.checked_neg()),
        Value::Float(float) => Ok(Value::Float(-float)),
        Value::Duration(duration) => Ok(duration.negated()?.into()),
        other => Err(RuntimeError::argument_type(format!("`-` does not take {}", other.type_name()))),
    }
}

/// `left + right`: numbers, texts, lists, and durations to temporal values.
pub(super) fn add(left: Value, right: Value, env: &Env<'_>) -> Result<Value> {
    match (&left, &right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Int(left), Value::Int(right)) => checked(left.checked_add(*right)),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            Ok(floats(&left, &right).map(|(left, right)| left + right).into())
        }
        (Value::List(_), _) | (_, Value::List(_)) => {
            let items = |value: Value| match value {
                Value::List(list) => list.to_vec(),
                other => vec![other],
            };
            fit_together(&left, &right, env)?;
            env.bounded(items(left).into_iter().chain(items(right)).collect::<List>().into())
        }
        (Value::Text(_), Value::Text(_) | Value::Int(_) | Value::Float(_))
        | (Value::Int(_) | Value::Float(_), Value::Text(_)) => {
            fit_together(&left, &right, env)?;
            let mut text = String::new();
            push_text(&mut text, &left);
            push_text(&mut text, &right);
            Ok(text.into())
        }
        (_, Value::Duration(duration)) => shifted(&left, duration)?.ok_or_else(|| wrong_types("+", &left, &right)),
        (Value::Duration(duration), _) => shifted(&right, duration)?.ok_or_else(|| wrong_types("+", &left, &right)),
        _ => Err(wrong_types("+", &left, &right)),
    }
}

/// # Errors
/// `LimitError`: both together are too large.
fn fit_together(left: &Value, right: &Value, env: &Env<'_>) -> Result<()> {
    let limit = env.context().value_bytes_max();
    match left.bytes().saturating_add(right.bytes()) > limit {
        true => Err(RuntimeError::too_large(limit)),
        false => Ok(()),
    }
}

fn push_text(text: &mut String, value: &Value) {
    // Writing into a string cannot fail.
    let _ = match value {
        Value::Text(part) => std::fmt::Write::write_str(text, part),
        Value::Float(float) => write_float(text, *float),
        other => std::fmt::Write::write_fmt(text, format_args!("{other}")),
    };
}

/// The temporal value `duration` later; none if it is no temporal value.
fn shifted(value: &Value, duration: &Duration) -> Result<Option<Value>> {
    Ok(Some(match value {
        Value::Date(date) => date.plus(duration)?.into(),
        Value::LocalTime(time) => time.plus(duration).into(),
        Value::Time(time) => time.plus(duration).into(),
        Value::LocalDateTime(time) => time.plus(duration)?.into(),
        Value::DateTime(time) => time.plus(duration)?.into(),
        Value::Duration(other) => other.plus(duration)?.into(),
        _ => return Ok(None),
    }))
}

/// `left - right`: numbers, and durations from temporal values.
pub(super) fn subtract(left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Int(left), Value::Int(right)) => checked(left.checked_sub(*right)),
        (_, Value::Duration(duration)) => {
            shifted(left, &duration.negated()?)?.ok_or_else(|| wrong_types("-", left, right))
        }
        _ => match floats(left, right) {
            Some((left, right)) => Ok(Value::Float(left - right)),
            None => Err(wrong_types("-", left, right)),
        },
    }
}

/// `left * right`: numbers, and a duration with a number.
pub(super) fn multiply(left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Int(left), Value::Int(right)) => checked(left.checked_mul(*right)),
        (Value::Duration(duration), Value::Int(factor)) | (Value::Int(factor), Value::Duration(duration)) => {
            Ok(duration.times(*factor)?.into())
        }
        (Value::Duration(duration), Value::Float(factor)) | (Value::Float(factor), Value::Duration(duration)) => {
            Ok(duration.scaled(*factor)?.into())
        }
        _ => match floats(left, right) {
            Some((left, right)) => Ok(Value::Float(left * right)),
            None => Err(wrong_types("*", left, right)),
        },
    }
}

fn division_by_zero() -> RuntimeError {
    RuntimeError::new(ErrorClass::ArithmeticError, ErrorDetail::DivisionByZero, "an integer is divided by zero")
}

/// `left / right`: integers without fraction, towards zero; floats; a duration by a number.
pub(super) fn divide(left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Int(_), Value::Int(0)) => Err(division_by_zero()),
        (Value::Int(left), Value::Int(right)) => checked(left.checked_div(*right)),
        (Value::Duration(duration), Value::Int(_) | Value::Float(_)) => {
            Ok(duration.divided(right.as_float().unwrap_or(f64::NAN))?.into())
        }
        _ => match floats(left, right) {
            Some((left, right)) => Ok(Value::Float(left / right)),
            None => Err(wrong_types("/", left, right)),
        },
    }
}

/// `left % right`: the remainder, with the sign of `left`.
pub(super) fn modulo(left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Int(_), Value::Int(0)) => Err(division_by_zero()),
        (Value::Int(left), Value::Int(right)) => Ok(Value::Int(left.checked_rem(*right).unwrap_or(0))),
        _ => match floats(left, right) {
            Some((left, right)) => Ok(Value::Float(left % right)),
            None => Err(wrong_types("%", left, right)),
        },
    }
}

/// `left ^ right`: a float.
pub(super) fn power(left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        _ => match floats(left, right) {
            Some((left, right)) => Ok(Value::Float(left.powf(right))),
            None => Err(wrong_types("^", left, right)),
        },
    }
}
