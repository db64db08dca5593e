//! `cargo xtask bench`: builds the measurements with optimisation and runs them.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Context, Result};
use crate::services::{Service, Services};
use crate::workspace::Workspace;
use crate::{peers, process, protoc};

/// Measurements that are features of the crate, for what they bring.
const FEATURES: [&str; 4] = ["ecs", "graph", "tables", "zset"];

/// An argument for us: `bench zset` has dbsp among the peers, which takes a quarter of an hour to build.
const WITH_DBSP: &str = "--with-dbsp";

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
    command.arg("--").args(arguments.iter().filter(|argument| *argument != WITH_DBSP));
    let mut services = None;
    match feature {
        Some("graph") => add_python(&mut command, peers::graph_python(workspace)),
        Some("tables") => add_python(&mut command, peers::bench_python(workspace)),
        Some("zset") => {
            command.env(peers::PYTHON_BENCH, peers::zset_python(workspace)?);
            if arguments.iter().any(|argument| argument == WITH_DBSP) {
                command.arg("--dbsp").arg(dbsp(workspace)?);
            }
            services = Some(Services::start(workspace, &[Service::Postgres])?);
        }
        _ => {}
    }
    if let Some(services) = &services {
        services.show_to(&mut command);
    }
    process::run("the measurements", &mut command)
}

/// Builds the peer that is a workspace of its own, and gives its program.
fn dbsp(workspace: &Workspace) -> Result<PathBuf> {
    let (folder, target) = (workspace.root.join("bench").join("dbsp"), workspace.cache("bench-dbsp"));
    let mut command = workspace.cargo();
    command.current_dir(&folder).args(["build", "--quiet", "--release", "--locked", "--target-dir"]).arg(&target);
    process::run("building dbsp", &mut command)?;
    let name = format!("worldstore-bench-dbsp{}", std::env::consts::EXE_SUFFIX);
    std::path::absolute(target.join("release").join(name)).during("finding the program of dbsp")
}

fn add_python(command: &mut Command, python: Result<PathBuf>) {
    match python {
        Ok(python) => drop(command.arg("--python").arg(python)),
        Err(failure) => eprintln!("without peers in Python: {failure}"),
    }
}
