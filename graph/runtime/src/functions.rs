//! The functions of the language, by name.

mod convert;
mod entities;
mod lists;
mod numbers;
mod temporal;
mod texts;

use std::fmt;

use worldstore_cypher::ast::{Expr, ExprKind, Name};

use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::eval::{Env, eval};
use crate::value::Value;

/// Functions that a caller adds to those of the language, such as what only its graph knows.
pub trait Functions: fmt::Debug + Send + Sync {
    /// The value of the function `name`, in lower case with its namespaces in front; none if it is not known with so
    /// many arguments. Asked only for what the language has not.
    ///
    /// # Errors
    /// Whatever the function comes to.
    fn call(&self, name: &str, arguments: &[Value]) -> Result<Option<Value>>;
}

/// The value of `namespace.function(arguments)`. Case does not matter. Aggregates are not among them.
pub(crate) fn call(namespace: &[Name], function: &Name, arguments: &[Expr], env: &Env<'_>) -> Result<Value> {
    let mut buffer = NameBuffer::default();
    let name = buffer.lower_case(namespace, function)?;
    match (name, arguments) {
        ("coalesce", _) => return coalesce(arguments, env),
        ("exists", [argument]) => return exists(argument, env),
        _ => {}
    }
    // Most functions have few arguments, which need no memory of their own.
    let value = match arguments {
        [] => dispatch(name, &[], env),
        [only] => dispatch(name, &[eval(only, env)?], env),
        [first, second] => dispatch(name, &[eval(first, env)?, eval(second, env)?], env),
        _ => {
            let arguments = arguments.iter().map(|argument| eval(argument, env)).collect::<Result<Vec<_>>>()?;
            dispatch(name, &arguments, env)
        }
    };
    env.bounded(value?.ok_or_else(|| unknown(name, arguments.len()))?)
}

/// The longest name of a function with its namespace, in bytes.
const NAME_MAX: usize = 64;

/// Room for the name of a function, which is made for each call.
struct NameBuffer {
    bytes: [u8; NAME_MAX],
    length: usize,
}

impl Default for NameBuffer {
    fn default() -> Self {
        Self { bytes: [0; NAME_MAX], length: 0 }
    }
}

impl NameBuffer {
    /// `namespace.function` in lower case.
    fn lower_case(&mut self, namespace: &[Name], function: &Name) -> Result<&str> {
        let parts = namespace.iter().flat_map(|part| [part.text.as_str(), "."]).chain([function.text.as_str()]);
        for part in parts {
            let end = self.length + part.len();
            let Some(place) = self.bytes.get_mut(self.length..end) else {
                return Err(unknown_name(&function.text));
            };
            place.copy_from_slice(part.as_bytes());
            self.length = end;
        }
        let name = self.bytes.get_mut(..self.length).unwrap_or_default();
        name.make_ascii_lowercase();
        std::str::from_utf8(name).map_err(|_| unknown_name(&function.text))
    }
}

fn unknown_name(name: &str) -> RuntimeError {
    let message = format!("there is no function `{name}`");
    RuntimeError::new(ErrorClass::SyntaxError, ErrorDetail::UnknownFunction, message)
}

/// The value of a function; none if there is no such function with so many arguments.
pub(crate) fn dispatch(name: &str, arguments: &[Value], env: &Env<'_>) -> Result<Option<Value>> {
    for group in [entities::call, lists::call, texts::call, numbers::call, convert::call, temporal::call] {
        if let Some(value) = group(name, arguments, env)? {
            return Ok(Some(value));
        }
    }
    env.context().functions().map_or(Ok(None), |functions| functions.call(name, arguments))
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
        (ExprKind::Pattern(_), value) => Ok(value),
        (_, value) => Ok(Value::Bool(!value.is_null())),
    }
}

/// A function was given a value of a type that it does not take.
fn refused(name: &str, value: &Value) -> RuntimeError {
    RuntimeError::argument_type(format!("`{name}` does not take {}", value.type_name()))
}

#[cfg(test)]
mod tests;
