//! Amounts of time.

use std::cmp::Ordering;
use std::fmt;

use super::time::write_fraction;
use super::{SECOND, out_of_range};
use crate::error::Result;

/// Seconds of a month on average: a twelfth of 365.2425 days.
const MONTH_SECONDS: i64 = 2_629_746;

/// An amount of time: months, days, and seconds with nanoseconds, which do not turn into each other, for neither months
/// nor days are of one length. Ordered by the length on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Duration {
    months: i64,
    days: i64,
    seconds: i64,
    /// 0 to 999,999,999, also where the seconds are negative.
    nanos: i64,
}

impl Duration {
    /// So many months, days and nanoseconds.
    ///
    /// # Errors
    /// `ArgumentError`: the seconds do not fit into 64 bits.
    pub fn new(months: i64, days: i64, nanos: i128) -> Result<Self> {
        let second = i128::from(SECOND);
        let seconds = i64::try_from(nanos.div_euclid(second)).map_err(|_| out_of_range("the duration"))?;
        // The remainder is less than a second, which fits.
        Ok(Self { months, days, seconds, nanos: i64::try_from(nanos.rem_euclid(second)).unwrap_or(0) })
    }

    /// Its months.
    pub fn months(&self) -> i64 {
        self.months
    }

    /// Its days.
    pub fn days(&self) -> i64 {
        self.days
    }

    /// Its seconds, rounded down.
    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// The nanoseconds above its seconds, 0 to 999,999,999.
    pub fn subsecond_nanos(&self) -> i64 {
        self.nanos
    }

    /// Its seconds and nanoseconds, as nanoseconds.
    pub fn nanos_total(&self) -> i128 {
        i128::from(self.seconds) * i128::from(SECOND) + i128::from(self.nanos)
    }

    /// The whole days of its seconds, towards zero.
    pub(super) fn whole_days(&self) -> i64 {
        i64::try_from(self.nanos_total() / i128::from(super::DAY)).unwrap_or(0)
    }

    /// The sum.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn plus(&self, other: &Self) -> Result<Self> {
        let sum = |left: i64, right: i64| left.checked_add(right).ok_or_else(|| out_of_range("the duration"));
        let nanos = self.nanos_total() + other.nanos_total();
        Self::new(sum(self.months, other.months)?, sum(self.days, other.days)?, nanos)
    }

    /// The same amount backwards.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn negated(&self) -> Result<Self> {
        let negate = |number: i64| number.checked_neg().ok_or_else(|| out_of_range("the duration"));
        Self::new(negate(self.months)?, negate(self.days)?, -self.nanos_total())
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// `ArgumentError`: out of range.
    pub fn times(&self, factor: i64) -> Result<Self> {
        let times = |number: i64| number.checked_mul(factor).ok_or_else(|| out_of_range("the duration"));
        let nanos = self.nanos_total().checked_mul(i128::from(factor)).ok_or_else(|| out_of_range("the duration"))?;
        Self::new(times(self.months)?, times(self.days)?, nanos)
    }

    /// So many times the amount. Fractions of months turn into days, fractions of days into seconds.
    ///
    /// # Errors
    /// `ArgumentError`: out of range, or no number.
    pub fn scaled(&self, factor: f64) -> Result<Self> {
        self.with_each(|part| part * factor)
    }

    /// The amount divided by a number, as [`scaled`](Self::scaled) multiplies it: `1 / 3` is no float, but a third of 3 is.
    ///
    /// # Errors
    /// `ArgumentError`: out of range, or no number.
    pub fn divided(&self, by: f64) -> Result<Self> {
        self.with_each(|part| part / by)
    }

    fn with_each(&self, change: impl Fn(f64) -> f64) -> Result<Self> {
        let mut amounts = Amounts::default();
        amounts.add_months(change(self.months as f64))?;
        amounts.add_days(change(self.days as f64))?;
        let seconds = change(self.seconds as f64);
        amounts.nanos += whole(seconds)? * i128::from(SECOND);
        amounts.nanos += whole(seconds.fract() * SECOND as f64 + change(self.nanos as f64))?;
        amounts.duration()
    }
}

/// Collects the parts of a duration.
#[derive(Debug, Default)]
pub(super) struct Amounts {
    pub months: i128,
    pub days: i128,
    pub nanos: i128,
}

impl Amounts {
    /// Adds months; the fraction as days and seconds of an average month.
    pub fn add_months(&mut self, months: f64) -> Result<()> {
        self.months += whole(months)?;
        let seconds = months.fract() * MONTH_SECONDS as f64;
        let days = (seconds / 86_400.0).trunc();
        self.days += whole(days)?;
        self.add_seconds(seconds - days * 86_400.0)
    }

    /// Adds days; the fraction as seconds.
    pub fn add_days(&mut self, days: f64) -> Result<()> {
        self.days += whole(days)?;
        self.add_seconds(days.fract() * 86_400.0)
    }

    /// Adds seconds, to the nanosecond.
    pub fn add_seconds(&mut self, seconds: f64) -> Result<()> {
        self.nanos += whole(seconds)? * i128::from(SECOND) + whole((seconds.fract() * SECOND as f64).round())?;
        Ok(())
    }

    /// The sum of all.
    pub fn duration(&self) -> Result<Duration> {
        let narrow = |number: i128| i64::try_from(number).map_err(|_| out_of_range("the duration"));
        Duration::new(narrow(self.months)?, narrow(self.days)?, self.nanos)
    }
}

/// The number without fraction.
fn whole(number: f64) -> Result<i128> {
    match number.abs() < 1e24 {
        true => Ok(number.trunc() as i128),
        false => Err(out_of_range("the duration")),
    }
}

impl Ord for Duration {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = |one: &Self| {
            let seconds = i128::from(one.months) * i128::from(MONTH_SECONDS) + i128::from(one.days) * 86_400;
            seconds * i128::from(SECOND) + one.nanos_total()
        };
        let parts = |one: &Self| (one.months, one.days, one.seconds);
        length(self).cmp(&length(other)).then_with(|| parts(self).cmp(&parts(other)))
    }
}

impl PartialOrd for Duration {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `P12Y5M14DT16H13M10.5S`; `PT0S` for none. Each part has its own sign.
impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |out: &mut fmt::Formatter<'_>, number: i64, unit: char| match number {
            0 => Ok(()),
            _ => write!(out, "{number}{unit}"),
        };
        out.write_str("P")?;
        part(out, self.months / 12, 'Y')?;
        part(out, self.months % 12, 'M')?;
        part(out, self.days, 'D')?;
        let nanos = self.nanos_total();
        if nanos == 0 {
            return if self.months == 0 && self.days == 0 { out.write_str("T0S") } else { Ok(()) };
        }
        // Towards zero, so that all parts of the time have one sign.
        let second = i128::from(SECOND);
        let seconds = i64::try_from(nanos / second).unwrap_or(self.seconds);
        let fraction = i64::try_from((nanos % second).abs()).unwrap_or(0);
        out.write_str("T")?;
        part(out, seconds / 3600, 'H')?;
        part(out, seconds / 60 % 60, 'M')?;
        if seconds % 60 == 0 && fraction == 0 {
            return Ok(());
        }
        let sign = if nanos < 0 { "-" } else { "" };
        write!(out, "{sign}{}", (seconds % 60).abs())?;
        write_fraction(out, fraction)?;
        out.write_str("S")
    }
}
