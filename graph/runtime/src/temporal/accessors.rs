//! The parts of temporal values, as properties.

use super::build::Parts;
use super::{Duration, LocalDateTime, LocalTime, SECOND};
use crate::value::Value;

/// The part `name` of a day or time; none if it has no such part.
pub(crate) fn date_time_part(value: &Value, name: &str) -> Option<Value> {
    let parts = Parts::of(value)?;
    let of_date = parts.date.and_then(|date| {
        let (year, month, day) = date.civil();
        let number = match name {
            "year" => year,
            "month" => month,
            "day" => day,
            "quarter" => date.quarter().0,
            "dayOfQuarter" => date.quarter().1,
            "week" => date.week().1,
            "weekYear" => date.week().0,
            "weekDay" | "dayOfWeek" => date.weekday(),
            "ordinalDay" => date.ordinal(),
            _ => return None,
        };
        Some(number)
    });
    let number = of_date.or_else(|| parts.time.and_then(|time| time_part(time, name)));
    number.map(Value::Int).or_else(|| zone_part(&parts, name))
}

fn time_part(time: LocalTime, name: &str) -> Option<i64> {
    let (hour, minute, second, nanosecond) = time.parts();
    let number = match name {
        "hour" => hour,
        "minute" => minute,
        "second" => second,
        "millisecond" => nanosecond / 1_000_000,
        "microsecond" => nanosecond / 1_000,
        "nanosecond" => nanosecond,
        _ => return None,
    };
    Some(number)
}

fn zone_part(parts: &Parts, name: &str) -> Option<Value> {
    let (zone, offset) = (parts.zone.as_ref()?, parts.offset?);
    let epoch = || {
        let local = LocalDateTime::new(parts.date?, parts.time?);
        Some(local.nanos_as_utc() - i128::from(offset) * i128::from(SECOND))
    };
    let in_units = |nanos: i128, unit: i128| i64::try_from(nanos.div_euclid(unit)).ok();
    match name {
        "timezone" => Some(zone.to_string().into()),
        "offset" => Some(super::Zone::Offset(offset).to_string().into()),
        "offsetMinutes" => Some(Value::Int(i64::from(offset / 60))),
        "offsetSeconds" => Some(Value::Int(i64::from(offset))),
        "epochSeconds" => in_units(epoch()?, i128::from(SECOND)).map(Value::Int),
        "epochMillis" => in_units(epoch()?, 1_000_000).map(Value::Int),
        _ => None,
    }
}

/// The part `name` of a duration; none if there is no such part, or if it does not fit into 64 bits.
pub(crate) fn duration_part(duration: &Duration, name: &str) -> Option<Value> {
    let (months, days, seconds) = (duration.months(), duration.days(), duration.seconds());
    let nanos = duration.subsecond_nanos();
    let in_units = |unit: i128| i64::try_from(duration.nanos_total().div_euclid(unit)).ok();
    let number = match name {
        "years" => months / 12,
        "quarters" => months / 3,
        "months" => months,
        "weeks" => days / 7,
        "days" => days,
        "hours" => seconds / 3600,
        "minutes" => seconds / 60,
        "seconds" => seconds,
        "milliseconds" => in_units(1_000_000)?,
        "microseconds" => in_units(1_000)?,
        "nanoseconds" => in_units(1)?,
        "quartersOfYear" => months % 12 / 3,
        "monthsOfQuarter" => months % 3,
        "monthsOfYear" => months % 12,
        "daysOfWeek" => days % 7,
        "minutesOfHour" => seconds / 60 % 60,
        "secondsOfMinute" => seconds % 60,
        "millisecondsOfSecond" => nanos / 1_000_000,
        "microsecondsOfSecond" => nanos / 1_000,
        "nanosecondsOfSecond" => nanos,
        _ => return None,
    };
    Some(Value::Int(number))
}
