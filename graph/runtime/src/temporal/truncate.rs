//! Cuts temporal values down to a unit.

use super::build::{Fields, Now, Parts, Subsecond, offset_now};
use super::{Date, DateTime, LocalDateTime, LocalTime, SECOND, Time, Zone};
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::value::{Map, Value, ValueType};

/// `kind` of `value` cut down to `unit`, with the fields of `map` set afterwards.
///
/// # Errors
/// `ArgumentError`: the unit is not known or too small or large for the value; a field is out of range.
pub(crate) fn truncate(kind: ValueType, unit: &str, value: &Value, map: &Map, now: Now) -> Result<Value> {
    let parts = Parts::of(value).ok_or_else(|| {
        RuntimeError::argument_type(format!("expected a temporal value, found {}", value.type_name()))
    })?;
    let mut fields = Fields::all(map);
    let (date, time) = cut(unit, &parts)?;
    let has_date = matches!(kind, ValueType::Date | ValueType::LocalDateTime | ValueType::DateTime);
    let has_time = kind != ValueType::Date;
    if !has_time && !is_of_dates(unit) {
        return Err(wrong_unit(unit));
    }
    let date = if has_date { Some(fields.take_date(Some(date.ok_or_else(|| wrong_unit(unit))?))?) } else { None };
    let time = if has_time { fields.take_time(Some(time), false, Subsecond::Filled)? } else { time };
    let is_zoned = matches!(kind, ValueType::Time | ValueType::DateTime);
    let zone = if is_zoned { fields.take_zone()? } else { None };
    fields.finish()?;
    let value = match (kind, date) {
        (ValueType::LocalTime, _) => time.into(),
        (ValueType::Time, _) => {
            let offset = zone.map(|zone| offset_now(&zone, now)).or(parts.offset).unwrap_or(0);
            Time::new(time, offset).into()
        }
        (ValueType::Date, Some(date)) => date.into(),
        (ValueType::LocalDateTime, Some(date)) => LocalDateTime::new(date, time).into(),
        (_, Some(date)) => {
            let local = LocalDateTime::new(date, time);
            let moment = match (zone, parts.zone, parts.offset) {
                // Where clocks show a time twice, the offset tells which one it is.
                (None, Some(zone), Some(offset)) => DateTime::with_offset(local, offset, zone),
                (zone, own, _) => DateTime::new(local, zone.or(own).unwrap_or(Zone::UTC)),
            };
            moment?.into()
        }
        (_, None) => return Err(wrong_unit(unit)),
    };
    Ok(value)
}

fn is_of_dates(unit: &str) -> bool {
    matches!(unit, "millennium" | "century" | "decade" | "year" | "weekyear" | "quarter" | "month" | "week" | "day")
}

fn wrong_unit(unit: &str) -> RuntimeError {
    let message = format!("the unit `{unit}` does not fit the value");
    RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidArgumentValue, message)
}

/// The date and time, cut. `unit` is in lower case.
fn cut(unit: &str, parts: &Parts) -> Result<(Option<Date>, LocalTime)> {
    if is_of_dates(unit) {
        let date = parts.date.map(|date| cut_date(unit, date)).transpose()?;
        return match date {
            None if unit != "day" => Err(wrong_unit(unit)),
            date => Ok((date, LocalTime::MIDNIGHT)),
        };
    }
    let unit_nanos = match unit {
        "hour" => 3600 * SECOND,
        "minute" => 60 * SECOND,
        "second" => SECOND,
        "millisecond" => 1_000_000,
        "microsecond" => 1_000,
        "nanosecond" => 1,
        _ => return Err(wrong_unit(unit)),
    };
    let nanos = parts.time.unwrap_or(LocalTime::MIDNIGHT).nanos();
    Ok((parts.date, LocalTime::from_nanos(i128::from(nanos - nanos % unit_nanos))))
}

fn cut_date(unit: &str, date: Date) -> Result<Date> {
    let (year, month, _) = date.civil();
    let years = |step: i64| Date::new(year - year.rem_euclid(step), 1, 1);
    match unit {
        "millennium" => years(1000),
        "century" => years(100),
        "decade" => years(10),
        "year" => years(1),
        "weekyear" => Date::from_week(date.week().0, 1, 1),
        "quarter" => Date::from_quarter(year, date.quarter().0, 1),
        "month" => Date::new(year, month, 1),
        "week" => date.plus_days(1 - date.weekday()),
        _ => Ok(date),
    }
}
