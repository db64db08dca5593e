//! Makes temporal values from maps, texts and each other.

mod fields;

use std::sync::Arc;

pub(super) use fields::{Fields, Subsecond};

use super::duration::Amounts;
use super::{Date, DateTime, Duration, LocalDateTime, LocalTime, SECOND, Time, Zone, out_of_range, parse};
use crate::error::{Result, RuntimeError};
use crate::value::{Map, Value};

/// When the statement began, in nanoseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now(pub i128);

/// What a temporal value is made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    pub date: Option<Date>,
    pub time: Option<LocalTime>,
    pub zone: Option<Zone>,
    pub offset: Option<i32>,
}

impl Parts {
    /// The parts of a value; none if it is no day or time.
    pub fn of(value: &Value) -> Option<Self> {
        let parts = match value {
            Value::Date(date) => Self { date: Some(*date), ..Self::default() },
            Value::LocalTime(time) => Self { time: Some(*time), ..Self::default() },
            Value::Time(time) => Self {
                time: Some(time.local()),
                zone: Some(Zone::Offset(time.offset())),
                offset: Some(time.offset()),
                date: None,
            },
            Value::LocalDateTime(local) => Self { date: Some(local.date), time: Some(local.time), ..Self::default() },
            Value::DateTime(moment) => Self::of_moment(moment),
            _ => return None,
        };
        Some(parts)
    }

    fn of_moment(moment: &DateTime) -> Self {
        let local = moment.local();
        let zone = Some(moment.zone().clone());
        Self { date: Some(local.date), time: Some(local.time), zone, offset: Some(moment.offset()) }
    }

    fn date(&self) -> Result<Date> {
        self.date.ok_or_else(|| RuntimeError::argument_type("the value has no date"))
    }

    fn time(&self) -> LocalTime {
        self.time.unwrap_or(LocalTime::MIDNIGHT)
    }

    fn offset(&self) -> i32 {
        self.offset.unwrap_or(0)
    }

    fn local(&self) -> Result<LocalDateTime> {
        Ok(LocalDateTime::new(self.date()?, self.time()))
    }

    fn moment(&self) -> Result<DateTime> {
        let zone = self.zone.clone().unwrap_or(Zone::UTC);
        match self.offset {
            Some(offset) => DateTime::with_offset(self.local()?, offset, zone),
            None => DateTime::new(self.local()?, zone),
        }
    }

    fn is_without_time(&self) -> bool {
        self.time.is_none()
    }
}

/// What a constructor was given.
enum Source {
    Null,
    Text(Arc<str>),
    Parts(Parts),
    Fields(Fields),
}

/// Sorts out the argument; no argument is now.
fn source(argument: Option<&Value>, now: Now) -> Result<Source> {
    let there = |zone: Zone| Ok(Source::Parts(Parts::of_moment(&DateTime::from_nanos(now.0, zone)?)));
    match argument {
        None => there(Zone::UTC),
        Some(Value::Null) => Ok(Source::Null),
        Some(Value::Text(text)) => Ok(Source::Text(Arc::clone(text))),
        Some(Value::Map(map)) => {
            let mut fields = Fields::new(map)?;
            match fields.is_only_zone() {
                true => there(fields.take_zone()?.unwrap_or(Zone::UTC)),
                false => Ok(Source::Fields(fields)),
            }
        }
        Some(value) => match Parts::of(value) {
            Some(parts) => Ok(Source::Parts(parts)),
            None => {
                let message = format!("expected a text, a map or a temporal value, found {}", value.type_name());
                Err(RuntimeError::argument_type(message))
            }
        },
    }
}

/// `date(…)`.
pub(crate) fn construct_date(argument: Option<&Value>, now: Now) -> Result<Value> {
    Ok(match source(argument, now)? {
        Source::Null => Value::Null,
        Source::Text(text) => parse::date(&text)?.into(),
        Source::Parts(parts) => parts.date()?.into(),
        Source::Fields(mut fields) => {
            let base = fields.take_base()?;
            let date = fields.take_date(base.date)?;
            fields.finish()?;
            date.into()
        }
    })
}

/// `localtime(…)`.
pub(crate) fn construct_local_time(argument: Option<&Value>, now: Now) -> Result<Value> {
    Ok(match source(argument, now)? {
        Source::Null => Value::Null,
        Source::Text(text) => parse::local_time(&text)?.into(),
        Source::Parts(parts) if parts.is_without_time() => return Err(no_time()),
        Source::Parts(parts) => parts.time().into(),
        Source::Fields(mut fields) => {
            let base = fields.take_base()?;
            let time = fields.take_time(base.time, true, Subsecond::Replaced)?;
            fields.finish()?;
            time.into()
        }
    })
}

/// `time(…)`.
pub(crate) fn construct_time(argument: Option<&Value>, now: Now) -> Result<Value> {
    Ok(match source(argument, now)? {
        Source::Null => Value::Null,
        Source::Text(text) => parse::time(&text)?.into(),
        Source::Parts(parts) if parts.is_without_time() => return Err(no_time()),
        Source::Parts(parts) => Time::new(parts.time(), parts.offset()).into(),
        Source::Fields(mut fields) => {
            let base = fields.take_base()?;
            let time = fields.take_time(base.time, true, Subsecond::Replaced)?;
            let zone = fields.take_zone()?;
            fields.finish()?;
            let offset = zone.map(|zone| offset_now(&zone, now));
            match (base.offset, offset) {
                // The same moment, as clocks at the other offset show it.
                (Some(from), Some(to)) => {
                    let nanos = i128::from(time.nanos()) + i128::from(to - from) * i128::from(SECOND);
                    Time::new(LocalTime::from_nanos(nanos), to).into()
                }
                (from, to) => Time::new(time, to.or(from).unwrap_or(0)).into(),
            }
        }
    })
}

