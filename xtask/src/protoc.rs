//! The protobuf compiler that Lance's build asks for: from a crate, so that nobody has to install one.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Result};
use crate::process;
use crate::workspace::Workspace;

/// A cargo command whose builds find `protoc`.
pub fn cargo(workspace: &Workspace) -> Result<Command> {
    let mut command = workspace.cargo();
    command.env("PROTOC", path(workspace)?);
    Ok(command)
}

/// The same for a program that runs cargo itself, as it would be started by `cargo NAME`.
pub fn cargo_plugin(workspace: &Workspace, program: &Path) -> Result<Command> {
    let mut command = workspace.command(program);
    command.env("PROTOC", path(workspace)?);
    Ok(command)
}

/// The compiler of the crate; a copy of it where the original may not be executed.
fn path(workspace: &Workspace) -> Result<PathBuf> {
    let original = protoc_bin_vendored::protoc_bin_path().during("looking for protoc for this platform")?;
    if process::works(Command::new(&original).arg("--version")) {
        return Ok(original);
    }
    let folder = workspace.cache("protoc");
    let copy = folder.join(original.file_name().unwrap_or_else(|| "protoc".as_ref()));
    std::fs::create_dir_all(&folder).during(format_args!("making {}", folder.display()))?;
    std::fs::copy(&original, &copy).during(format_args!("copying {}", original.display()))?;
    make_executable(&copy)?;
    process::run("protoc", Command::new(&copy).arg("--version"))?;
    Ok(copy)
}

#[cfg(unix)]
fn make_executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(file, permissions).during(format_args!("making {} executable", file.display()))
}

#[cfg(not(unix))]
fn make_executable(_file: &Path) -> Result<()> {
    Ok(())
}
