//! Partition paths as Hive and Spark write them: `year=2024/city=Aix%2FNord`. Pure text; no I/O, no listing.
//!
//! A segment is `name=value`. What has a meaning in paths is escaped as `%` and two hexadecimal digits; a missing value
//! is [`NULL`]. Every text comes back as it was, the text of [`NULL`] and the empty text included. (Spark refuses to
//! read a folder `name=`, which is what the empty text becomes; DuckDB and this module read it.)

use std::collections::BTreeSet;
use std::fmt;

use crate::error::{Error, Result};
use crate::key::Key;
use crate::percent::{self, decode as unescape};

/// What stands for a missing value.
pub const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A value of a partition column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HiveValue {
    /// It is missing.
    Null,
    /// A boolean: `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A day.
    Date(HiveDate),
    /// A text.
    Text(String),
}

/// A day of the Gregorian calendar, of the years 0 to 9999: `2024-02-29`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HiveDate {
    year: u16,
    month: u8,
    day: u8,
}

/// What all values of a partition column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HiveType {
    /// [`HiveValue::Bool`].
    Bool,
    /// [`HiveValue::Int`].
    Int,
    /// [`HiveValue::Date`].
    Date,
    /// [`HiveValue::Text`].
    Text,
}

/// A name and the text of its value, unescaped; none for a missing value.
pub type Partition = (String, Option<String>);

/// Writes a path: one segment for each column, in the order given.
///
/// ```
/// use worldstore_core::hive::{self, HiveValue};
///
/// # fn main() -> worldstore_core::Result<()> {
/// let path = hive::path(&[("year", HiveValue::Int(2024)), ("city", "Aix/Nord".into()), ("unit", HiveValue::Null)])?;
/// assert_eq!(path, "year=2024/city=Aix%2FNord/unit=__HIVE_DEFAULT_PARTITION__");
/// assert_eq!(hive::parse(&path)?[1], ("city".to_owned(), Some("Aix/Nord".to_owned())));
/// # Ok(()) }
/// ```
///
/// # Errors
/// `Invalid` for a column without a name, or one that is given twice.
pub fn path(columns: &[(&str, HiveValue)]) -> Result<String> {
    let mut names = BTreeSet::new();
    let mut segments = Vec::with_capacity(columns.len());
    for (name, value) in columns {
        if !names.insert(*name) {
            return Err(Error::invalid("partition column is given twice").with("column", name));
        }
        let text = value.text();
        segments.push(segment(name, text.as_deref())?);
    }
    Ok(segments.join("/"))
}

/// Writes one segment: `name=value`.
///
/// # Errors
/// `Invalid` for an empty name.
pub fn segment(name: &str, value: Option<&str>) -> Result<String> {
    if name.is_empty() {
        return Err(Error::invalid("partition column has no name"));
    }
    let mut text = String::with_capacity(name.len() + 1 + value.map_or(NULL.len(), str::len));
    escape(name, &mut text);
    text.push('=');
    match value {
        None => text.push_str(NULL),
        // A text that looks like the missing value must not become one.
        Some(NULL) => {
            text.push_str("%5F");
            text.push_str(&NULL[1..]);
        }
        Some(value) => escape(value, &mut text),
    }
    Ok(text)
}

/// Reads a path of which every segment is `name=value`. The empty path has no columns.
///
/// # Errors
/// `Invalid` for another segment, a wrong escape, bytes that are not UTF-8, or a name that comes twice.
pub fn parse(path: &str) -> Result<Vec<Partition>> {
    distinct(path.split('/').filter(|_| !path.is_empty()).map(parse_segment), path)
}

/// Reads what the folders of an object say: those of the form `name=value`, in their order; others say nothing.
///
/// # Errors
/// As for [`parse`].
pub fn of_key(key: &Key) -> Result<Vec<Partition>> {
    let parent = key.parent();
    let folders = parent.as_str().split('/').filter(|folder| folder.contains('='));
    distinct(folders.map(parse_segment), key.as_str())
}

/// Reads one segment.
///
/// # Errors
/// As for [`parse`].
pub fn parse_segment(segment: &str) -> Result<Partition> {
    let wrong = |why: &str| Error::invalid(why).with("segment", format!("{segment:?}"));
    let (name, value) =
        segment.split_once('=').ok_or_else(|| wrong("partition folder is not of the form name=value"))?;
    if name.is_empty() {
        return Err(wrong("partition column has no name"));
    }
    if value.contains('/') {
        return Err(wrong("partition folder is more than one"));
    }
    let name = unescape(name).map_err(|error| error.with("segment", format!("{segment:?}")))?;
    match value {
        NULL => Ok((name, None)),
        value => Ok((name, Some(unescape(value).map_err(|error| error.with("segment", format!("{segment:?}")))?))),
    }
}

/// Reads a folder as Hive and Spark do: a `%` that begins no escape stands for itself. None if it is not `name=value`, or
/// no text.
pub fn tell(folder: &str) -> Option<Partition> {
    let (name, value) = folder.split_once('=')?;
    let name = percent::decode_loosely(name).ok().filter(|name| !name.is_empty())?;
    Some((name, meant(value)?))
}

