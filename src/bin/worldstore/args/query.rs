//! What `worldstore query` may use, and how it prints.

use std::time::Duration;

use worldstore::graph::{Minimum, PictureFormat, QueryOptions, ResumeToken, Tier};

use crate::args::units::{bytes, time_limit};
use crate::args::{AskArgs, Format};

/// How rows are printed, or drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryFormat {
    Rows(Format),
    Picture(PictureFormat),
}

#[derive(Debug, clap::Args)]
pub struct QueryArgs {
    #[command(flatten)]
    pub ask: AskArgs,
    /// Print what each statement read (files, rows, bytes) to standard error
    #[arg(long)]
    pub io_stats: bool,
    #[command(flatten)]
    pub limits: QueryLimits,
    #[command(flatten)]
    pub watch: WatchArgs,
    /// How to print rows; `svg` (an image), `dot` and `mermaid` draw the nodes, relationships and paths of the last
    /// query, or the plan of an EXPLAIN
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = query_format)]
    pub format: QueryFormat,
    /// Short for `--format json`
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

impl QueryArgs {
    /// How to print.
    pub fn format(&self) -> QueryFormat {
        if self.json { QueryFormat::Rows(Format::Json) } else { self.format }
    }
}

#[derive(Debug, clap::Args)]
pub struct WatchArgs {
    /// Follow a live view until Ctrl-C: its rows as they are, then what changes, after the query if there is one. Each line
    /// is a time, how often the row came (+) or went (-), and the row; `done` says that nothing more comes of a time.
    /// With --json: kind (row), time, diff, row; kind (done), time
    #[arg(long = "watch", value_name = "VIEW", conflicts_with_all = ["io_stats", "resume", "row_groups"])]
    pub view: Option<String>,
    /// Begin with what changed after this time, a sequence number of the world
    #[arg(long, value_name = "TIME", requires = "view")]
    pub after: Option<u64>,
    /// How long to wait before changes are looked for again: `500ms`, `90s`, `15m`, `2h`
    #[arg(long, value_name = "TIME", requires = "view", value_parser = time_limit, default_value = "1s")]
    pub every: Duration,
}

#[derive(Debug, clap::Args)]
pub struct QueryLimits {
    /// End each statement after this time: `500ms`, `90s`, `15m`, `2h`. A query whose rows come one after the other
    /// prints those that it has and how to go on, any other fails [default: no limit]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub timeout: Option<Duration>,
    /// Fail if joins, sorts, groups and the result hold more: bytes, or like `512MiB` [default: no limit; 2GiB where
    /// a query is walked]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub limit_memory: Option<usize>,
    /// Fail if a result has more rows [default: no limit]
    #[arg(long, value_name = "ROWS")]
    pub limit_rows: Option<u64>,
    /// End each query after so many row groups, 1 at least, with what it has then and how to go on [default: all]
    #[arg(long, value_name = "COUNT", value_parser = row_groups)]
    pub row_groups: Option<u64>,
    /// Go on with the last query where it was cut off
    #[arg(long, value_name = "TOKEN")]
    pub resume: Option<ResumeToken>,
    /// Leave out what is less sure: observed, inferred or predicted
    #[arg(long, value_name = "TIER")]
    pub min_tier: Option<Tier>,
    /// Leave out what is less sure: from 0 to 1
    #[arg(long, value_name = "NUMBER", value_parser = confidence)]
    pub min_confidence: Option<f64>,
}

impl QueryLimits {
    /// The same for the library; the time begins now.
    pub fn options(&self) -> QueryOptions {
        let mut minimum = Minimum::default();
        (minimum.tier, minimum.confidence) = (self.min_tier, self.min_confidence);
        let mut options = QueryOptions::default().with_minimum(minimum);
        options.memory = self.limit_memory.map(|bytes| bytes as u64);
        (options.rows, options.row_groups) = (self.limit_rows, self.row_groups);
        options.resume.clone_from(&self.resume);
        match self.timeout {
            Some(timeout) => options.with_timeout(timeout),
            None => options,
        }
    }
}

/// A format of rows, or of a picture.
pub fn query_format(text: &str) -> Result<QueryFormat, String> {
    if let Ok(format) = <Format as clap::ValueEnum>::from_str(text, false) {
        return Ok(QueryFormat::Rows(format));
    }
    match text {
        "svg" | "dot" | "mermaid" => {
            text.parse().map(QueryFormat::Picture).map_err(|error: worldstore::Error| error.to_string())
        }
        _ => Err("a format is table, json, csv, arrow, svg, dot or mermaid".to_owned()),
    }
}

fn row_groups(text: &str) -> Result<u64, String> {
    let count = text.parse::<u64>().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "row groups are a whole number from 1 on".to_owned())
}

fn confidence(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "a confidence is a number from 0 to 1".to_owned())
}
