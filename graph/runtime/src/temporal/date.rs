//! Days.

use std::fmt;

use super::calendar::{YEAR_MAX, civil_of, days_in_month, days_of, is_leap};
use super::{Duration, out_of_range};
use crate::error::Result;

/// A day of the proleptic Gregorian calendar, years from -999,999,999 to 999,999,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    days: i64,
}

impl Date {
    /// The day of year, month (1 to 12) and day (1 to 31).
    ///
    /// # Errors
    /// `ArgumentError`: there is no such day.
    pub fn new(year: i64, month: i64, day: i64) -> Result<Self> {
        in_range("the year", year, -YEAR_MAX, YEAR_MAX)?;
        in_range("the month", month, 1, 12)?;
        in_range("the day", day, 1, days_in_month(year, month))?;
        Ok(Self { days: days_of(year, month, day) })
    }

    /// The day so many days after 1970-01-01.
    ///
    /// # Errors
    /// `ArgumentError`: its year is out of range.
    pub fn from_days(days: i64) -> Result<Self> {
        let (least, most) = (days_of(-YEAR_MAX, 1, 1), days_of(YEAR_MAX, 12, 31));
        in_range("the date", days, least, most)?;
        Ok(Self { days })
    }

    /// The day of an ISO week (1 to 53) of a week year, and its weekday (1 for Monday to 7).
    ///
    /// # Errors
    /// `ArgumentError`: there is no such day.
    pub fn from_week(week_year: i64, week: i64, weekday: i64) -> Result<Self> {
        in_range("the year", week_year, -YEAR_MAX, YEAR_MAX)?;
        in_range("the week", week, 1, weeks_of(week_year))?;
        in_range("the day of the week", weekday, 1, 7)?;
        Self::from_days(first_monday(week_year) + (week - 1) * 7 + weekday - 1)
    }

    /// The day of this number in a year, from 1.
    ///
    /// # Errors
    /// `ArgumentError`: there is no such day.
    pub fn from_ordinal(year: i64, ordinal: i64) -> Result<Self> {
        in_range("the year", year, -YEAR_MAX, YEAR_MAX)?;
        in_range("the day of the year", ordinal, 1, 365 + i64::from(is_leap(year)))?;
        Self::from_days(days_of(year, 1, 1) + ordinal - 1)
    }

    /// The day of this number in a quarter (1 to 4) of a year, from 1.
    ///
    /// # Errors
    /// `ArgumentError`: there is no such day.
    pub fn from_quarter(year: i64, quarter: i64, day: i64) -> Result<Self> {
        in_range("the year", year, -YEAR_MAX, YEAR_MAX)?;
        in_range("the quarter", quarter, 1, 4)?;
        let first = days_of(year, quarter * 3 - 2, 1);
        let next = if quarter == 4 { days_of(year + 1, 1, 1) } else { days_of(year, quarter * 3 + 1, 1) };
        in_range("the day of the quarter", day, 1, next - first)?;
        Self::from_days(first + day - 1)
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i64 {
        self.days
    }

    /// Year, month and day.
    pub fn civil(self) -> (i64, i64, i64) {
        civil_of(self.days)
    }

    /// The quarter, 1 to 4, and the number of the day in it, from 1.
    pub fn quarter(self) -> (i64, i64) {
        let (year, month, _) = self.civil();
        let quarter = (month - 1) / 3 + 1;
        (quarter, self.days - days_of(year, quarter * 3 - 2, 1) + 1)
    }

    /// The number of the day in its year, from 1.
    pub fn ordinal(self) -> i64 {
        self.days - days_of(self.civil().0, 1, 1) + 1
    }

    /// The day of the week, 1 for Monday to 7.
    pub fn weekday(self) -> i64 {
        (self.days + 3).rem_euclid(7) + 1
    }

    /// The week year and the ISO week in it.
    pub fn week(self) -> (i64, i64) {
        // The Thursday of a week decides to which year it belongs.
        let thursday = self.days - (self.weekday() - 1) + 3;
        let year = civil_of(thursday).0;
        (year, (thursday - days_of(year, 1, 1)) / 7 + 1)
    }

    /// The day so many months later; the last of the month if the month is too short.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn plus_months(self, months: i64) -> Result<Self> {
        let (year, month, day) = self.civil();
        let total = (year * 12 + month - 1).checked_add(months).ok_or_else(|| out_of_range("the date"))?;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        in_range("the year", year, -YEAR_MAX, YEAR_MAX)?;
        Self::new(year, month, day.min(days_in_month(year, month)))
    }

    /// The day so many days later.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn plus_days(self, days: i64) -> Result<Self> {
        Self::from_days(self.days.checked_add(days).ok_or_else(|| out_of_range("the date"))?)
    }

    /// The day a duration later: its months, then its days, and the whole days of its seconds.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn plus(self, duration: &Duration) -> Result<Self> {
        let days = duration.days().checked_add(duration.whole_days()).ok_or_else(|| out_of_range("the date"))?;
        self.plus_months(duration.months())?.plus_days(days)
    }
}

/// The days since 1970-01-01 of the Monday of the first ISO week.
fn first_monday(week_year: i64) -> i64 {
    let fourth = days_of(week_year, 1, 4);
    fourth - (fourth + 3).rem_euclid(7)
}

fn weeks_of(week_year: i64) -> i64 {
    (first_monday(week_year + 1) - first_monday(week_year)) / 7
}

/// # Errors
/// `ArgumentError`: the number is out of the range.
pub(super) fn in_range(what: &str, number: i64, least: i64, most: i64) -> Result<()> {
    match (least..=most).contains(&number) {
        true => Ok(()),
        false => Err(out_of_range(&format!("{what} {number} (from {least} to {most})"))),
    }
}

/// `2015-07-21`; years beyond 9999 with their sign.
impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        match year {
            0..=9999 => write!(out, "{year:04}-{month:02}-{day:02}"),
            -9999..0 => write!(out, "-{:04}-{month:02}-{day:02}", -year),
            _ => write!(out, "{year:+}-{month:02}-{day:02}"),
        }
    }
}
