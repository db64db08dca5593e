//! What tools of others look at: licences, sources, advisories and duplicates of dependencies, and spelling.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Result};
use crate::tools::Missing;
use crate::workspace::Workspace;
use crate::{process, tools};

/// Checks that need no database: what is allowed is in `deny.toml`.
const OFFLINE: [&str; 3] = ["bans", "licenses", "sources"];

/// Where the advisories are, and the variable that names a clone of them, for machines that do not reach it.
const ADVISORIES: &str = "https://github.com/RustSec/advisory-db";
const ADVISORIES_COPY: &str = "WORLDSTORE_ADVISORIES";

/// Everything; `cargo-deny` is installed for it, which takes minutes. Advisories come from the RustSec database, or the clone
/// of it that `WORLDSTORE_ADVISORIES` names.
pub fn all(workspace: &Workspace, missing: Missing) -> Result<()> {
    let spelled = spelling(workspace, missing)?;
    let denied = match missing.or_skip(tools::from_crates(tools::DENY, workspace))? {
        Some(program) => {
            deny(workspace, &program, &OFFLINE)?;
            advisories(workspace, &program)?;
            true
        }
        None => false,
    };
    for (what, done) in [("spelling", spelled), ("licences, sources and advisories", denied)] {
        if !done {
            println!("NOT CHECKED: {what}");
        }
    }
    Ok(())
}

/// The checks of dependencies, where `cargo-deny` is installed: it is not installed for this. Advisories are asked for if
/// there is a clone of them: no test depends on another machine.
pub fn if_there(workspace: &Workspace) -> Result<()> {
    let Some(program) = tools::if_there(tools::DENY, workspace) else {
        println!("left to the release, or to `cargo xtask audit`, which installs cargo-deny");
        return Ok(());
    };
    deny(workspace, &program, &OFFLINE)?;
    match copy() {
        Some(_) => advisories(workspace, &program),
        None => {
            println!("advisories are left to the release, or to `cargo xtask audit`: {ADVISORIES_COPY} names no clone");
            Ok(())
        }
    }
}

fn copy() -> Option<PathBuf> {
    std::env::var_os(ADVISORIES_COPY).map(PathBuf::from)
}

/// Asks for advisories about dependencies. Of a clone it is told how old it is, for it knows of nothing later.
fn advisories(workspace: &Workspace, program: &Path) -> Result<()> {
    let mut command = command(workspace, program, &["advisories"]);
    if let Some(copy) = copy() {
        let copy = copy.canonicalize().during(format_args!("looking at {ADVISORIES_COPY}, {}", copy.display()))?;
        let mut git = Command::new("git");
        git.arg("-c").arg("safe.directory=*").arg("-C").arg(&copy).args(["log", "-1", "--format=%cs"]);
        println!("advisories of {} and before", process::capture("git log", &mut git)?.trim());
        // git, which cargo-deny fetches with, takes the clone for the original.
        let settings =
            [(format!("url.file://{}.insteadOf", copy.display()), ADVISORIES), ("safe.directory".to_owned(), "*")];
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (number, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key).env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
    }
    process::run("cargo-deny", &mut command)
}

fn deny(workspace: &Workspace, program: &Path, checks: &[&str]) -> Result<()> {
    process::run("cargo-deny", &mut command(workspace, program, checks))
}

fn command(workspace: &Workspace, program: &Path, checks: &[&str]) -> Command {
    let mut command = workspace.command(program);
    command.args([
        "--workspace",
        "--all-features",
        "--locked",
        "--log-level",
        "warn",
        "check",
        "--hide-inclusion-graph",
    ]);
    command.args(checks);
    command
}

/// Looks for words that are often written wrong, and says whether it could. Which are no mistakes is in `typos.toml`.
pub fn spelling(workspace: &Workspace, missing: Missing) -> Result<bool> {
    let Some(program) = missing.or_skip(tools::typos(workspace))? else { return Ok(false) };
    process::run("typos", workspace.command(&program).args(["--format", "brief"]))?;
    Ok(true)
}
