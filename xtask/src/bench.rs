//! `cargo xtask bench`: builds the measurements with optimisation and runs them.

use crate::failure::Result;
use crate::workspace::Workspace;
use crate::{peers, process, protoc};

/// What is measured with DataFusion, and against peers in Python.
const GRAPH: &str = "graph";

/// Runs the measurements with the given arguments. Their exit code becomes ours.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let is_graph = arguments.first().is_some_and(|subject| subject == GRAPH);
    let mut command = if is_graph { protoc::cargo(workspace)? } else { workspace.cargo() };
    command.args(["run", "--quiet", "--release", "-p", "worldstore-bench"]);
    if is_graph {
        command.args(["--features", GRAPH]);
    }
    command.arg("--").args(arguments);
    if is_graph {
        match peers::graph_python(workspace) {
            Ok(python) => drop(command.arg("--python").arg(python)),
            Err(failure) => eprintln!("without peers in Python: {failure}"),
        }
    }
    process::run("the measurements", &mut command)
}
