//! `cargo xtask bench`: builds the measurements with optimisation and runs them.

use crate::failure::Result;
use crate::process;
use crate::workspace::Workspace;

/// Runs the measurements with the given arguments. Their exit code becomes ours.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "--release", "-p", "worldstore-bench", "--"]).args(arguments);
    process::run("the measurements", &mut command)
}
