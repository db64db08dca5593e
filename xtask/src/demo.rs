//! `cargo xtask demo`: builds the demo and runs it in our terminal.

use std::process::Command;

use crate::failure::Result;
use crate::workspace::Workspace;
use crate::{process, protoc};

/// Runs the demo with the given arguments. Its exit code becomes ours.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    process::run("the demo", command(workspace, &["-p", "worldstore", "--features", "worldstore/cli"])?.args(arguments))
}

/// The command that runs the demo; arguments of the demo may follow. Demo and command line are built first, with these
/// packages and features: the demo ends with commands to go on with.
pub fn command(workspace: &Workspace, selection: &[&str]) -> Result<Command> {
    let mut build = protoc::cargo(workspace)?;
    build.arg("build").args(selection).args(["--bin", "worldstore", "--example", "demo"]);
    process::run("building the demo", &mut build)?;
    let mut command = Command::new(workspace.debug_build(&format!("examples/demo{}", std::env::consts::EXE_SUFFIX)));
    command.current_dir(&workspace.root);
    Ok(command)
}
