//! What the texts of a column are: a type that holds every one of them as it was written, or else texts.

use worldstore::arrow::compute::kernels::cast_utils::Parser;
use worldstore::arrow::datatypes::{DataType, Date32Type, TimeUnit};

use super::number::{Number, comes_back, is_whole};

/// Up to this size floats hold every whole number: 2 to the power of 53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Looks at all texts of a column, one after the other.
#[derive(Debug, Clone)]
pub struct Guess {
    kinds: Vec<Kind>,
    is_seen: bool,
    /// There is an empty text, which only texts can be.
    has_empty: bool,
    /// The digits of the longest fraction of a second.
    fraction: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    UInt,
    Float,
    Date,
    Time,
    /// With a zone: an instant.
    Instant,
}

impl Default for Guess {
    fn default() -> Self {
        use Kind::*;
        Self { kinds: vec![Bool, Int, UInt, Float, Date, Time, Instant], is_seen: false, has_empty: false, fraction: 0 }
    }
}

impl Guess {
    pub fn look(&mut self, text: &str) {
        if text.is_empty() {
            self.has_empty = true;
            return;
        }
        self.is_seen = true;
        self.kinds.retain(|kind| kind.holds(text));
        if self.kinds.iter().any(|kind| matches!(kind, Kind::Time | Kind::Instant)) {
            self.fraction = self.fraction.max(Clock::of(text).map_or(0, |clock| clock.fraction));
        }
    }

    pub fn data_type(&self) -> DataType {
        let unit = match self.fraction {
            0 => TimeUnit::Second,
            1..=3 => TimeUnit::Millisecond,
            4..=6 => TimeUnit::Microsecond,
            _ => TimeUnit::Nanosecond,
        };
        match self.kinds.first() {
            _ if !self.is_seen && self.has_empty => DataType::Utf8,
            _ if !self.is_seen => DataType::Null,
            None => DataType::Utf8,
            Some(Kind::Bool) => DataType::Boolean,
            Some(Kind::Int) => DataType::Int64,
            Some(Kind::UInt) => DataType::UInt64,
            Some(Kind::Float) => DataType::Float64,
            Some(Kind::Date) => DataType::Date32,
            Some(Kind::Time) => DataType::Timestamp(unit, None),
            Some(Kind::Instant) => DataType::Timestamp(unit, Some("UTC".into())),
        }
    }
}

impl Kind {
    fn holds(self, text: &str) -> bool {
        match self {
            Self::Bool => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
            // A zero in front or a sign would be lost.
            Self::Int => text.parse::<i64>().is_ok_and(|number| number.to_string() == text),
            Self::UInt => text.parse::<u64>().is_ok_and(|number| number.to_string() == text),
            Self::Float => is_float(text),
            Self::Date => is_date(text),
            Self::Time => Clock::of(text).is_some_and(|clock| !clock.has_zone),
            Self::Instant => Clock::of(text).is_some_and(|clock| clock.has_zone),
        }
    }
}

/// True if a float is written so, in as few digits as tell it apart or in all that it has; zeros behind do not count.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let mut letters = unsigned.bytes();
    let is_code = letters.next() == Some(b'0') && letters.next().is_some_and(|next| next.is_ascii_digit());
    let Some(number) = Number::parse(text).filter(|_| !is_code && !text.starts_with('+') && text != "-0") else {
        return false;
    };
    let Ok(float) = text.parse::<f64>() else { return false };
    if is_whole(text) {
        return float.abs() <= WHOLE_MAX && comes_back(text, float);
    }
    float.is_finite()
        && [format!("{float:e}"), format!("{float:.16e}")]
            .iter()
            .any(|printed| Number::parse(printed).as_ref() == Some(&number))
}

/// `YYYY-MM-DD`, and there is such a day.
fn is_date(text: &str) -> bool {
    let is_written_so = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    is_written_so && Date32Type::parse(text).is_some()
}

/// The parts of a time that a type may not hold.
pub struct Clock {
    /// The digits of the fraction of the second.
    pub fraction: usize,
    pub has_zone: bool,
}

impl Clock {
    /// Reads `YYYY-MM-DD HH:MM:SS`, also with a `T`, a fraction and a zone: `Z` or `+HH:MM`.
    pub fn of(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let clock = rest.strip_prefix(['T', ' '])?;
        let (clock, zone) = clock.split_at(clock.find(['Z', '+', '-']).unwrap_or(clock.len()));
        let (clock, fraction) =
            clock.split_once('.').map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
        let parts = |text: &str, limits: &[u8]| {
            let numbers: Vec<&str> = text.split(':').collect();
            let fits = |(number, limit): (&&str, &u8)| {
                number.len() == 2 && is_whole(number) && number.parse::<u8>().is_ok_and(|value| value < *limit)
            };
            numbers.len() == limits.len() && numbers.iter().zip(limits).all(fits)
        };
        let is_fraction = fraction
            .is_none_or(|digits| (1..=9).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()));
        let is_zone = matches!(zone, "" | "Z") || parts(&zone[1..], &[24, 60]);
        (is_date(date) && parts(clock, &[24, 60, 60]) && is_fraction && is_zone)
            .then(|| Self { fraction: fraction.map_or(0, str::len), has_zone: !zone.is_empty() })
    }
}

#[cfg(test)]
mod tests;
