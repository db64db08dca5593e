//! Tools that others keep well, in pinned versions, installed once below the target folder.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::workspace::Workspace;
use crate::{process, python, services};

/// Licences, advisories, sources and duplicates of dependencies.
pub const DENY: (&str, &str) = ("cargo-deny", "0.20.2");
/// Whether a change of a public API fits the version that it gets.
pub const SEMVER_CHECKS: (&str, &str) = ("cargo-semver-checks", "0.51.0");
/// Words that are often written wrong.
const TYPOS: &str = "typos==1.52.0\n";

/// A tool from crates.io. The first time it is compiled, which takes minutes.
pub fn from_crates((name, version): (&str, &str), workspace: &Workspace) -> Result<PathBuf> {
    let _lock = workspace.lock(name)?;
    let root = workspace.cache("tools").join(format!("{name}-{version}"));
    let program = root.join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if process::works(Command::new(&program).arg("--version")) {
        return Ok(program);
    }
    eprintln!("installing {name} {version} in {}", root.display());
    let mut command = workspace.cargo();
    command.args(["install", "--quiet", "--locked", name, "--version", version, "--root"]).arg(&root);
    // Not beside our own builds: it has dependencies of its own, and its builds are not needed again.
    command.arg("--target-dir").arg(root.join("target"));
    process::run(&format!("installing {name}"), &mut command)?;
    let builds = root.join("target");
    std::fs::remove_dir_all(&builds).during(format_args!("removing {}", builds.display()))?;
    Ok(program)
}

/// A tool from crates.io if it is installed, here or in `PATH`; it is not installed for this.
pub fn if_there((name, version): (&str, &str), workspace: &Workspace) -> Option<PathBuf> {
    let here = workspace.cache("tools").join(format!("{name}-{version}")).join("bin").join(name);
    [here, PathBuf::from(name)].into_iter().find(|program| process::works(Command::new(program).arg("--version")))
}

/// The program `typos`, from PyPI.
pub fn typos(workspace: &Workspace) -> Result<PathBuf> {
    let python = python::environment(workspace, "typos", TYPOS, &[])?;
    let program = python.with_file_name(format!("typos{}", std::env::consts::EXE_SUFFIX));
    match process::works(Command::new(&program).arg("--version")) {
        true => Ok(program),
        false => Err(Failure::new(format!("{} does not start", program.display()))),
    }
}

/// What becomes of a check whose tool is not there and cannot be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It is left out, loudly; with `CI` set it fails.
    Skips,
    /// It fails: for what cannot be taken back.
    Fails,
}

impl Missing {
    /// Hands on a tool that is there.
    pub fn or_skip(self, tool: Result<PathBuf>) -> Result<Option<PathBuf>> {
        match tool {
            Ok(program) => Ok(Some(program)),
            Err(failure) if self == Self::Fails || services::must_be_there() => Err(failure),
            Err(failure) => {
                eprintln!("SKIPPED: {failure}");
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests;
