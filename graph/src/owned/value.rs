//! Values as JSON that reads back exactly.
//!
//! Null, truth, integers, texts and lists are themselves. Everything else is an object of one entry, named by its type:
//! `{"float": "3ff8000000000000"}` (the bits), `{"map": {…}}`, `{"date": days since 1970}`, `{"local time": nanoseconds}`,
//! `{"time": [nanoseconds, seconds east of UTC]}`, `{"local date time": "nanoseconds since 1970"}`,
//! `{"date time": ["nanoseconds since 1970", "zone"]}`, `{"duration": [months, days, "nanoseconds"]}`.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher_runtime::{
    Date, DateTime, Duration, List, LocalDateTime, LocalTime, Map, RuntimeError, Time, Value, Zone,
};

/// A value as JSON.
///
/// # Errors
/// `Unsupported` for nodes, relationships and paths.
pub(crate) fn to_json(value: &Value) -> Result<Json> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Text(value) => json!(&**value),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Result<_>>()?),
        Value::Float(value) => json!({ "float": format!("{:016x}", value.to_bits()) }),
        Value::Map(map) => json!({ "map": properties_to_json(map)? }),
        Value::Date(date) => json!({ "date": date.days() }),
        Value::LocalTime(time) => json!({ "local time": time.nanos() }),
        Value::Time(time) => json!({ "time": [time.local().nanos(), time.offset()] }),
        Value::LocalDateTime(time) => json!({ "local date time": time.nanos_as_utc().to_string() }),
        Value::DateTime(time) => json!({ "date time": [time.unix_nanos().to_string(), time.zone().to_string()] }),
        Value::Duration(duration) => {
            json!({ "duration": [duration.months(), duration.days(), duration.nanos_total().to_string()] })
        }
        other => return Err(Error::unsupported("this cannot be stored").with("type", other.type_name())),
    })
}

/// Properties as an object.
///
/// # Errors
/// As for [`to_json`].
pub(super) fn properties_to_json(map: &Map) -> Result<Json> {
    let entries = map.iter().map(|(name, value)| Ok((name.to_string(), to_json(value)?)));
    Ok(Json::Object(entries.collect::<Result<_>>()?))
}

/// The value of some JSON.
///
/// # Errors
/// `Corrupt` for JSON that none has.
pub(crate) fn from_json(json: &Json) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Int(number.as_i64().ok_or_else(|| corrupt(json))?),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(List::new(items.iter().map(from_json).collect::<Result<_>>()?)),
        Json::Object(entries) => match entries.iter().next() {
            Some((kind, inside)) if entries.len() == 1 => typed(kind, inside).ok_or_else(|| corrupt(json))??,
            _ => return Err(corrupt(json)),
        },
    })
}

/// The properties of an object.
///
/// # Errors
/// As for [`from_json`].
pub(super) fn properties_from_json(json: &Json) -> Result<Map> {
    let entries = json.as_object().ok_or_else(|| corrupt(json))?.iter();
    let entries = entries.map(|(name, value)| Ok((Arc::from(name.as_str()), from_json(value)?)));
    Ok(Map::new(entries.collect::<Result<_>>()?))
}

/// None if what is inside has not the form that the type has.
fn typed(kind: &str, inside: &Json) -> Option<Result<Value>> {
    let failed = |error: RuntimeError| corrupt(inside).caused_by(Error::from(error));
    let long = |json: &Json| json.as_str()?.parse::<i128>().ok();
    let at = |place: usize| inside.as_array()?.get(place);
    Some(match kind {
        "float" => Ok(Value::Float(f64::from_bits(u64::from_str_radix(inside.as_str()?, 16).ok()?))),
        "map" => properties_from_json(inside).map(Value::Map),
        "date" => Date::from_days(inside.as_i64()?).map(Value::Date).map_err(failed),
        "local time" => Ok(Value::LocalTime(LocalTime::from_nanos(inside.as_i64()?.into()))),
        "time" => {
            let local = LocalTime::from_nanos(at(0)?.as_i64()?.into());
            Ok(Value::Time(Time::new(local, i32::try_from(at(1)?.as_i64()?).ok()?)))
        }
        "local date time" => LocalDateTime::from_nanos(long(inside)?).map(Value::LocalDateTime).map_err(failed),
        "date time" => {
            let (nanos, zone) = (long(at(0)?)?, Zone::parse(at(1)?.as_str()?));
            let time = zone.and_then(|zone| DateTime::from_nanos(nanos, zone));
            time.map(|time| Value::DateTime(Arc::new(time))).map_err(failed)
        }
        "duration" => {
            let duration = Duration::new(at(0)?.as_i64()?, at(1)?.as_i64()?, long(at(2)?)?);
            duration.map(|duration| Value::Duration(Arc::new(duration))).map_err(failed)
        }
        _ => return None,
    })
}

fn corrupt(json: &Json) -> Error {
    Error::new(ErrorKind::Corrupt, "a stored value cannot be read").with("value", json)
}

#[cfg(test)]
mod tests;
