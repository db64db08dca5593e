//! The arguments of `worldstore sql`.

use std::path::PathBuf;
use std::time::Duration;

use crate::args::units::{bytes, time_limit};
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
    /// Fail if it takes longer: `500ms`, `90s`, `15m`, `2h` [default: no limit]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub timeout: Option<Duration>,
    #[command(flatten)]
    pub output: OutputArgs,
}
