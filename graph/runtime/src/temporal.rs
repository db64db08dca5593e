//! Temporal values: days, times, zones and amounts of time.
//!
//! The calendar is the proleptic Gregorian one of ISO 8601, for years from -999,999,999 to 999,999,999: wider than any
//! library has it, and small enough to be written out here. The rules of time zones come from jiff, whose database is
//! compiled in: the same answers on every machine, whatever its system knows of zones.

mod accessors;
mod between;
mod build;
mod calendar;
mod date;
mod datetime;
mod duration;
mod parse;
mod time;
mod truncate;
mod zone;

pub use date::Date;
pub use datetime::{DateTime, LocalDateTime};
pub use duration::Duration;
pub use time::{LocalTime, Time};
pub use zone::Zone;

pub(crate) use accessors::{date_time_part, duration_part};
pub(crate) use between::{Between, between};
pub(crate) use build::{Now, Parts, construct_date, construct_date_time, construct_duration};
pub(crate) use build::{construct_local_date_time, construct_local_time, construct_time};
pub(crate) use truncate::truncate;

use crate::error::{ErrorClass, ErrorDetail, RuntimeError};

/// Nanoseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// Nanoseconds of a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// A temporal value out of its range.
pub(crate) fn out_of_range(what: &str) -> RuntimeError {
    RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::NumberOutOfRange, format!("{what} is out of range"))
}

#[cfg(test)]
mod tests;
