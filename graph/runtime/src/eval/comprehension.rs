//! List comprehensions, quantified conditions, and `reduce`.

use worldstore_cypher::ast::{Comprehension, Expr, Quantified, Reduce};

use super::{Env, condition, eval};
use crate::error::{Result, RuntimeError};
use crate::value::{List, Value};

/// The list of an expression; none for null.
fn list_of(expr: &Expr, env: &Env<'_>) -> Result<Option<List>> {
    match eval(expr, env)? {
        Value::List(list) => Ok(Some(list)),
        Value::Null => Ok(None),
        other => {
            let message = format!("expected a list, found {}", other.type_name());
            Err(RuntimeError::argument_type(message).at(expr.span))
        }
    }
}

/// `[variable IN list WHERE condition | value]`; null if the list is.
pub(super) fn list(comprehension: &Comprehension, env: &Env<'_>) -> Result<Value> {
    let Comprehension { variable, list, filter, value } = comprehension;
    let Some(list) = list_of(list, env)? else { return Ok(Value::Null) };
    let limit = env.context().value_bytes_max();
    let mut bytes = 0u64;
    let mut items = Vec::new();
    for item in list.iter() {
        env.context().step()?;
        let inner = env.with(&variable.text, item);
        if let Some(filter) = filter
            && condition(filter, &inner)? != Some(true)
        {
            continue;
        }
        let result = value.as_ref().map_or_else(|| Ok(item.clone()), |value| eval(value, &inner))?;
        bytes = bytes.saturating_add(result.bytes());
        if bytes > limit {
            return Err(RuntimeError::too_large(limit));
        }
        items.push(result);
    }
    env.bounded(items.into())
}

/// `all(variable IN list WHERE condition)` and its like; null if the list is, or if what is unknown decides.
pub(super) fn quantified(quantified: Quantified, comprehension: &Comprehension, env: &Env<'_>) -> Result<Value> {
    let Comprehension { variable, list, filter, .. } = comprehension;
    let Some(list) = list_of(list, env)? else { return Ok(Value::Null) };
    let (mut held, mut unknown) = (0u64, false);
    for item in list.iter() {
        env.context().step()?;
        let inner = env.with(&variable.text, item);
        let holds = filter.as_ref().map_or(Ok(Some(true)), |filter| condition(filter, &inner))?;
        let decided = match (quantified, holds) {
            (_, None) => {
                unknown = true;
                None
            }
            (Quantified::All, Some(false)) | (Quantified::None, Some(true)) => Some(false),
            (Quantified::Any, Some(true)) => Some(true),
            (Quantified::Single, Some(true)) => {
                held += 1;
                (held > 1).then_some(false)
            }
            _ => None,
        };
        if let Some(decided) = decided {
            return Ok(Value::Bool(decided));
        }
    }
    let otherwise = match quantified {
        Quantified::All | Quantified::None => true,
        Quantified::Any => false,
        Quantified::Single => held == 1,
    };
    Ok((!unknown).then_some(otherwise).into())
}

/// `reduce(result = start, variable IN list | value)`; null if the list is.
pub(super) fn reduce(reduce: &Reduce, env: &Env<'_>) -> Result<Value> {
    let Some(list) = list_of(&reduce.list, env)? else { return Ok(Value::Null) };
    let mut result = eval(&reduce.start, env)?;
    for item in list.iter() {
        env.context().step()?;
        let with_result = env.with(&reduce.result.text, &result);
        let inner = with_result.with(&reduce.variable.text, item);
        result = eval(&reduce.value, &inner)?;
    }
    Ok(result)
}
