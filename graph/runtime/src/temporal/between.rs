//! The time between two temporal values.

use super::build::Parts;
use super::{DAY, Date, DateTime, Duration, LocalDateTime, LocalTime, Zone, calendar};
use crate::error::Result;

/// In which units the time between two values is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// Months, days and seconds.
    All,
    /// Whole months.
    Months,
    /// Whole days.
    Days,
    /// Seconds.
    Seconds,
}

/// The time from `from` to `to`. What one of them lacks, day or zone, it takes from the other; a missing time is
/// midnight. Without a day in both, there are seconds only.
pub(crate) fn between(from: &Parts, to: &Parts, unit: Between) -> Result<Duration> {
    let has_dates = from.date.is_some() && to.date.is_some();
    let zone = |one: &Parts, other: &Parts| one.zone.clone().or_else(|| other.zone.clone()).unwrap_or(Zone::UTC);
    let epoch = Date::from_days(0)?;
    let start = moment(from, to.date.unwrap_or(epoch), zone(from, to))?;
    let end = moment(to, from.date.unwrap_or(epoch), zone(to, from))?;
    let end = DateTime::from_nanos(end.unix_nanos(), start.zone().clone())?;
    match unit {
        Between::Seconds => Duration::new(0, 0, end.unix_nanos() - start.unix_nanos()),
        _ if !has_dates && unit != Between::All => Ok(Duration::default()),
        Between::Months => Duration::new(months(start.local(), end.local()), 0, 0),
        Between::Days => Duration::new(0, days(start.local(), end.local()), 0),
        Between::All if !has_dates => Duration::new(0, 0, end.unix_nanos() - start.unix_nanos()),
        Between::All => {
            let months = months(start.local(), end.local());
            let after_months = start.plus(&Duration::new(months, 0, 0)?)?;
            let days = days(after_months.local(), end.local());
            let after_days = after_months.plus(&Duration::new(0, days, 0)?)?;
            Duration::new(months, days, end.unix_nanos() - after_days.unix_nanos())
        }
    }
}

fn moment(parts: &Parts, date: Date, zone: Zone) -> Result<DateTime> {
    let local = LocalDateTime::new(parts.date.unwrap_or(date), parts.time.unwrap_or(LocalTime::MIDNIGHT));
    match parts.offset {
        Some(offset) => DateTime::with_offset(local, offset, zone),
        None => DateTime::new(local, zone),
    }
}

/// Whole months, towards zero.
fn months(start: LocalDateTime, end: LocalDateTime) -> i64 {
    let (year, month, day) = start.date.civil();
    let (end_year, end_month, end_day) = end.date.civil();
    let months = (end_year - year) * 12 + end_month - month;
    let end_moment = (end_day, end.time);
    // Backwards, a day that the month does not have is its last one.
    let last = calendar::days_in_month(end_year, end_month);
    if months > 0 && end_moment < (day, start.time) {
        return months - 1;
    }
    months + i64::from(months < 0 && end_moment > (day.min(last), start.time))
}

/// Whole days, towards zero.
fn days(start: LocalDateTime, end: LocalDateTime) -> i64 {
    let days = (end.nanos_as_utc() - start.nanos_as_utc()) / i128::from(DAY);
    // Days of dates in range fit.
    i64::try_from(days).unwrap_or(0)
}
