//! Functions of texts. Lengths and places count characters (Unicode scalar values).

use super::refused;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::Env;
use crate::value::{List, Value};

pub(super) fn call(name: &str, arguments: &[Value], env: &Env<'_>) -> Result<Option<Value>> {
    let is_known = matches!(
        (name, arguments.len()),
        ("toupper" | "upper" | "tolower" | "lower" | "trim" | "ltrim" | "rtrim", 1)
            | ("char_length" | "character_length", 1)
            | ("left" | "right" | "split", 2)
            | ("substring", 2 | 3)
            | ("replace", 3)
    );
    if !is_known {
        return Ok(None);
    }
    if arguments.iter().any(Value::is_null) {
        return Ok(Some(Value::Null));
    }
    let Some(Value::Text(text)) = arguments.first() else {
        return Err(refused(name, arguments.first().unwrap_or(&Value::Null)));
    };
    Ok(Some(match (name, arguments) {
        ("toupper" | "upper", _) => text.to_uppercase().into(),
        ("tolower" | "lower", _) => text.to_lowercase().into(),
        ("trim", _) => text.trim().into(),
        ("ltrim", _) => text.trim_start().into(),
        ("rtrim", _) => text.trim_end().into(),
        ("char_length" | "character_length", _) => Value::Int(text.chars().count() as i64),
        ("left", [_, count]) => text.chars().take(natural(name, count)?).collect::<String>().into(),
        ("right", [_, count]) => {
            let left_out = text.chars().count().saturating_sub(natural(name, count)?);
            text.chars().skip(left_out).collect::<String>().into()
        }
        ("substring", [_, start]) => text.chars().skip(natural(name, start)?).collect::<String>().into(),
        ("substring", [_, start, count]) => {
            let rest = text.chars().skip(natural(name, start)?);
            rest.take(natural(name, count)?).collect::<String>().into()
        }
        ("split", [_, Value::Text(by)]) => split(text, by, env)?,
        ("split", [_, Value::List(by)]) => split_by_any(name, text, by, env)?,
        ("replace", [_, Value::Text(from), Value::Text(to)]) => replace(text, from, to, env)?,
        (_, [_, others @ ..]) => {
            let wrong = others.iter().find(|other| other.as_text().is_none());
            return Err(refused(name, wrong.unwrap_or(&Value::Null)));
        }
        _ => return Ok(None),
    }))
}

/// A number of characters.
fn natural(name: &str, value: &Value) -> Result<usize> {
    match value {
        Value::Int(int) => usize::try_from(*int).map_err(|_| {
            let message = format!("`{name}` takes no negative number");
            RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::NegativeIntegerArgument, message)
        }),
        other => Err(refused(name, other)),
    }
}

/// The parts between `by`; every character if `by` is empty.
fn split(text: &str, by: &str, env: &Env<'_>) -> Result<Value> {
    allow(text.matches(by).count(), env)?;
    Ok(match by.is_empty() {
        true => text.chars().map(|letter| Value::from(letter.to_string())).collect::<List>().into(),
        false => text.split(by).map(Value::from).collect::<List>().into(),
    })
}

/// # Errors
/// `LimitError`: a list of so many texts is too large.
fn allow(count: usize, env: &Env<'_>) -> Result<()> {
    let limit = env.context().value_bytes_max();
    match (count as u64).saturating_mul(size_of::<Value>() as u64) > limit {
        true => Err(RuntimeError::too_large(limit)),
        false => Ok(()),
    }
}

/// The parts between any of `by`; every character if one of them is empty.
fn split_by_any(name: &str, text: &str, by: &List, env: &Env<'_>) -> Result<Value> {
    let mut parts = vec![text.to_owned()];
    for separator in by.iter() {
        let Value::Text(separator) = separator else { return Err(refused(name, separator)) };
        allow(parts.iter().map(|part| part.matches(&**separator).count() + 1).sum(), env)?;
        parts = match separator.is_empty() {
            true => parts.iter().flat_map(|part| part.chars()).map(String::from).collect(),
            false => parts.iter().flat_map(|part| part.split(&**separator)).map(str::to_owned).collect(),
        };
    }
    Ok(parts.into_iter().map(Value::from).collect::<List>().into())
}

fn replace(text: &str, from: &str, to: &str, env: &Env<'_>) -> Result<Value> {
    let limit = env.context().value_bytes_max();
    let count = text.matches(from).count() as u64;
    let most = count.saturating_mul(to.len() as u64).saturating_add(text.len() as u64);
    if most > limit {
        return Err(RuntimeError::too_large(limit));
    }
    Ok(text.replace(from, to).into())
}
