//! Commands and their arguments; the text of `--help`.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use worldstore::TableFormat;

use crate::fs_args::FsCommand;
use crate::lake_args::LakeCommand;
use crate::snapshot_args::{BlocksCommand, SnapshotCommand};
use crate::sql_args::SqlArgs;
use crate::wal_args::WalCommand;

const EXAMPLES: &str = "\
Example:
  worldstore init ./world
  worldstore import ./world weather weather.parquet --tick 1
  worldstore scan ./world weather --where 'temp > 90' --limit 5
  worldstore query --world ./world 'MATCH (w:weather) RETURN w.origin, max(w.temp)'";

/// Storage for the state of worlds: open tables on any byte store, read as a graph.
///
/// A world holds tables. Each row belongs to an entity (a number) at a tick (a number that counts
/// steps, not seconds) of a run; the first run is `main`, others are forked from one.
///
/// WORLD and URI are a folder (`./world`, `file:///data/world`), `s3://bucket/prefix` and the like where
/// that is compiled in (`worldstore fs schemes` lists them), or `profile:NAME/path` of a configuration. Rows and results go to standard output, everything else to standard error. The
/// exit code is 0, 2 if the call or its input has to change, 1 for everything else.
#[derive(Debug, Parser)]
#[command(name = "worldstore", version, verbatim_doc_comment, after_help = EXAMPLES)]
pub struct Args {
    /// The configuration with the profiles [default: $WORLDSTORE_CONFIG, or else `worldstore.toml` here, or
    /// else `worldstore/config.toml` in $XDG_CONFIG_HOME or ~/.config]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new world
    Init(InitArgs),
    /// Append files to a table: Parquet, CSV or Arrow IPC
    ///
    /// Every file is read and checked whole before the first row is appended. A folder stands for the
    /// files below it, in the order of their names with numbers by value; names that begin with `.` or
    /// `_` are left out, and folders like `month=2` become columns.
    #[command(verbatim_doc_comment)]
    Import(ImportArgs),
    /// List the tables of a world with their rows, versions and columns
    Tables(WorldArgs),
    /// List the runs of a world and where they were forked
    Runs(WorldArgs),
    /// Count the rows of a table by tick
    Ticks(TicksArgs),
    /// Print rows of a table
    Scan(ScanArgs),
    /// Run Cypher over a world's tables and over Parquet files in place
    Query(QueryArgs),
    /// Show how Cypher would be run, without running it
    Explain(AskArgs),
    /// Ask the tables of a world in SQL
    ///
    /// One query; nothing can be changed by it. All tables are read at one moment. `show tables` and `describe
    /// TABLE` tell what there is, `as_of('TABLE', TICK, 'RUN')` is a table at another tick, and of another run if one
    /// is given. Names without double quotes are lower case.
    #[command(verbatim_doc_comment)]
    Sql(SqlArgs),
    /// Start a run that shares another's history up to a tick
    Fork(ForkArgs),
    /// List, print, copy, move and remove the objects of any byte store
    ///
    /// A URI is a path, `s3://bucket/folder/object` and the like, or `profile:NAME/path`; `worldstore fs
    /// schemes` lists what is compiled in. Where a URI names a whole store (`sqlite:///folder/file.db`), the
    /// path in it follows `!/`. All sizes are in bytes, all times in UTC. With --json each line is an object.
    #[command(subcommand, verbatim_doc_comment)]
    Fs(FsCommand),
    /// Tell where a `lake://` address leads to, and list what lies there
    ///
    /// What a bucket of an address is comes from --mount, or the variable WORLDSTORE_LAKE_<BUCKET>, or `[lake.BUCKET]` in
    /// the configuration, or else it is below what WORLDSTORE_LAKE_ROOT names.
    #[command(subcommand, verbatim_doc_comment)]
    Lake(LakeCommand),
    /// Keep states under names, verify them, carry them elsewhere
    ///
    /// A state is a manifest: everything that a chain of manifests refers to at one moment. URI is the folder of the
    /// chain, in any store.
    #[command(subcommand, verbatim_doc_comment)]
    Snapshot(SnapshotCommand),
    /// Remove and verify the blocks of which states are made
    #[command(subcommand)]
    Blocks(BlocksCommand),
    /// Look at a write-ahead log, test it, and save what can be read of a damaged one
    ///
    /// LOG is the folder of a log: `./log`, or `s3://bucket/log` and the like for one whose records are kept as
    /// objects. None of these commands changes it or locks its writer out; what a writer has not acknowledged yet
    /// may show. With --json each line is an object.
    #[command(subcommand, verbatim_doc_comment)]
    Wal(WalCommand),
}

