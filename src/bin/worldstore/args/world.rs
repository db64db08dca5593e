//! The arguments of the commands that change, compare and keep a world.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use worldstore::TableFormat;

use crate::args::units::time;
use crate::args::{At, OutputArgs, WriteAt};

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    #[command(flatten)]
    pub at: At,
    /// Table format: lance or iceberg [default: lance]
    #[arg(long, value_name = "FORMAT")]
    pub tables: Option<TableFormat>,
    /// Name in the rows [default: the last part of WORLD]
    #[arg(long)]
    pub name: Option<String>,
    /// One JSON object: world, tables, location
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    #[command(flatten)]
    pub at: WriteAt,
    /// The table; its first rows create it
    pub table: String,
    /// Files and folders, in the order in which they are appended
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Format of the files [default: by their ending]
    #[arg(long, value_enum)]
    pub input: Option<Input>,
    /// The run that is written
    #[arg(long, default_value = "main")]
    pub run: String,
    /// The tick of all rows; with --tick-per-file, that of the first file [default: the one after the
    /// newest in the table, 1 in a new one]
    #[arg(long, allow_negative_numbers = true, conflicts_with = "tick_column")]
    pub tick: Option<i64>,
    /// Each file is a tick of its own, one after the other
    #[arg(long, conflicts_with = "tick_column")]
    pub tick_per_file: bool,
    /// An integer column that holds the tick of each row; it is stored as `tick`
    #[arg(long, value_name = "COLUMN")]
    pub tick_column: Option<String>,
    /// An integer column that holds the entity of each row; it is stored as `entity` [default: the row's
    /// number in this import, from 0]
    #[arg(long, value_name = "COLUMN")]
    pub entity_column: Option<String>,
    /// One JSON object: run, table, rows, ticks, first_tick, last_tick (null without rows)
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Input {
    Parquet,
    /// With a header; types are inferred over the whole file
    Csv,
    /// One JSON object a line; types are inferred over the whole file
    Json,
    /// Arrow IPC, file or stream
    Arrow,
}

