//! `cargo xtask services` on systems that are no Unix: there are none, and that is said.

use std::process::Command;

use crate::failure::{Failure, Result};
use crate::workspace::Workspace;

const WHY: &str = "the servers of the tests run on Linux and macOS only";

/// Nothing to choose from.
#[derive(clap::Args)]
pub struct Options {}

/// The servers as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Service {
    /// All of them.
    All,
    /// Postgres.
    Postgres,
}

/// No servers.
pub struct Services;

impl Services {
    /// Skips them loudly; with `CI` set that is a failure.
    pub fn start(_workspace: &Workspace, _wanted: &[Service]) -> Result<Self> {
        if must_be_there() {
            return Err(Failure::new(WHY));
        }
        eprintln!("SKIPPED: {WHY}");
        Ok(Self)
    }

    /// There is nothing to tell.
    pub fn show_to(&self, _command: &mut Command) {}

    /// There is none.
    pub fn variable(&self, _name: &str) -> Option<&str> {
        None
    }

    /// Those that could not be had.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once("any server")
    }
}

/// There is no strace either: the tests say so themselves.
pub fn show_strace(_workspace: &Workspace, _command: &mut Command) {}

/// Whether a peer that cannot be had is a failure: on a machine that integrates.
pub fn must_be_there() -> bool {
    std::env::var_os("CI").is_some()
}

/// Says why there are none.
pub fn run(_workspace: &Workspace, _options: &Options) -> Result<()> {
    Err(Failure::new(WHY))
}

/// Where servers have guards.
pub mod guard {
    use std::path::Path;

    use crate::failure::{Failure, Result};

    /// Says why there are none.
    pub fn run(_folder: &Path) -> Result<()> {
        Err(Failure::new(super::WHY))
    }
}
