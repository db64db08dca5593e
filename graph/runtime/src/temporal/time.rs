//! Times of day.

use std::cmp::Ordering;
use std::fmt;

use super::date::in_range;
use super::zone::write_offset;
use super::{DAY, Duration, SECOND};
use crate::error::Result;

/// A time of day, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime {
    nanos: i64,
}

/// A time of day at an offset from UTC. Ordered by the moment, then by the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    local: LocalTime,
    offset: i32,
}

impl LocalTime {
    /// The beginning of a day.
    pub const MIDNIGHT: Self = Self { nanos: 0 };

    /// The time of hour (0 to 23), minute, second (0 to 59) and nanosecond (0 to 999,999,999).
    ///
    /// # Errors
    /// `ArgumentError`: there is no such time.
    pub fn new(hour: i64, minute: i64, second: i64, nanosecond: i64) -> Result<Self> {
        in_range("the hour", hour, 0, 23)?;
        in_range("the minute", minute, 0, 59)?;
        in_range("the second", second, 0, 59)?;
        in_range("the nanosecond", nanosecond, 0, SECOND - 1)?;
        Ok(Self { nanos: ((hour * 60 + minute) * 60 + second) * SECOND + nanosecond })
    }

    /// The time so many nanoseconds after midnight; whole days are left out.
    pub fn from_nanos(nanos: i128) -> Self {
        // The remainder is less than a day, which fits.
        Self { nanos: i64::try_from(nanos.rem_euclid(i128::from(DAY))).unwrap_or(0) }
    }

    /// Nanoseconds since midnight.
    pub fn nanos(self) -> i64 {
        self.nanos
    }

    /// Hour, minute, second and nanosecond.
    pub fn parts(self) -> (i64, i64, i64, i64) {
        let seconds = self.nanos / SECOND;
        (seconds / 3600, seconds / 60 % 60, seconds % 60, self.nanos % SECOND)
    }

    /// The time a duration later, within the day; its months and days change nothing.
    #[must_use]
    pub fn plus(self, duration: &Duration) -> Self {
        Self::from_nanos(i128::from(self.nanos) + duration.nanos_total())
    }
}

impl Time {
    /// A time of day at an offset of so many seconds east of UTC.
    pub fn new(local: LocalTime, offset: i32) -> Self {
        Self { local, offset }
    }

    /// The time of day as a clock there shows it.
    pub fn local(self) -> LocalTime {
        self.local
    }

    /// Seconds east of UTC.
    pub fn offset(self) -> i32 {
        self.offset
    }

    /// Nanoseconds since midnight in UTC; below zero or beyond a day where the day there is another one.
    pub fn utc_nanos(self) -> i64 {
        self.local.nanos - i64::from(self.offset) * SECOND
    }

    /// The time a duration later, within the day.
    #[must_use]
    pub fn plus(self, duration: &Duration) -> Self {
        Self { local: self.local.plus(duration), offset: self.offset }
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        self.utc_nanos().cmp(&other.utc_nanos()).then(self.offset.cmp(&other.offset))
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `21:40`, `21:40:32`, `21:40:32.142`.
impl fmt::Display for LocalTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second, nanosecond) = self.parts();
        write!(out, "{hour:02}:{minute:02}")?;
        if second != 0 || nanosecond != 0 {
            write!(out, ":{second:02}")?;
        }
        write_fraction(out, nanosecond)
    }
}

/// Writes the nanoseconds of a second behind a point, without zeros at the end; nothing for none.
pub(super) fn write_fraction(out: &mut fmt::Formatter<'_>, nanosecond: i64) -> fmt::Result {
    match nanosecond {
        0 => Ok(()),
        _ => write!(out, ".{}", format!("{nanosecond:09}").trim_end_matches('0')),
    }
}

/// `21:40:32.142+01:00`, `21:40Z`.
impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.local)?;
        write_offset(out, self.offset)
    }
}
