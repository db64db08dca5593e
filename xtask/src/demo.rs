//! `cargo xtask demo`: builds the demo and runs it in our terminal.

use std::process::Command;

use crate::failure::Result;
use crate::workspace::Workspace;
use crate::{process, protoc};

/// Runs the demo with the given arguments. Its exit code becomes ours.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    process::run("the demo", command(workspace)?.args(arguments))
}

/// The command that runs the demo; arguments of the demo may follow. Demo and command line are built first: the demo
/// ends with commands to go on with.
pub fn command(workspace: &Workspace) -> Result<Command> {
    let mut build = protoc::cargo(workspace)?;
    build.args(["build", "-p", "worldstore", "--bin", "worldstore", "--example", "demo"]);
    process::run("building the demo", &mut build)?;
    let mut command = protoc::cargo(workspace)?;
    command.args(["run", "-p", "worldstore", "--example", "demo", "--"]);
    Ok(command)
}
