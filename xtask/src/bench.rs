//! `cargo xtask bench`: builds the measurements with optimisation and runs them.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::Result;
use crate::services::{Service, Services};
use crate::workspace::Workspace;
use crate::{peers, process, protoc};

/// Measurements that are features of the crate, for what they bring.
const FEATURES: [&str; 4] = ["ecs", "graph", "tables", "zset"];

/// Runs the measurements with the given arguments. Their exit code becomes ours.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let feature = arguments.first().map(String::as_str).filter(|subject| FEATURES.contains(subject));
    let mut command = match feature {
        Some("graph" | "tables") => protoc::cargo(workspace)?,
        _ => workspace.cargo(),
    };
    command.args(["run", "--quiet", "--release", "-p", "worldstore-bench"]);
    if let Some(feature) = feature {
        command.args(["--features", feature]);
    }
    command.arg("--").args(arguments);
    let mut services = None;
    match feature {
        Some("graph") => add_python(&mut command, peers::graph_python(workspace)),
        Some("tables") => add_python(&mut command, peers::bench_python(workspace)),
        Some("zset") => {
            command.env(peers::PYTHON_BENCH, peers::zset_python(workspace)?);
            services = Some(Services::start(workspace, &[Service::Postgres])?);
        }
        _ => {}
    }
    if let Some(services) = &services {
        services.show_to(&mut command);
    }
    process::run("the measurements", &mut command)
}

fn add_python(command: &mut Command, python: Result<PathBuf>) {
    match python {
        Ok(python) => drop(command.arg("--python").arg(python)),
        Err(failure) => eprintln!("without peers in Python: {failure}"),
    }
}
