//! `cargo xtask bench`: builds the measurements with optimisation and runs them.

use crate::failure::Result;
use crate::workspace::Workspace;
use crate::{peers, process, protoc};

/// What is measured with the whole data stack, and against peers in Python.
const TABLES: &str = "tables";

/// Runs the measurements with the given arguments. Their exit code becomes ours.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let is_tables = arguments.first().is_some_and(|subject| subject == TABLES);
    let mut command = if is_tables { protoc::cargo(workspace)? } else { workspace.cargo() };
    command.args(["run", "--quiet", "--release", "-p", "worldstore-bench"]);
    if is_tables {
        command.args(["--features", TABLES]);
    }
    command.arg("--").args(arguments);
    if is_tables {
        match peers::bench_python(workspace) {
            Ok(python) => drop(command.arg("--python").arg(python)),
            Err(failure) => eprintln!("without peers in Python: {failure}"),
        }
    }
    process::run("the measurements", &mut command)
}
