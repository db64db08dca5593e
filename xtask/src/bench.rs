//! `cargo xtask bench`: builds the measurements with optimisation and runs them.

use crate::failure::Result;
use crate::services::{Service, Services};
use crate::workspace::Workspace;
use crate::{peers, process};

/// Runs the measurements with the given arguments. Their exit code becomes ours.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "--release", "-p", "worldstore-bench"]);
    let is_zset = arguments.iter().any(|argument| argument == "zset");
    // Peers of Z-sets are Python packages and a server; other measurements need neither, nor their build.
    let services = match is_zset {
        true => {
            command.args(["--features", "zset"]);
            command.env(peers::PYTHON_BENCH, peers::bench_python(workspace)?);
            Some(Services::start(workspace, &[Service::Postgres])?)
        }
        false => None,
    };
    if let Some(services) = &services {
        services.show_to(&mut command);
    }
    process::run("the measurements", command.arg("--").args(arguments))
}
