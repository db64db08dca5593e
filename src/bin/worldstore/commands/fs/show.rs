//! How objects, times and JSON are printed.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use worldstore::Result;
use worldstore::core::ObjectMeta;

use crate::output::line;

/// How much is told of each object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Names,
    Long,
    Json,
}

impl Style {
    pub fn of(long: bool, json: bool) -> Self {
        match (long, json) {
            (_, true) => Self::Json,
            (true, false) => Self::Long,
            (false, false) => Self::Names,
        }
    }

    /// Prints an object under this path.
    pub fn file(self, path: &str, meta: &ObjectMeta) -> Result<()> {
        match self {
            Self::Names => line(path),
            Self::Long => {
                let modified = meta.modified.map_or_else(|| "-".to_owned(), rfc3339);
                line(&format!("{:>14}  {modified:<20}  {path}", meta.size))
            }
            Self::Json => print_json(&file_json(path, meta)),
        }
    }

    /// Prints a folder of this path.
    pub fn folder(self, path: &str) -> Result<()> {
        match self {
            Self::Names => line(&format!("{path}/")),
            Self::Long => line(&format!("{:>14}  {:<20}  {path}/", "-", "-")),
            Self::Json => print_json(&json!({"kind": "folder", "path": path})),
        }
    }
}

/// An object as JSON.
pub fn file_json(path: &str, meta: &ObjectMeta) -> Value {
    json!({
        "kind": "file",
        "path": path,
        "bytes": meta.size,
        "modified": meta.modified.map(rfc3339),
        "version": meta.version.as_ref().map(|version| version.as_str()),
    })
}

/// Prints a JSON value on a line.
pub fn print_json(value: &Value) -> Result<()> {
    line(&value.to_string())
}

/// A time as `2013-02-01T12:30:00Z`, in whole seconds.
pub fn rfc3339(time: SystemTime) -> String {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years are counted from March on, so that the
/// day that some years have more is the last of the year.
fn civil(days: i64) -> (i64, i64, i64) {
    // 1 March of the year 0 is day -719,468; 400 years have 146,097 days.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
