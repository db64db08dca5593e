//! Numbers with a unit behind them.

use std::time::Duration;

const SIZE: &str = "a size is a whole number of B, KiB, MiB or GiB";
const TIME: &str = "a time is a whole number with ms, s, m, h or d behind it, like `15m`";

/// A number and what follows it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|each: char| !each.is_ascii_digit()).unwrap_or(text.len()));
    (number, unit.trim())
}

/// Bytes, or like `512MiB`; not 0.
pub fn bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "" | "B" => 1_usize,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(SIZE.to_owned()),
    };
    let number: usize = number.parse().map_err(|_| SIZE.to_owned())?;
    number.checked_mul(factor).filter(|bytes| *bytes > 0).ok_or_else(|| "the size is out of range".to_owned())
}

/// A time like `15m`. Without a unit it is refused: nobody can tell seconds from days.
pub fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "ms" => 1_u64,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(TIME.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| TIME.to_owned())?;
    number.checked_mul(factor).map(Duration::from_millis).ok_or_else(|| "the time is out of range".to_owned())
}

/// A time that something may take: as [`time`], but not 0.
pub fn time_limit(text: &str) -> Result<Duration, String> {
    time(text).and_then(|time| match time.is_zero() {
        true => Err("the time is out of range".to_owned()),
        false => Ok(time),
    })
}
