//! The functions of the language, by name.

mod convert;
mod entities;
mod lists;
mod numbers;
mod temporal;
mod texts;

use worldstore_cypher::ast::{Expr, Name};

use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::{Env, eval};
use crate::value::Value;

/// The value of `namespace.function(arguments)`. Case does not matter. Aggregates are not among them.
pub(crate) fn call(namespace: &[Name], function: &Name, arguments: &[Expr], env: &Env<'_>) -> Result<Value> {
    let mut name = String::new();
    for part in namespace {
        name.push_str(&part.text.to_ascii_lowercase());
        name.push('.');
    }
    name.push_str(&function.text.to_ascii_lowercase());
    match (name.as_str(), arguments) {
        ("coalesce", _) => return coalesce(arguments, env),
        ("exists", [argument]) => return exists(argument, env),
        _ => {}
    }
    let arguments = arguments.iter().map(|argument| eval(argument, env)).collect::<Result<Vec<_>>>()?;
    let value = dispatch(&name, &arguments, env)?.ok_or_else(|| unknown(&name, arguments.len()))?;
    env.bounded(value)
}

/// The value of a function; none if there is no such function with so many arguments.
pub(crate) fn dispatch(name: &str, arguments: &[Value], env: &Env<'_>) -> Result<Option<Value>> {
    for group in [entities::call, lists::call, texts::call, numbers::call, convert::call, temporal::call] {
        if let Some(value) = group(name, arguments, env)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn unknown(name: &str, count: usize) -> RuntimeError {
    let message = format!("there is no function `{name}` with {count} arguments");
    RuntimeError::new(ErrorClass::SyntaxError, ErrorDetail::UnknownFunction, message)
}

/// The first value that is not null; those behind it are not evaluated.
fn coalesce(arguments: &[Expr], env: &Env<'_>) -> Result<Value> {
    for argument in arguments {
        let value = eval(argument, env)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

/// Whether a property is there, or a pattern fits.
fn exists(argument: &Expr, env: &Env<'_>) -> Result<Value> {
    match (&argument.kind, eval(argument, env)?) {
        (worldstore_cypher::ast::ExprKind::Pattern(_), value) => Ok(value),
        (_, value) => Ok(Value::Bool(!value.is_null())),
    }
}

/// A function was given a value of a type that it does not take.
fn refused(name: &str, value: &Value) -> RuntimeError {
    RuntimeError::argument_type(format!("`{name}` does not take {}", value.type_name()))
}

#[cfg(test)]
mod tests;
