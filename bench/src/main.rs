//! Measurements against peers, each in one run with interleaved rounds and equal results: `cargo xtask bench`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

mod bytes;
#[cfg(feature = "ecs")]
mod ecs;
#[cfg(feature = "graph")]
mod graph;
#[cfg(any(feature = "graph", feature = "tables"))]
mod interpreter;
mod measure;
mod report;
#[cfg(feature = "tables")]
mod tables;
mod wal;
#[cfg(feature = "zset")]
mod zset;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What can go wrong: whatever it is, the run ends with it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the command line uses as well.
#[cfg(any(feature = "graph", feature = "tables"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures worldstore against its peers.
#[derive(Parser)]
#[command(name = "worldstore-bench")]
struct Arguments {
    #[command(subcommand)]
    subject: Subject,
    /// Only rows whose name contains this text.
    #[arg(long, global = true)]
    only: Option<String>,
    /// Divides the amount of work, for a quick look. The figures of a report are those of 1.
    #[arg(long, global = true, default_value_t = 1)]
    scale: usize,
    /// Where the files of the run lie while it lasts; the system's folder for temporary files by default.
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
    /// Also writes the figures as JSON to this file.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Subject {
    /// The byte layer against std::fs, object_store and OpenDAL.
    Bytes,
    /// Entities in memory against hecs and bevy_ecs. Needs feature `ecs`, which `cargo xtask bench ecs` turns on.
    #[cfg(feature = "ecs")]
    Ecs,
    /// The log against raw system calls, SQLite, redb, fjall and sled.
    Wal,
    /// Cypher over Parquet files against DataFusion, DuckDB and Polars.
    #[cfg(feature = "graph")]
    Graph {
        /// A Python that has DuckDB and Polars.
        #[arg(long)]
        python: Option<PathBuf>,
    },
    /// Tables of worlds against archetype, LanceDB, PyIceberg and Daft.
    #[cfg(feature = "tables")]
    Tables {
        /// A Python that has the peers.
        #[arg(long)]
        python: Option<PathBuf>,
    },
    /// Ingests into a world and tells the peak of its own memory; for `tables` only.
    #[cfg(feature = "tables")]
    #[command(hide = true)]
    TablesMemory {
        /// Where the world is made.
        #[arg(long)]
        world: PathBuf,
        /// The format of its tables.
        #[arg(long)]
        format: worldstore::TableFormat,
        /// How often is appended.
        #[arg(long)]
        appends: u64,
    },
    /// Incremental queries against stepping, differential-dataflow, dbsp and DuckDB.
    #[cfg(feature = "zset")]
    Zset {
        /// The program of `bench/dbsp`, which `cargo xtask bench zset --with-dbsp` builds.
        #[arg(long)]
        dbsp: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("worldstore-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.scale == 0 {
        return Err("--scale must be at least 1".into());
    }
    if cfg!(debug_assertions) {
        eprintln!("built without optimisation: the figures mean nothing");
    }
    let folder = match &arguments.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let (place, scale, only) = (folder.path(), arguments.scale, arguments.only.as_deref());
    let json = match &arguments.subject {
        Subject::Bytes => {
            let rows = bytes::rows(place, scale, only)?;
            println!("{}", report::table(&rows));
            serde_json::to_vec_pretty(&rows)?
        }
        #[cfg(feature = "ecs")]
        Subject::Ecs => {
            let rows = ecs::rows(scale, only)?;
            println!("{}", report::table(&rows));
            serde_json::to_vec_pretty(&rows)?
        }
        Subject::Wal => {
            let rows = wal::rows(place, scale, only)?;
            if !rows.appends.is_empty() {
                println!("{}", wal::report::appends(&rows.appends));
            }
            if !rows.replay.is_empty() {
                println!("{}", report::table(&rows.replay));
            }
            serde_json::to_vec_pretty(&rows)?
        }
        #[cfg(feature = "graph")]
        Subject::Graph { python } => {
            let rows = graph::rows(place, scale, only, python.as_deref())?;
            println!("{}", report::table(&rows));
            serde_json::to_vec_pretty(&rows)?
        }
        #[cfg(feature = "tables")]
        Subject::Tables { python } => {
            let report = tables::report(place, scale, only, python.as_deref())?;
            println!("{}", tables::show(&report));
            serde_json::to_vec_pretty(&report)?
        }
        #[cfg(feature = "tables")]
        Subject::TablesMemory { world, format, appends } => {
            println!("{}", tables::memory_child(world, *format, *appends)?);
            return Ok(());
        }
        #[cfg(feature = "zset")]
        Subject::Zset { dbsp } => {
            let rows = zset::rows(place, scale, only, dbsp.as_deref())?;
            println!("{}", zset::table(&rows));
            serde_json::to_vec_pretty(&rows)?
        }
    };
    if let Some(file) = &arguments.json {
        std::fs::write(file, json)?;
    }
    Ok(())
}
