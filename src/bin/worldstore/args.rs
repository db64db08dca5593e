//! Commands and their arguments; the text of `--help`. Those of a family of commands are in a file of their own.

mod catalog;
pub mod fs;
pub mod lake;
pub mod product;
pub mod query;
pub mod snapshot;
pub mod sql;
mod units;
pub mod wal;
pub mod world;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use worldstore::{CatalogPlace, LogPlace};

use catalog::CatalogPlaces;
use fs::FsCommand;
use lake::LakeCommand;
use product::{CompletionsArgs, DoctorArgs, ManArgs};
use query::QueryArgs;
use snapshot::{BlocksCommand, SnapshotCommand};
use sql::SqlArgs;
use wal::WalCommand;
use world::{
    AppendArgs, CompactArgs, DiffArgs, DropRunArgs, ExpireArgs, ForkArgs, HistoryArgs, ImportArgs, InitArgs, LogArgs,
    MergeArgs, ScanArgs, StatsArgs, TicksArgs, VerifyArgs,
};

const EXAMPLES: &str = "\
Example:
  worldstore init ./world
  worldstore import ./world weather weather.parquet --tick 1
  worldstore scan ./world weather --where 'temp > 90' --limit 5
  worldstore append ./world weather=now.csv
  worldstore query --world ./world 'MATCH (w:weather) RETURN w.origin, max(w.temp)'";

/// Storage for the state of worlds: open tables on any byte store, read as a graph.
///
/// A world holds tables. Each row belongs to an entity (a number) at a tick (a number that counts
/// steps, not seconds) of a run; the first run is `main`, others are forked from one.
///
/// WORLD and URI are a folder (`./world`, `file:///data/world`), `s3://bucket/prefix` and the like where
/// that is compiled in (`worldstore fs schemes` lists them), or `profile:NAME/path` of a configuration. One
/// process writes a world at a time; commands that read lock nothing, and see what was published last. Rows
/// and results go to standard output, everything else to standard error. With --json each line is an object,
/// and where a command prints several kinds of them, `kind` tells which. The exit code is 0, 2 if the call or
/// its input has to change, 1 for everything else.
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
    #[command(after_help = "\
Example:
  worldstore init ./world --tables iceberg
  worldstore init s3://bucket/world --tables iceberg --catalog ./catalog.db")]
    Init(InitArgs),
    /// Append files to a table: Parquet, CSV, JSON lines or Arrow IPC
    ///
    /// Every file is read and checked whole before the first row is appended. A folder stands for the
    /// files below it, in the order of their names with numbers by value; names that begin with `.` or
    /// `_` are left out, and folders like `month=2` become columns. What CSV and JSON say is a number or a
    /// time where every value of the column stays as it was written, and a text otherwise (`00501`); an empty
    /// value of CSV is null, and `""` an empty text.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Example:
  worldstore import ./world flights data/flights/flights/month=2 --tick-per-file"
    )]
    Import(ImportArgs),
    /// Append one tick: rows of one or more tables, all of them or none
    ///
    /// The rows have a column `entity`; one `active` says which entities end. They are held in memory.
    /// Columns of CSV and JSON become those of the table, and a value that would change on the way is refused;
    /// bytes are hexadecimal digits, as they are printed, and what JSON leaves out is null.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Example:
  worldstore append ./world position=moves.csv health=health.ndjson --tick 7
  echo '{\"entity\": 1, \"x\": 0.5}' | worldstore append ./world position=- --input json"
    )]
    Append(AppendArgs),
    /// List the tables of a world with their rows, versions and columns
    #[command(after_help = "Example:\n  worldstore tables ./world --format json")]
    Tables(WorldArgs),
    /// List the runs of a world and where they were forked
    #[command(after_help = "Example:\n  worldstore runs ./world")]
    Runs(WorldArgs),
    /// Count the rows of a table by tick
    #[command(after_help = "Example:\n  worldstore ticks ./world flights --run storm")]
    Ticks(TicksArgs),
    /// Print rows of a table
    #[command(after_help = "\
Example:
  worldstore scan ./world flights --where 'dep_delay > 60' --columns carrier,dest --as-of 7 --limit 5")]
    Scan(ScanArgs),
    /// Tell all that was ever written about an entity, in all tables
    ///
    /// Rows of the runs that this one was forked from are part of it. `active` is false where the entity ended.
    #[command(verbatim_doc_comment, after_help = "Example:\n  worldstore history ./world 7 --run storm")]
    History(HistoryArgs),
    /// Tell what differs between two ticks, or two runs: entities added, removed and changed
    ///
    /// FROM and TO are a tick, `RUN@TICK`, `RUN`, or `RUN@` where the name of a run is a number. Without a tick,
    /// everything counts that was appended so far. Components are compared, and not which tick wrote them.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Example:
  worldstore diff ./world 3 7
  worldstore diff ./world main storm@9 --summary"
    )]
    Diff(DiffArgs),
    /// List the published states, newest first
    ///
    /// What changed is known where the state before is still kept, and `?` where it is not. A table with `~` has the same rows in other
    /// files, one with `+` is new, one with `-` is gone.
    #[command(verbatim_doc_comment, after_help = "Example:\n  worldstore log ./world --limit 10")]
    Log(LogArgs),
    /// Run Cypher over a world's tables, over Parquet files in place, and over Lance and Iceberg tables
    ///
    /// Without a query, at a terminal, it asks for one after the other: with history, and Tab completes labels, edge
    /// types and properties.
    #[command(after_help = "\