/// The offset of a zone when the statement began: a time of day alone has no other day.
pub(super) fn offset_now(zone: &Zone, now: Now) -> i32 {
    zone.offset_at(i64::try_from(now.0.div_euclid(i128::from(SECOND))).unwrap_or(0))
}

fn no_time() -> RuntimeError {
    RuntimeError::argument_type("the value has no time")
}

/// `localdatetime(…)`.
pub(crate) fn construct_local_date_time(argument: Option<&Value>, now: Now) -> Result<Value> {
    Ok(match source(argument, now)? {
        Source::Null => Value::Null,
        Source::Text(text) => parse::local_date_time(&text)?.into(),
        Source::Parts(parts) => parts.local()?.into(),
        Source::Fields(mut fields) => {
            let base = fields.take_base()?;
            let date = fields.take_date(base.date)?;
            let time = fields.take_time(base.time, false, Subsecond::Replaced)?;
            fields.finish()?;
            LocalDateTime::new(date, time).into()
        }
    })
}

/// `datetime(…)`.
pub(crate) fn construct_date_time(argument: Option<&Value>, now: Now) -> Result<Value> {
    Ok(match source(argument, now)? {
        Source::Null => Value::Null,
        Source::Text(text) => parse::date_time(&text)?.into(),
        Source::Parts(parts) => parts.moment()?.into(),
        Source::Fields(mut fields) => moment(&mut fields)?.into(),
    })
}

fn moment(fields: &mut Fields) -> Result<DateTime> {
    if let Some(unix_nanos) = fields.take_epoch()? {
        let zone = fields.take_zone()?.unwrap_or(Zone::UTC);
        fields.finish()?;
        return DateTime::from_nanos(unix_nanos, zone);
    }
    let base = fields.take_base()?;
    let date = fields.take_date(base.date)?;
    let time = fields.take_time(base.time, false, Subsecond::Replaced)?;
    let zone = fields.take_zone()?;
    fields.finish()?;
    let local = LocalDateTime::new(date, time);
    // Where clocks show a time twice, the offset tells which one it is.
    let there = |zone: Zone| match base.offset {
        Some(offset) => DateTime::with_offset(local, offset, zone),
        None => DateTime::new(local, zone),
    };
    match (base.zone, zone) {
        // The fields change what clocks in the old zone show; then the same moment is told in the new one.
        (Some(from), Some(to)) => DateTime::from_nanos(there(from)?.unix_nanos(), to),
        (Some(from), None) => there(from),
        (None, to) => DateTime::new(local, to.unwrap_or(Zone::UTC)),
    }
}

/// `duration(…)`.
pub(crate) fn construct_duration(argument: &Value) -> Result<Value> {
    match argument {
        Value::Null => Ok(Value::Null),
        Value::Duration(_) => Ok(argument.clone()),
        Value::Text(text) => Ok(parse::duration(text)?.into()),
        Value::Map(map) => Ok(duration_of(map)?.into()),
        other => {
            let message = format!("expected a text or a map, found {}", other.type_name());
            Err(RuntimeError::argument_type(message))
        }
    }
}

fn duration_of(map: &Map) -> Result<Duration> {
    let mut amounts = Amounts::default();
    for (name, value) in map.iter() {
        match value {
            Value::Int(number) => add_whole(&mut amounts, name, i128::from(*number))?,
            Value::Float(number) => add_fraction(&mut amounts, name, *number)?,
            other => {
                let message = format!("expected a number for `{name}`, found {}", other.type_name());
                return Err(RuntimeError::argument_type(message));
            }
        }
    }
    amounts.duration()
}

fn add_whole(amounts: &mut Amounts, unit: &str, number: i128) -> Result<()> {
    const SECONDS: i128 = SECOND as i128;
    match unit {
        "years" => amounts.months += number * 12,
        "quarters" => amounts.months += number * 3,
        "months" => amounts.months += number,
        "weeks" => amounts.days += number * 7,
        "days" => amounts.days += number,
        "hours" => amounts.nanos += number * 3600 * SECONDS,
        "minutes" => amounts.nanos += number * 60 * SECONDS,
        "seconds" => amounts.nanos += number * SECONDS,
        "milliseconds" => amounts.nanos += number * 1_000_000,
        "microseconds" => amounts.nanos += number * 1_000,
        "nanoseconds" => amounts.nanos += number,
        _ => return Err(fields::unknown(unit)),
    }
    Ok(())
}

fn add_fraction(amounts: &mut Amounts, unit: &str, number: f64) -> Result<()> {
    if !number.is_finite() {
        return Err(out_of_range("the duration"));
    }
    match unit {
        "years" => amounts.add_months(number * 12.0),
        "quarters" => amounts.add_months(number * 3.0),
        "months" => amounts.add_months(number),
        "weeks" => amounts.add_days(number * 7.0),
        "days" => amounts.add_days(number),
        "hours" => amounts.add_seconds(number * 3600.0),
        "minutes" => amounts.add_seconds(number * 60.0),
        "seconds" => amounts.add_seconds(number),
        "milliseconds" => amounts.add_seconds(number / 1e3),
        "microseconds" => amounts.add_seconds(number / 1e6),
        "nanoseconds" => amounts.add_seconds(number / 1e9),
        _ => Err(fields::unknown(unit)),
    }
}
