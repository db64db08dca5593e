//! Functions that turn values of one type into another.

use crate::error::{Result, RuntimeError};
use crate::eval::Env;
use crate::value::{List, Value, write_float};

pub(super) fn call(name: &str, arguments: &[Value], _env: &Env<'_>) -> Result<Option<Value>> {
    let [value] = arguments else { return Ok(None) };
    let (result, is_lenient) = match name {
        "tointeger" => (to_integer(value), false),
        "tointegerornull" => (to_integer(value), true),
        "tofloat" => (to_float(value), false),
        "tofloatornull" => (to_float(value), true),
        "toboolean" => (to_boolean(value), false),
        "tobooleanornull" => (to_boolean(value), true),
        "tostring" => (to_text(value), false),
        "tostringornull" => (to_text(value), true),
        "tointegerlist" => return each(value, to_integer),
        "tofloatlist" => return each(value, to_float),
        "tobooleanlist" => return each(value, to_boolean),
        "tostringlist" => return each(value, to_text),
        "valuetype" => return Ok(Some(type_text(value).into())),
        _ => return Ok(None),
    };
    match result {
        Some(value) => Ok(Some(value)),
        None if is_lenient => Ok(Some(Value::Null)),
        None => Err(RuntimeError::argument_value(format!("`{name}` does not take {}", value.type_name()))),
    }
}

/// Every element of a list; null where it cannot be done.
fn each(value: &Value, convert: fn(&Value) -> Option<Value>) -> Result<Option<Value>> {
    match value {
        Value::Null => Ok(Some(Value::Null)),
        Value::List(list) => {
            Ok(Some(list.iter().map(|item| convert(item).unwrap_or_default()).collect::<List>().into()))
        }
        other => Err(RuntimeError::argument_type(format!("expected a list, found {}", other.type_name()))),
    }
}

/// The integer of a number or text, towards zero; null for a text that is no number; none for other types.
fn to_integer(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Int(_) => Some(value.clone()),
        Value::Float(float) => Some(whole(*float)),
        Value::Bool(truth) => Some(Value::Int(i64::from(*truth))),
        Value::Text(text) => {
            let text = text.trim();
            let int = text.parse::<i64>().map(Value::Int);
            Some(int.unwrap_or_else(|_| decimal(text).map(whole).unwrap_or_default()))
        }
        _ => None,
    }
}

/// The float without fraction; null if it is out of range.
fn whole(float: f64) -> Value {
    let range = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;
    if range.contains(&float) { Value::Int(float.trunc() as i64) } else { Value::Null }
}

/// A number as digits write it: no `inf`, no `nan`.
fn decimal(text: &str) -> Option<f64> {
    let is_number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if is_number { text.parse().ok() } else { None }
}

fn to_float(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Float(_) => Some(value.clone()),
        Value::Int(int) => Some(Value::Float(*int as f64)),
        Value::Text(text) => Some(decimal(text.trim()).into()),
        _ => None,
    }
}

fn to_boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(_) => Some(value.clone()),
        Value::Text(text) => Some(match text.trim().to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Null,
        }),
        _ => None,
    }
}

fn to_text(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Null | Value::Text(_) => value.clone(),
        Value::Float(float) => {
            let mut text = String::new();
            write_float(&mut text, *float).ok()?;
            text.into()
        }
        Value::Bool(_) | Value::Int(_) => value.to_string().into(),
        Value::Date(date) => date.to_string().into(),
        Value::LocalTime(time) => time.to_string().into(),
        Value::Time(time) => time.to_string().into(),
        Value::LocalDateTime(time) => time.to_string().into(),
        Value::DateTime(time) => time.to_string().into(),
        Value::Duration(duration) => duration.to_string().into(),
        _ => return None,
    })
}

fn type_text(value: &Value) -> String {
    let name = match value {
        Value::Null => return "NULL".to_owned(),
        Value::Bool(_) => "BOOLEAN",
        Value::Int(_) => "INTEGER",
        Value::Float(_) => "FLOAT",
        Value::Text(_) => "STRING",
        Value::List(_) => "LIST<ANY>",
        Value::Map(_) => "MAP",
        Value::Node(_) => "NODE",
        Value::Relationship(_) => "RELATIONSHIP",
        Value::Path(_) => "PATH",
        Value::Date(_) => "DATE",
        Value::LocalTime(_) => "LOCAL TIME",
        Value::Time(_) => "ZONED TIME",
        Value::LocalDateTime(_) => "LOCAL DATETIME",
        Value::DateTime(_) => "ZONED DATETIME",
        Value::Duration(_) => "DURATION",
    };
    format!("{name} NOT NULL")
}