Example:
  worldstore query --world ./world 'MATCH (f:flights) RETURN f.carrier, count(*) AS n ORDER BY n DESC LIMIT 3'
  worldstore query --labels ./graph \"CREATE NODE LABEL Car FROM LANCE '/data/cars.lance' KEY id\"
  worldstore query --labels ./graph \"CREATE NODE LABEL Trip FROM ICEBERG 'sqlite:/data/catalog.db#trips'\"")]
    Query(Box<QueryArgs>),
    /// Show how Cypher would be run, without running it
    #[command(after_help = "Example:\n  worldstore explain --world ./world 'MATCH (f:flights) RETURN count(*)'")]
    Explain(AskArgs),
    /// Ask the tables of a world in SQL
    ///
    /// One query; nothing can be changed by it. All tables are read at one moment. `show tables` and `describe
    /// TABLE` tell what there is, `as_of('TABLE', TICK, 'RUN')` is a table at another tick, and of another run if one
    /// is given. Names without double quotes are lower case.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Example:
  worldstore sql ./world 'select carrier, avg(dep_delay) from flights group by carrier' --as-of 7"
    )]
    Sql(SqlArgs),
    /// Start a run that shares another's history up to a tick
    #[command(after_help = "Example:\n  worldstore fork ./world storm --at 7")]
    Fork(ForkArgs),
    /// Bring what another run changed since the two parted into a run, as one tick
    ///
    /// An entity that both changed, each in its own way, is refused, unless --prefer says which side wins.
    #[command(verbatim_doc_comment, after_help = "Example:\n  worldstore merge ./world storm --prefer theirs")]
    Merge(MergeArgs),
    /// Take a run and its rows out of the world
    ///
    /// Runs that are forked from it have to go first. Older states keep the rows until they expire.
    #[command(verbatim_doc_comment, after_help = "Example:\n  worldstore drop-run ./world storm")]
    DropRun(DropRunArgs),
    /// Rewrite the files of tables into fewer, larger ones
    ///
    /// Rows, ticks and states stay as they are. Older states keep the files that they had until they expire.
    #[command(verbatim_doc_comment, after_help = "Example:\n  worldstore compact ./world flights")]
    Compact(CompactArgs),
    /// Forget old states, and what of the tables only they had
    ///
    /// Ticks stay: a state is what was published at one moment, and every one has all ticks up to then. What a
    /// snapshot or a lease keeps stays too.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Example:
  worldstore expire ./world --keep 10 --dry-run
  worldstore expire ./world --older-than 7d
  worldstore expire ./graph --labels"
    )]
    Expire(ExpireArgs),
    /// Read everything that is kept, and compare it with what it should be
    ///
    /// The chain of states, every file with its length and hash, every table with its number of rows, the runs and what
    /// they were forked from, what tables keep, and the log, which has to be the one that the world has. Nothing is
    /// changed or locked. The exit code is 2 if something is damaged or missing, 1 if it cannot be read.
    #[command(verbatim_doc_comment, after_help = "Example:\n  worldstore verify ./world --all")]
    Verify(VerifyArgs),
    /// Tell sizes, and what waits in the log for the next writer; of a log elsewhere, where it is
    #[command(after_help = "Example:\n  worldstore stats ./world --json")]
    Stats(StatsArgs),
    /// List, print, copy, move and remove the objects of any byte store
    ///
    /// A URI is a path, `s3://bucket/folder/object` and the like, or `profile:NAME/path`; `worldstore fs
    /// schemes` lists what is compiled in. Where a URI names a whole store (`sqlite:///folder/file.db`), the
    /// path in it follows `!/`. All sizes are in bytes, all times in UTC.
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
    /// may show.
    #[command(subcommand, verbatim_doc_comment)]
    Wal(WalCommand),
    /// Tell what is compiled in and configured, and what a store can do
    ///
    /// A line for each finding: `fine`, `note` for what somebody may want to know, `FAILED` for what does not work;
    /// then the exit code is 2. Values of variables and secrets in URIs are not shown.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Example:
  worldstore doctor
  worldstore doctor ./world --probe"
    )]
    Doctor(DoctorArgs),
    /// Print a script that completes commands in a shell
    #[command(after_help = "\
