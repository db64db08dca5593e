//! Time zones: fixed offsets, and regions with rules.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::LocalDateTime;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};

/// The farthest offset from UTC, in seconds: 18 hours.
pub(super) const OFFSET_MAX: i32 = 18 * 3600;

/// Seconds of 400 years, after which the calendar repeats itself.
const ERA_SECONDS: i64 = 146_097 * 86_400;

/// A time zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Zone {
    /// An offset of so many seconds east of UTC.
    Offset(i32),
    /// A region of the IANA database.
    Named(Arc<str>),
}

impl Zone {
    /// UTC.
    pub const UTC: Self = Self::Offset(0);

    /// The zone of a text: `Z`, `+01:00`, `+0100`, `+01`, `+01:00:30`, `Europe/Stockholm`.
    ///
    /// # Errors
    /// `ArgumentError`: there is no such zone.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(offset) = super::parse::offset(text) {
            return Ok(Self::Offset(offset));
        }
        match find(text) {
            Some(zone) => Ok(Self::Named(zone.iana_name().unwrap_or(text).into())),
            None => {
                let message = format!("there is no time zone `{text}`");
                Err(RuntimeError::new(ErrorClass::ArgumentError, ErrorDetail::InvalidArgumentValue, message))
            }
        }
    }

    /// The offset, in seconds east of UTC, where clocks show `local`. A time that is skipped has the offset from before
    /// the gap; a time that comes twice has the first one.
    pub fn offset_of_local(&self, local: LocalDateTime) -> i32 {
        match self {
            Self::Offset(offset) => *offset,
            Self::Named(name) => {
                let seconds = within_rules(local.seconds_as_utc());
                let Ok(timestamp) = jiff::Timestamp::from_second(seconds) else { return 0 };
                let civil = jiff::tz::Offset::UTC.to_datetime(timestamp);
                let offset = find(name).map(|zone| zone.to_ambiguous_timestamp(civil).offset());
                match offset {
                    Some(jiff::tz::AmbiguousOffset::Unambiguous { offset }) => offset.seconds(),
                    Some(
                        jiff::tz::AmbiguousOffset::Gap { before, .. } | jiff::tz::AmbiguousOffset::Fold { before, .. },
                    ) => before.seconds(),
                    None => 0,
                }
            }
        }
    }

    /// The offset, in seconds east of UTC, so many seconds after 1970 in UTC.
    pub fn offset_at(&self, unix_seconds: i64) -> i32 {
        match self {
            Self::Offset(offset) => *offset,
            Self::Named(name) => {
                let timestamp = jiff::Timestamp::from_second(within_rules(unix_seconds)).ok();
                timestamp.and_then(|at| find(name).map(|zone| zone.to_offset(at).seconds())).unwrap_or(0)
            }
        }
    }
}

/// A moment with the same rules within the years that jiff knows.
fn within_rules(seconds: i64) -> i64 {
    const LEAST: i64 = -210_000_000_000;
    const MOST: i64 = 210_000_000_000;
    match seconds {
        ..LEAST => LEAST + (seconds - LEAST).rem_euclid(ERA_SECONDS),
        MOST.. => MOST - ERA_SECONDS + (seconds - MOST).rem_euclid(ERA_SECONDS),
        _ => seconds,
    }
}

fn find(name: &str) -> Option<TimeZone> {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled).get(name).ok()
}

/// Writes `Z`, `+01:00`, `+00:53:28`.
pub(super) fn write_offset(out: &mut impl fmt::Write, offset: i32) -> fmt::Result {
    if offset == 0 {
        return out.write_char('Z');
    }
    let size = offset.unsigned_abs();
    let sign = if offset < 0 { '-' } else { '+' };
    write!(out, "{sign}{:02}:{:02}", size / 3600, size / 60 % 60)?;
    match size % 60 {
        0 => Ok(()),
        seconds => write!(out, ":{seconds:02}"),
    }
}

/// The name of a region, or `+01:00`.
impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) => write_offset(out, *offset),
            Self::Named(name) => out.write_str(name),
        }
    }
}
