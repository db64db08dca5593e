//! Functions that make and compare temporal values.

use super::refused;
use crate::error::{Result, RuntimeError};
use crate::eval::Env;
use crate::temporal::{self, Between, DateTime, Now, Zone};
use crate::value::{Map, Value, ValueType};

/// What makes values of a temporal type.
type Constructor = fn(Option<&Value>, Now) -> Result<Value>;

pub(super) fn call(name: &str, arguments: &[Value], env: &Env<'_>) -> Result<Option<Value>> {
    let now = Now(env.context().now_unix_nanos());
    let (kind, operation) = name.split_once('.').unwrap_or((name, ""));
    if kind == "duration" {
        return duration(operation, arguments);
    }
    if (name, arguments.len()) == ("timestamp", 0) {
        return Ok(Some(Value::Int(i64::try_from(now.0.div_euclid(1_000_000)).unwrap_or(i64::MAX))));
    }
    let (kind, construct): (ValueType, Constructor) = match kind {
        "date" => (ValueType::Date, temporal::construct_date),
        "localtime" => (ValueType::LocalTime, temporal::construct_local_time),
        "time" => (ValueType::Time, temporal::construct_time),
        "localdatetime" => (ValueType::LocalDateTime, temporal::construct_local_date_time),
        "datetime" => (ValueType::DateTime, temporal::construct_date_time),
        _ => return Ok(None),
    };
    match (operation, arguments) {
        ("", [] | [_]) => construct(arguments.first(), now).map(Some),
        ("transaction" | "statement" | "realtime", []) => construct(None, now).map(Some),
        ("transaction" | "statement" | "realtime", [zone]) => in_zone(construct, zone, now).map(Some),
        ("truncate", [unit]) => truncate(kind, unit, &construct(None, now)?, &Value::Null, now).map(Some),
        ("truncate", [unit, value]) => truncate(kind, unit, value, &Value::Null, now).map(Some),
        ("truncate", [unit, value, fields]) => truncate(kind, unit, value, fields, now).map(Some),
        ("fromepoch" | "fromepochmillis", _) if kind == ValueType::DateTime => from_epoch(operation, arguments),
        _ => Ok(None),
    }
}

/// Now, as clocks in a zone show it.
fn in_zone(construct: Constructor, zone: &Value, now: Now) -> Result<Value> {
    match zone {
        Value::Null => Ok(Value::Null),
        Value::Text(zone) => construct(Some(&DateTime::from_nanos(now.0, Zone::parse(zone)?)?.into()), now),
        other => Err(refused("a time zone", other)),
    }
}

fn truncate(kind: ValueType, unit: &Value, value: &Value, fields: &Value, now: Now) -> Result<Value> {
    if value.is_null() || unit.is_null() {
        return Ok(Value::Null);
    }
    let unit = unit.as_text().ok_or_else(|| refused("truncate", unit))?;
    let none = Map::default();
    let fields = match fields {
        Value::Null => &none,
        Value::Map(fields) => fields,
        other => return Err(refused("truncate", other)),
    };
    temporal::truncate(kind, &unit.to_ascii_lowercase(), value, fields, now)
}

/// Seconds and nanoseconds since 1970, or milliseconds.
fn from_epoch(operation: &str, arguments: &[Value]) -> Result<Option<Value>> {
    let int = |value: &Value| value.as_int().map(i128::from).ok_or_else(|| refused(operation, value));
    let nanos = match (operation, arguments) {
        (_, arguments) if arguments.iter().any(Value::is_null) => return Ok(Some(Value::Null)),
        ("fromepoch", [seconds, nanos]) => int(seconds)? * 1_000_000_000 + int(nanos)?,
        ("fromepochmillis", [millis]) => int(millis)? * 1_000_000,
        _ => return Ok(None),
    };
    Ok(Some(DateTime::from_nanos(nanos, Zone::UTC)?.into()))
}

fn duration(operation: &str, arguments: &[Value]) -> Result<Option<Value>> {
    let unit = match (operation, arguments) {
        ("", [argument]) => return temporal::construct_duration(argument).map(Some),
        ("between", _) => Between::All,
        ("inmonths", _) => Between::Months,
        ("indays", _) => Between::Days,
        ("inseconds", _) => Between::Seconds,
        _ => return Ok(None),
    };
    let [from, to] = arguments else { return Ok(None) };
    if from.is_null() || to.is_null() {
        return Ok(Some(Value::Null));
    }
    let parts = |value: &Value| {
        let message = || format!("expected a temporal value, found {}", value.type_name());
        temporal::Parts::of(value).ok_or_else(|| RuntimeError::argument_type(message()))
    };
    Ok(Some(temporal::between(&parts(from)?, &parts(to)?, unit)?.into()))
}
