//! The entries of a map that a temporal value is made from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Parts;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};
use crate::temporal::date::in_range;
use crate::temporal::{Date, LocalTime, SECOND, Zone, out_of_range};
use crate::value::{Map, Value};

/// Entries that are taken one after the other; what is left in the end is a mistake.
#[derive(Debug)]
pub(in crate::temporal) struct Fields {
    entries: BTreeMap<Arc<str>, Value>,
}

/// What given parts of a second do to those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::temporal) enum Subsecond {
    /// They replace them all.
    Replaced,
    /// They fill what was cut off.
    Filled,
}

impl Fields {
    /// The entries of `map`.
    pub fn new(map: &Map) -> Result<Self> {
        if map.is_empty() {
            let message = "a map without entries says nothing of a temporal value";
            return Err(RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidArgumentValue, message));
        }
        Ok(Self::all(map))
    }

    /// The entries of `map`, which may be none.
    pub fn all(map: &Map) -> Self {
        Self { entries: (**map).clone() }
    }

    /// True if there is a zone and nothing else.
    pub fn is_only_zone(&self) -> bool {
        self.entries.len() == 1 && self.entries.contains_key("timezone")
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.entries.contains_key(*name))
    }

    fn take(&mut self, name: &str) -> Result<Option<i64>> {
        match self.entries.remove(name) {
            None => Ok(None),
            Some(Value::Int(number)) => Ok(Some(number)),
            Some(other) => {
                let message = format!("expected an integer for `{name}`, found {}", other.type_name());
                Err(RuntimeError::argument_type(message))
            }
        }
    }

    fn take_parts(&mut self, name: &str) -> Result<Option<Parts>> {
        let Some(value) = self.entries.remove(name) else { return Ok(None) };
        match Parts::of(&value) {
            Some(parts) => Ok(Some(parts)),
            None => {
                let message = format!("expected a temporal value for `{name}`, found {}", value.type_name());
                Err(RuntimeError::argument_type(message))
            }
        }
    }

    /// Takes `datetime`, `date` and `time`, which the other fields change.
    pub fn take_base(&mut self) -> Result<Parts> {
        let mut base = self.take_parts("datetime")?.unwrap_or_default();
        if let Some(date) = self.take_parts("date")? {
            base.date = Some(date.date()?);
        }
        if let Some(time) = self.take_parts("time")? {
            if time.time.is_none() {
                return Err(RuntimeError::argument_type("the value for `time` has no time"));
            }
            base = Parts { date: base.date, ..time };
        }
        Ok(base)
    }

    /// Takes `timezone`.
    pub fn take_zone(&mut self) -> Result<Option<Zone>> {
        match self.entries.remove("timezone") {
            None => Ok(None),
            Some(Value::Text(text)) => Zone::parse(&text).map(Some),
            Some(other) => {
                let message = format!("expected a text for `timezone`, found {}", other.type_name());
                Err(RuntimeError::argument_type(message))
            }
        }
    }

    /// Takes `epochSeconds` or `epochMillis`, and `nanosecond`; nanoseconds since 1970 in UTC.
    pub fn take_epoch(&mut self) -> Result<Option<i128>> {
        let unit = |number: Option<i64>, nanos: i64| number.map(|number| i128::from(number) * i128::from(nanos));
        let seconds = unit(self.take("epochSeconds")?, SECOND);
        let millis = unit(self.take("epochMillis")?, 1_000_000);
        let Some(nanos) = seconds.or(millis) else { return Ok(None) };
        Ok(Some(nanos + i128::from(self.take("nanosecond")?.unwrap_or(0))))
    }

    /// Takes the fields of a date. What they leave open is that of `base`, or the first day.
    pub fn take_date(&mut self, base: Option<Date>) -> Result<Date> {
        let year = self.take("year")?;
        let base_year = base.map(|base| base.civil().0);
        let missing = || missing("year");
        if self.has(&["week", "dayOfWeek"]) {
            let base_week = base.map(Date::week);
            let year = year.or(base_week.map(|(year, _)| year)).ok_or_else(missing)?;
            let week = self.take_below("week", base_week.map(|(_, week)| week))?;
            let day = self.take("dayOfWeek")?.or(base.map(Date::weekday)).unwrap_or(1);
            return Date::from_week(year, week, day);
        }
        let year = year.or(base_year).ok_or_else(missing)?;
        if let Some(day) = self.take("ordinalDay")? {
            return Date::from_ordinal(year, day);
        }
        if self.has(&["quarter", "dayOfQuarter"]) {
            let base = base.map(Date::quarter);
            let quarter = self.take_below("quarter", base.map(|(quarter, _)| quarter))?;
            let day = self.take("dayOfQuarter")?.or(base.map(|(_, day)| day)).unwrap_or(1);
            return Date::from_quarter(year, quarter, day);
        }
        let base = base.map(Date::civil);
        let has_day = self.has(&["day"]);
        let month = match (self.take("month")?, base) {
            (Some(month), _) => month,
            (None, Some((_, month, _))) => month,
            (None, None) if has_day => return Err(missing_below("month", "day")),
            (None, None) => 1,
        };
        let day = self.take("day")?.or(base.map(|(_, _, day)| day)).unwrap_or(1);
        Date::new(year, month, day)
    }

    /// Takes a field that must be given unless there is a base.
    fn take_below(&mut self, name: &str, base: Option<i64>) -> Result<i64> {
        self.take(name)?.or(base).ok_or_else(|| missing(name))
    }

    /// Takes the fields of a time. What they leave open is that of `base`, or zero; without base and with
    /// `needs_hour` the hour must be there.
    pub fn take_time(&mut self, base: Option<LocalTime>, needs_hour: bool, subsecond: Subsecond) -> Result<LocalTime> {
        let (base_hour, base_minute, base_second, base_nanos) = base.unwrap_or(LocalTime::MIDNIGHT).parts();
        let subseconds = ["millisecond", "microsecond", "nanosecond"];
        if base.is_none() {
            let order = ["hour", "minute", "second"];
            let is_given = order.map(|name| self.has(&[name]));
            let lowest = if self.has(&subseconds) { 3 } else { is_given.iter().rposition(|given| *given).unwrap_or(0) };
            let gap = order.iter().zip(is_given).take(lowest).find(|(_, given)| !given);
            if let Some((name, _)) = gap {
                return Err(missing(name));
            }
            if needs_hour && !self.has(&["hour"]) {
                return Err(missing("hour"));
            }
        }
        let hour = self.take("hour")?.unwrap_or(base_hour);
        let minute = self.take("minute")?.unwrap_or(base_minute);
        let second = self.take("second")?.unwrap_or(base_second);
        let nanos = match (self.has(&subseconds), subsecond) {
            (false, _) => base_nanos,
            (true, Subsecond::Replaced) => self.take_nanos()?,
            (true, Subsecond::Filled) => base_nanos + self.take_nanos()?,
        };
        LocalTime::new(hour, minute, second, nanos)
    }

    /// Takes the parts of a second, each below the next larger one that is given.
    fn take_nanos(&mut self) -> Result<i64> {
        let (millis, micros, nanos) = (self.take("millisecond")?, self.take("microsecond")?, self.take("nanosecond")?);
        let micros_max = if millis.is_some() { 999 } else { 999_999 };
        let nanos_max = match (millis, micros) {
            (_, Some(_)) => 999,
            (Some(_), None) => 999_999,
            (None, None) => SECOND - 1,
        };
        let checked = |name: &str, number: Option<i64>, most: i64| {
            in_range(name, number.unwrap_or(0), 0, most).map(|()| number.unwrap_or(0))
        };
        let millis = checked("the millisecond", millis, 999)?;
        let micros = checked("the microsecond", micros, micros_max)?;
        Ok(millis * 1_000_000 + micros * 1_000 + checked("the nanosecond", nanos, nanos_max)?)
    }

    /// # Errors
    /// `ArgumentError`: there are fields that nobody took.
    pub fn finish(&self) -> Result<()> {
        match self.entries.keys().next() {
            None => Ok(()),
            Some(name) => Err(unknown(name)),
        }
    }
}

/// A field that no such value has, or not together with the others.
pub(super) fn unknown(name: &str) -> RuntimeError {
    let message = format!("`{name}` has no place here");
    RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidArgumentValue, message)
}

fn missing(name: &str) -> RuntimeError {
    let message = format!("`{name}` must be given");
    RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidArgumentValue, message)
}

fn missing_below(name: &str, below: &str) -> RuntimeError {
    out_of_range(&format!("`{below}` without `{name}`"))
}
