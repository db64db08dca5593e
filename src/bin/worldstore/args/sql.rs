//! The arguments of `worldstore sql`.

use std::path::PathBuf;
use std::time::Duration;

use crate::args::{At, OutputArgs};

#[derive(Debug, clap::Args)]
pub struct SqlArgs {
    #[command(flatten)]
    pub at: At,
    /// The query [default: standard input]
    pub text: Option<String>,
    /// Read the query from a file
    #[arg(long, short, value_name = "PATH", conflicts_with = "text")]
    pub file: Option<PathBuf>,
    /// The run that is read
    #[arg(long, default_value = "main")]
    pub run: String,
    /// Only rows of this tick and those before it [default: all]
    #[arg(long, visible_alias = "tick", value_name = "TICK", allow_negative_numbers = true)]
    pub as_of: Option<i64>,
    /// Fail if the answer has more rows [default: no limit]
    #[arg(long, value_name = "ROWS")]
    pub limit_rows: Option<u64>,
    /// Fail if sorts, joins and groups hold more: bytes, or like `512MiB`
    #[arg(long, value_name = "SIZE", value_parser = bytes, default_value = "1GiB")]
    pub limit_memory: usize,
    /// Fail if it takes longer: seconds, or like `500ms` or `2min` [default: no limit]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub timeout: Option<Duration>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A number and what follows it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|each: char| !each.is_ascii_digit()).unwrap_or(text.len()));
    (number, unit.trim())
}

/// Bytes, or like `512MiB`.
pub fn bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "" | "B" => 1_usize,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("a size is a whole number of B, KiB, MiB or GiB".to_owned()),
    };
    let number: usize = number.parse().map_err(|_| "a size is a whole number of B, KiB, MiB or GiB".to_owned())?;
    number.checked_mul(factor).filter(|bytes| *bytes > 0).ok_or_else(|| "the size is out of range".to_owned())
}

/// Seconds, or like `500ms`.
pub fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "ms" => 1_u64,
        "" | "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a time is a whole number of ms, s, min or h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a time is a whole number of ms, s, min or h".to_owned())?;
    let time = number.checked_mul(factor).filter(|time| *time > 0).map(Duration::from_millis);
    time.ok_or_else(|| "the time is out of range".to_owned())
}
