//! `cargo xtask bench`: builds the measurements with optimisation and runs them.

use crate::failure::Result;
use crate::process;
use crate::workspace::Workspace;

/// Measurements that are features of the crate.
const FEATURES: [&str; 1] = ["ecs"];

/// Runs the measurements with the given arguments. Their exit code becomes ours.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "--release", "-p", "worldstore-bench"]);
    // Peers of some measurements are built only for them.
    if let Some(feature) = FEATURES.iter().find(|feature| arguments.iter().any(|argument| argument == *feature)) {
        command.args(["--features", feature]);
    }
    command.arg("--").args(arguments);
    process::run("the measurements", &mut command)
}