#[derive(Debug, clap::Args)]
pub struct AppendArgs {
    #[command(flatten)]
    pub at: WriteAt,
    /// A table and the file with its rows, `-` for standard input; a table's first rows create it
    #[arg(required = true, value_name = "TABLE=FILE")]
    pub rows: Vec<String>,
    /// Format of the files [default: by their ending]
    #[arg(long, value_enum)]
    pub input: Option<Input>,
    /// The run that is written
    #[arg(long, default_value = "main")]
    pub run: String,
    /// The tick [default: the one after the newest in these tables, 1 in new ones]
    #[arg(long, allow_negative_numbers = true)]
    pub tick: Option<i64>,
    /// An integer column that holds the entity of each row; it is stored as `entity`
    #[arg(long, value_name = "COLUMN", default_value = "entity")]
    pub entity_column: String,
    /// One JSON object: run, tick, seq, tables (with their rows), rows
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct TicksArgs {
    #[command(flatten)]
    pub at: At,
    /// The table
    pub table: String,
    /// The run that is read
    #[arg(long, default_value = "main")]
    pub run: String,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct ScanArgs {
    #[command(flatten)]
    pub at: At,
    /// The table
    pub table: String,
    /// Columns to print, by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    pub columns: Vec<String>,
    /// A condition like `dep_delay > 60`, `carrier = 'UA'` or `tailnum is not null`, with one of = <> <
    /// <= > >=; given several times, all must hold
    #[arg(long = "where", value_name = "CONDITION")]
    pub conditions: Vec<String>,
    /// The run that is read
    #[arg(long, default_value = "main")]
    pub run: String,
    /// Only rows of this tick and those before it [default: all]
    #[arg(long, value_name = "TICK", allow_negative_numbers = true)]
    pub as_of: Option<i64>,
    /// At most so many rows [default: all]
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<usize>,
    /// The version of the table, a number that each commit raises [default: the latest]
    #[arg(long)]
    pub version: Option<u64>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    pub at: At,
    /// The entity
    pub entity: u64,
    /// The run that is read
    #[arg(long, default_value = "main")]
    pub run: String,
    /// Only rows of this tick and those before it [default: all]
    #[arg(long, value_name = "TICK", allow_negative_numbers = true)]
    pub as_of: Option<i64>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    #[command(flatten)]
    pub at: At,
    /// The one side: `TICK`, `RUN@TICK` or `RUN`
    #[arg(allow_negative_numbers = true)]
    pub from: String,
    /// The other side
    #[arg(allow_negative_numbers = true)]
    pub to: String,
    /// The run of a tick that is given without one
    #[arg(long, default_value = "main")]
    pub run: String,
    /// Only this table; may be given several times [default: all]
    #[arg(long = "table", value_name = "TABLE")]
    pub tables: Vec<String>,
    /// Only how many entities differ in each table
    #[arg(long)]
    pub summary: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct LogArgs {
    #[command(flatten)]
    pub at: At,
    /// Also states in which nothing changed, as when the world was opened
    #[arg(long)]
    pub all: bool,
    /// At most so many states [default: no limit]
    #[arg(long, value_name = "STATES")]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct ForkArgs {
    #[command(flatten)]
    pub at: WriteAt,
    /// Name of the new run
    pub name: String,
    /// The last tick that both share
    #[arg(long = "at", value_name = "TICK", allow_negative_numbers = true)]
    pub tick: i64,
    /// The run that is forked
    #[arg(long, value_name = "RUN", default_value = "main")]
    pub from: String,
    /// One JSON object: run, forked_from, at_tick
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    #[command(flatten)]
    pub at: WriteAt,
    /// The run that is merged
    pub from: String,
    /// The run that it is merged into
    #[arg(long, value_name = "RUN", default_value = "main")]
    pub into: String,
    /// The tick that is written [default: the one after the newest of the run]
    #[arg(long, allow_negative_numbers = true)]
    pub tick: Option<i64>,
    /// What becomes of an entity that both changed [default: it is refused]
    #[arg(long, value_enum)]
    pub prefer: Option<Prefer>,
    /// One JSON object: into, from, tick, written, ended, conflicts
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Prefer {
    /// It stays as it is in the run that is merged into
    Ours,
    /// It becomes what it is in the run that is merged
    Theirs,
    /// It becomes what it was where the runs parted
    Base,
}

#[derive(Debug, clap::Args)]
pub struct DropRunArgs {
    #[command(flatten)]
    pub at: WriteAt,
    /// The run
    pub run: String,
    /// One JSON object: run, rows, tables
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CompactArgs {
    #[command(flatten)]
    pub at: WriteAt,
    /// The tables [default: all]
    #[arg(value_name = "TABLE")]
    pub tables: Vec<String>,
    /// Rows that a file shall have
    #[arg(long, value_name = "ROWS", default_value_t = 1_000_000)]
    pub file_rows: usize,
    /// JSON lines: table, files_before, files_after, version
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct ExpireArgs {
    #[command(flatten)]
    pub at: WriteAt,
    /// The newest so many different states are kept in any case [default: 64; with --older-than 1]
    #[arg(long, value_name = "STATES")]
    pub keep: Option<u64>,
    /// Only states that are older: `90s`, `15m`, `2h`, `7d`
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub older_than: Option<Duration>,
    /// Versions of tables that are younger stay in any case, for those who are reading them; states of a catalog too
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "10m")]
    pub spare: Duration,
    /// It is no world but a catalog of labels, as of `query --labels`
    #[arg(long, conflicts_with_all = ["take_over", "set_aside", "catalog"])]
    pub labels: bool,
    /// Tell what would go, and do nothing; the world is not locked
    #[arg(long)]
    pub dry_run: bool,
    /// JSON lines: kind (table), table, versions, files, bytes, error; at last kind (done), states, leases,
    /// versions, files, bytes, dry_run; of a catalog one object: kind (labels), states, leases, blocks, bytes, dry_run
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub at: At,
    /// Every state that is kept, each file and version once [default: the newest state]
    #[arg(long)]
    pub all: bool,
    /// JSON lines: kind (manifest, file, block, table, document, log), key or table, state, problem; at last kind (done),
    /// states, files, bytes, versions, rows, log_records, findings
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct StatsArgs {
    #[command(flatten)]
    pub at: At,
    /// JSON lines: kind (table), table, rows, version, seq, files, bytes, waiting_rows (null if the log was not read); at
    /// last kind (world), world, tables, location, state, created, seq, epoch, states, runs, rows, files, bytes, log,
    /// log_problem
    #[arg(long)]
    pub json: bool,
}
