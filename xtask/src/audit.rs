//! What tools of others look at: licences, sources, advisories and duplicates of dependencies, and spelling.

use std::path::Path;

use crate::failure::Result;
use crate::workspace::Workspace;
use crate::{process, tools};

/// Checks that need no network: what is allowed is in `deny.toml`.
const OFFLINE: [&str; 3] = ["bans", "licenses", "sources"];

/// Everything; `cargo-deny` is installed for it, which takes minutes. Advisories come from the RustSec database.
pub fn all(workspace: &Workspace) -> Result<()> {
    spelling(workspace)?;
    match tools::or_skip(tools::from_crates(tools::DENY, workspace))? {
        Some(program) => {
            deny(workspace, &program, &OFFLINE)?;
            deny(workspace, &program, &["advisories"])
        }
        None => Ok(()),
    }
}

/// The checks of dependencies, where `cargo-deny` is installed: it is not installed for this.
pub fn if_there(workspace: &Workspace) -> Result<()> {
    match tools::if_there(tools::DENY, workspace) {
        Some(program) => deny(workspace, &program, &OFFLINE),
        None => {
            println!("left to the release, or to `cargo xtask audit`, which installs cargo-deny");
            Ok(())
        }
    }
}

fn deny(workspace: &Workspace, program: &Path, checks: &[&str]) -> Result<()> {
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
    process::run("cargo-deny", command.args(checks))
}

/// Looks for words that are often written wrong, and says whether it could. Which are no mistakes is in `typos.toml`.
pub fn spelling(workspace: &Workspace) -> Result<bool> {
    let Some(program) = tools::or_skip(tools::typos(workspace))? else { return Ok(false) };
    process::run("typos", workspace.command(&program).args(["--format", "brief"]))?;
    Ok(true)
}