impl Command {
    /// The world that it works on, where it is one alone.
    pub fn world(&self) -> Option<&str> {
        match self {
            Self::Init(args) => Some(&args.world),
            Self::Import(args) => Some(&args.world),
            Self::Tables(args) | Self::Runs(args) => Some(&args.world),
            Self::Ticks(args) => Some(&args.world),
            Self::Scan(args) => Some(&args.world),
            Self::Query(args) => args.ask.world.as_deref(),
            Self::Explain(args) => args.world.as_deref(),
            Self::Sql(args) => Some(&args.world),
            Self::Fork(args) => Some(&args.world),
            Self::Fs(_) | Self::Lake(_) | Self::Snapshot(_) | Self::Blocks(_) | Self::Wal(_) => None,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct WorldArgs {
    /// The world
    pub world: String,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct OutputArgs {
    /// How to print rows
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns in a frame, a new one every 10,000 rows
    Table,
    /// One JSON object a line
    Json,
    /// Comma-separated, with a header
    Csv,
    /// Arrow IPC stream
    Arrow,
}

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The world to make
    pub world: String,
    /// Table format: lance or iceberg [default: lance]
    #[arg(long, value_name = "FORMAT")]
    pub tables: Option<TableFormat>,
    /// Name in the rows [default: the last part of WORLD]
    #[arg(long)]
    pub name: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The world
    pub world: String,
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Input {
    Parquet,
    /// With a header; types are inferred over the whole file
    Csv,
    /// Arrow IPC, file or stream
    Arrow,
}

#[derive(Debug, clap::Args)]
pub struct TicksArgs {
    /// The world
    pub world: String,
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
    /// The world
    pub world: String,
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
pub struct QueryArgs {
    #[command(flatten)]
    pub ask: AskArgs,
    /// Print what each statement read (files, rows, bytes) to standard error
    #[arg(long)]
    pub io_stats: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What is asked, and of what.
#[derive(Debug, clap::Args)]
pub struct AskArgs {
    /// The query; several statements are separated by `;` [default: standard input]
    pub text: Option<String>,
    /// Read the query from a file
    #[arg(long, short, value_name = "PATH", conflicts_with = "text")]
    pub file: Option<PathBuf>,
    /// The world whose tables are labels, each under its own name
    #[arg(long, short)]
    pub world: Option<String>,
    /// The folder or store that `lake://NAME/…` in the query means; may be given several times [default: what
    /// the configuration or WORLDSTORE_LAKE_NAME says]
    #[arg(long = "mount", value_name = "NAME=URI")]
    pub mounts: Vec<String>,
    /// The run that is read [default: main]
    #[arg(long, requires = "world")]
    pub run: Option<String>,
    /// Only rows of this tick and those before it [default: all]
    #[arg(long, value_name = "TICK", allow_negative_numbers = true, requires = "world")]
    pub as_of: Option<i64>,
    /// A parameter, `$NAME` in the query: VALUE is JSON, or else a text; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub struct ForkArgs {
    /// The world
    pub world: String,
    /// Name of the new run
    pub name: String,
    /// The last tick that both share
    #[arg(long, value_name = "TICK", allow_negative_numbers = true)]
    pub at: i64,
    /// The run that is forked
    #[arg(long, value_name = "RUN", default_value = "main")]
    pub from: String,
}