/// What the stored text of a value means, read like that: none outside if it is no text, none inside if it is missing.
pub(crate) fn meant(value: &str) -> Option<Option<String>> {
    match value {
        NULL => Some(None),
        value => percent::decode_loosely(value).ok().map(Some),
    }
}

fn distinct(partitions: impl Iterator<Item = Result<Partition>>, path: &str) -> Result<Vec<Partition>> {
    let mut all: Vec<Partition> = Vec::new();
    for partition in partitions {
        let partition = partition.map_err(|error| error.with("path", format!("{path:?}")))?;
        if all.iter().any(|(name, _)| *name == partition.0) {
            return Err(Error::invalid("path names a partition column twice")
                .with("column", partition.0)
                .with("path", format!("{path:?}")));
        }
        all.push(partition);
    }
    Ok(all)
}

/// The type of a column: looks at all its values, for one that does not fit makes all of them texts. Whole numbers are
/// those that come back as they were written, so `007`, `+7` and `-0` are texts; booleans are `true` and `false`; dates
/// are `YYYY-MM-DD` and exist. A column without values is of texts.
pub fn infer<'text>(values: impl IntoIterator<Item = Option<&'text str>>) -> HiveType {
    let mut candidates = vec![HiveType::Int, HiveType::Bool, HiveType::Date];
    let mut seen = false;
    for value in values.into_iter().flatten() {
        seen = true;
        candidates.retain(|candidate| candidate.read(Some(value)).is_ok());
        if candidates.is_empty() {
            break;
        }
    }
    match candidates.first() {
        Some(first) if seen => *first,
        _ => HiveType::Text,
    }
}

impl HiveType {
    /// Reads a value as this type.
    ///
    /// # Errors
    /// `Invalid` if the text is no such value.
    pub fn read(self, text: Option<&str>) -> Result<HiveValue> {
        let Some(text) = text else { return Ok(HiveValue::Null) };
        let value = match self {
            Self::Text => Some(HiveValue::Text(text.to_owned())),
            Self::Bool => text.parse().ok().map(HiveValue::Bool),
            // A number that is not written back as it was has lost something: a zero in front, or a sign.
            Self::Int => text.parse::<i64>().ok().filter(|number| number.to_string() == text).map(HiveValue::Int),
            Self::Date => HiveDate::parse(text).map(HiveValue::Date),
        };
        value.ok_or_else(|| {
            Error::invalid("partition value is not of its type").with("type", self).with("value", format!("{text:?}"))
        })
    }
}

impl fmt::Display for HiveType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Date => "date",
            Self::Text => "text",
        })
    }
}

impl HiveValue {
    /// The value as text, before escaping; none for a missing one.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Date(value) => Some(value.to_string()),
            Self::Text(value) => Some(value.clone()),
        }
    }
}

impl From<String> for HiveValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for HiveValue {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for HiveValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<HiveDate> for HiveValue {
    fn from(date: HiveDate) -> Self {
        Self::Date(date)
    }
}

impl From<&str> for HiveValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl HiveDate {
    /// A day.
    ///
    /// # Errors
    /// `Invalid` if the calendar does not have it, or for a year above 9999.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 0,
        };
        match year <= 9999 && (1..=days).contains(&day) {
            true => Ok(Self { year, month, day }),
            false => Err(Error::invalid("the calendar has no such day")
                .with("year", year)
                .with("month", month)
                .with("day", day)),
        }
    }

    /// Days since 1970-01-01; negative before.
    pub fn days_since_1970(&self) -> i32 {
        // Years begin in March, so that the leap day is the last of a year.
        let month = i32::from(self.month);
        let year = i32::from(self.year) - i32::from(month <= 2);
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i32::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The day of this number, as [`days_since_1970`](Self::days_since_1970) counts.
    ///
    /// # Errors
    /// `Invalid` outside of the years 0 to 9999.
    pub fn from_days_since_1970(days: i32) -> Result<Self> {
        let outside = || Error::invalid("day is not of the years 0 to 9999").with("day", days);
        let days = i64::from(days) + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = u16::try_from(era * 400 + year_of_era + i64::from(month <= 2)).map_err(|_| outside())?;
        Self::new(year, month as u8, day as u8).map_err(|_| outside())
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shape = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        match shape {
            true => Self::new(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?).ok(),
            false => None,
        }
    }
}

impl fmt::Display for HiveDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The characters that Hive escapes, and the control characters beyond ASCII, which no key may hold.
fn is_special(letter: char) -> bool {
    letter.is_control() || "\"#%'*/:=?\\{[]^".contains(letter)
}

/// Writes a text with the escapes of Hive.
pub(crate) fn escape(text: &str, to: &mut String) {
    for letter in text.chars() {
        if !is_special(letter) {
            to.push(letter);
            continue;
        }
        escape_letter(letter, to);
    }
}

/// Writes a letter as escapes, whether it needs them or not.
pub(crate) fn escape_letter(letter: char, to: &mut String) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
        to.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

#[cfg(test)]
mod tests;
