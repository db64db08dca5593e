//! Values come back as they were.

use std::sync::Arc;

use serde_json::json;
use worldstore_core::ErrorKind;
use worldstore_cypher_runtime::{Date, DateTime, Duration, LocalDateTime, LocalTime, Map, Time, Value, Zone};

use super::{from_json, to_json};

fn there_and_back(value: Value) {
    let json = to_json(&value).unwrap();
    let text = serde_json::to_string(&json).unwrap();
    let back = from_json(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(back, value, "{text}");
    assert_eq!(back.value_type(), value.value_type(), "{text}");
    assert_eq!(back.to_string(), value.to_string(), "{text}");
}

#[test]
fn every_type_comes_back() {
    let berlin = Zone::parse("Europe/Berlin").unwrap();
    // An hour that comes twice: the second time of it.
    let twice = DateTime::from_nanos(1_729_991_700_123_456_789, berlin).unwrap();
    let local = LocalDateTime::new(Date::new(-44, 3, 15).unwrap(), LocalTime::new(12, 0, 0, 1).unwrap());
    let floats = [0.0, -0.0, 1.0, 0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 5e-324];
    let all = vec![
        Value::Null,
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::Int(i64::MAX),
        Value::from("a \"quote\", a \n line, \u{1F697} and \0"),
        Value::Date(Date::new(999_999, 12, 31).unwrap()),
        Value::LocalTime(LocalTime::new(23, 59, 59, 999_999_999).unwrap()),
        Value::Time(Time::new(LocalTime::new(1, 2, 3, 4).unwrap(), -3600)),
        Value::LocalDateTime(local),
        Value::DateTime(Arc::new(twice)),
        Value::DateTime(Arc::new(DateTime::new(local, Zone::Offset(5_025)).unwrap())),
        Value::Duration(Arc::new(Duration::new(-14, 3, -1).unwrap())),
    ];
    let map = Map::new([("float".into(), Value::Int(1)), ("".into(), Value::Null)].into());
    for value in all.iter().cloned().chain(floats.map(Value::Float)).chain([Value::from(all.clone()), Value::Map(map)])
    {
        there_and_back(value);
    }
}

#[test]
fn what_no_value_has_is_damage() {
    for wrong in [
        json!(1.5),
        json!(18_446_744_073_709_551_615_u64),
        json!({}),
        json!({"float": 1.5}),
        json!({"floor": "1"}),
        json!({"date": "today"}),
        json!({"time": [1]}),
        json!({"date time": ["0", "Atlantis"]}),
        json!({"map": {"a": {"float": "x"}}}),
        json!({"date": 1, "time": 2}),
    ] {
        assert_eq!(from_json(&wrong).unwrap_err().kind(), ErrorKind::Corrupt, "{wrong}");
    }
}
