//! Days with a time, in a zone or without one.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::zone::write_offset;
use super::{DAY, Date, Duration, LocalTime, SECOND, Zone, out_of_range};
use crate::error::Result;

/// A day and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDateTime {
    /// The day.
    pub date: Date,
    /// The time of day.
    pub time: LocalTime,
}

/// A day and a time of day in a time zone. Ordered by the moment, then by offset and zone.
#[derive(Debug, Clone)]
pub struct DateTime {
    local: LocalDateTime,
    offset: i32,
    zone: Zone,
}

impl LocalDateTime {
    /// A day and a time of day.
    pub fn new(date: Date, time: LocalTime) -> Self {
        Self { date, time }
    }

    /// Nanoseconds since 1970, as if clocks showed UTC.
    pub fn nanos_as_utc(self) -> i128 {
        i128::from(self.date.days()) * i128::from(DAY) + i128::from(self.time.nanos())
    }

    /// Whole seconds since 1970, as if clocks showed UTC.
    pub fn seconds_as_utc(self) -> i64 {
        self.date.days() * 86_400 + self.time.nanos() / SECOND
    }

    /// The time so many nanoseconds after 1970, as if clocks showed UTC.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn from_nanos(nanos: i128) -> Result<Self> {
        let days = i64::try_from(nanos.div_euclid(i128::from(DAY))).map_err(|_| out_of_range("the date"))?;
        Ok(Self { date: Date::from_days(days)?, time: LocalTime::from_nanos(nanos) })
    }

    /// The time a duration later: its months, then its days, then its seconds.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn plus(self, duration: &Duration) -> Result<Self> {
        let date = self.date.plus_months(duration.months())?.plus_days(duration.days())?;
        Self::from_nanos(Self { date, time: self.time }.nanos_as_utc() + duration.nanos_total())
    }
}

impl DateTime {
    /// The time that clocks in `zone` show as `local`; see [`Zone::offset_of_local`] where there are none or two.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn new(local: LocalDateTime, zone: Zone) -> Result<Self> {
        let offset = zone.offset_of_local(local);
        // Times that are skipped are those of clocks that went on without the change.
        let nanos = local.nanos_as_utc() - i128::from(offset) * i128::from(SECOND);
        Self::from_nanos(nanos, zone)
    }

    /// The time that clocks show as `local` at `offset`, where it is that of the zone; otherwise as [`new`](Self::new).
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn with_offset(local: LocalDateTime, offset: i32, zone: Zone) -> Result<Self> {
        let nanos = local.nanos_as_utc() - i128::from(offset) * i128::from(SECOND);
        let there = Self::from_nanos(nanos, zone.clone())?;
        if there.offset == offset { Ok(there) } else { Self::new(local, zone) }
    }

    /// The time so many nanoseconds after 1970 in UTC, as clocks in `zone` show it.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn from_nanos(unix_nanos: i128, zone: Zone) -> Result<Self> {
        let seconds = unix_nanos.div_euclid(i128::from(SECOND));
        let offset = zone.offset_at(i64::try_from(seconds).map_err(|_| out_of_range("the time"))?);
        let local = LocalDateTime::from_nanos(unix_nanos + i128::from(offset) * i128::from(SECOND))?;
        Ok(Self { local, offset, zone })
    }

    /// What clocks there show.
    pub fn local(&self) -> LocalDateTime {
        self.local
    }

    /// Seconds east of UTC.
    pub fn offset(&self) -> i32 {
        self.offset
    }

    /// The zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Nanoseconds since 1970 in UTC.
    pub fn unix_nanos(&self) -> i128 {
        self.local.nanos_as_utc() - i128::from(self.offset) * i128::from(SECOND)
    }

    /// The time a duration later: its months and days on the calendar there, then its seconds.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn plus(&self, duration: &Duration) -> Result<Self> {
        let date = self.local.date.plus_months(duration.months())?.plus_days(duration.days())?;
        let local = LocalDateTime::new(date, self.local.time);
        let moved = Self::with_offset(local, self.offset, self.zone.clone())?;
        Self::from_nanos(moved.unix_nanos() + duration.nanos_total(), self.zone.clone())
    }

    fn key(&self) -> (i128, i32, &Zone) {
        (self.unix_nanos(), self.offset, &self.zone)
    }
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for DateTime {}

impl Hash for DateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `2015-07-21T21:40:32.142`.
impl fmt::Display for LocalDateTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}T{}", self.date, self.time)
    }
}

/// `2015-07-21T21:40:32.142+01:00`, with `[Europe/London]` behind it in a region.
impl fmt::Display for DateTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.local)?;
        write_offset(out, self.offset)?;
        match &self.zone {
            Zone::Offset(_) => Ok(()),
            Zone::Named(name) => write!(out, "[{name}]"),
        }
    }
}