Example:
  worldstore completions bash > ~/.local/share/bash-completion/completions/worldstore")]
    Completions(CompletionsArgs),
    /// Write manual pages
    #[command(after_help = "Example:\n  worldstore man ~/.local/share/man/man1")]
    Man(ManArgs),
}

impl Command {
    /// The world that it works on, where it is one alone.
    pub fn world(&self) -> Option<&str> {
        let at = match self {
            Self::Init(args) => &args.at,
            Self::Import(args) => &args.at.at,
            Self::Append(args) => &args.at.at,
            Self::Tables(args) | Self::Runs(args) => &args.at,
            Self::Ticks(args) => &args.at,
            Self::Scan(args) => &args.at,
            Self::History(args) => &args.at,
            Self::Diff(args) => &args.at,
            Self::Log(args) => &args.at,
            Self::Sql(args) => &args.at,
            Self::Fork(args) => &args.at.at,
            Self::Merge(args) => &args.at.at,
            Self::DropRun(args) => &args.at.at,
            Self::Compact(args) => &args.at.at,
            Self::Expire(args) => &args.at.at,
            Self::Verify(args) => &args.at,
            Self::Stats(args) => &args.at,
            Self::Query(args) => return args.ask.world.as_deref(),
            Self::Explain(args) => return args.world.as_deref(),
            Self::Fs(_) | Self::Lake(_) | Self::Snapshot(_) | Self::Blocks(_) | Self::Wal(_) => return None,
            Self::Doctor(_) | Self::Completions(_) | Self::Man(_) => return None,
        };
        Some(&at.world)
    }
}

/// A world.
#[derive(Debug, clap::Args)]
pub struct At {
    /// The world
    pub world: String,
    /// The catalog of an Iceberg world, an SQLite file, `postgres://…` or `rest+https://…`; needed where the bytes are remote
    /// [default: `catalog.db` in the folder of the world]
    #[arg(long, value_name = "PLACE", value_parser = CatalogPlaces)]
    pub catalog: Option<CatalogPlace>,
    /// The log of what is acknowledged and not committed: a folder of this machine, `store` for objects in
    /// the world itself, or `none`. A world has the same one each time [default: `log` in the world]
    #[arg(long, value_name = "PLACE", value_parser = log_place)]
    pub log: Option<LogPlace>,
}

/// A world that is written.
#[derive(Debug, clap::Args)]
pub struct WriteAt {
    #[command(flatten)]
    pub at: At,
    /// Take the world over from a writer that hangs: whatever that does next is refused. If another log is given than the
    /// world has, what that one holds is given up
    #[arg(long)]
    pub take_over: bool,
    /// Move rows of the log that their table cannot hold to `set-aside` in the world, instead of refusing
    /// to open it
    #[arg(long)]
    pub set_aside: bool,
}

#[derive(Debug, clap::Args)]
pub struct WorldArgs {
    #[command(flatten)]
    pub at: At,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct OutputArgs {
    /// How to print rows
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Short for `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl OutputArgs {
    /// How to print rows.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }

    /// True if rows are for programs that read JSON.
    pub fn json(&self) -> bool {
        self.format() == Format::Json
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns in a frame, a new one every 10,000 rows; on a terminal no wider than that
    Table,
    /// One JSON object a line
    Json,
    /// Comma-separated, with a header
    Csv,
    /// Arrow IPC stream
    Arrow,
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
    /// The catalog of an Iceberg world, an SQLite file, `postgres://…` or `rest+https://…`; needed where the bytes are remote
    /// [default: `catalog.db` in the folder of the world]
    #[arg(long, value_name = "PLACE", requires = "world", value_parser = CatalogPlaces)]
    pub catalog: Option<CatalogPlace>,
    /// The folder or store that `lake://NAME/…` in the query means; may be given several times [default: what
    /// the configuration or WORLDSTORE_LAKE_NAME says]
    #[arg(long = "mount", value_name = "NAME=URI")]
    pub mounts: Vec<String>,
    /// The folder or store in which labels, edge types and what queries create are kept: it stays there, and what
    /// others declare and create there is seen. What declares or creates something begins such a catalog, what only
    /// reads needs one that is there [default: what is declared and created is gone at the end]
    #[arg(long, value_name = "URI")]
    pub labels: Option<String>,
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

fn log_place(text: &str) -> Result<LogPlace, String> {
    match text {
        "" => Err("a folder has a name".to_owned()),
        "store" => Ok(LogPlace::Store),
        "none" => Ok(LogPlace::None),
        // Relative to here, as other paths are.
        folder => std::path::absolute(folder).map(LogPlace::Folder).map_err(|error| error.to_string()),
    }
}
