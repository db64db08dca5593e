//! Python environments with pinned packages, made once below the target folder and reused.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::workspace::Workspace;

/// The oldest Python that the pinned packages install on.
const OLDEST: (u32, u32) = (3, 11);

/// Gives the interpreter of an environment that holds what the list `requirements` names, and makes it if need be.
///
/// The list is kept beside the environment once everything is installed: another list, or an installation that was
/// interrupted, makes it anew. `pip` gets `options` in front of the list.
pub fn environment(workspace: &Workspace, name: &str, requirements: &str, options: &[&str]) -> Result<PathBuf> {
    environment_since(OLDEST, workspace, name, requirements, options)
}

/// As [`environment`], with packages that ask for a newer Python.
pub fn environment_since(
    oldest: (u32, u32),
    workspace: &Workspace,
    name: &str,
    requirements: &str,
    options: &[&str],
) -> Result<PathBuf> {
    let _lock = workspace.lock(&format!("python-{name}"))?;
    let folder = workspace.cache(name);
    let python = interpreter(&folder);
    let installed = folder.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|list| list == requirements) && works(&python) {
        return Ok(python);
    }
    let found = find(oldest)?;
    eprintln!("making a Python environment in {}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).during(format_args!("removing {}", folder.display()))?;
    }
    process::run("venv", Command::new(found).args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(options);
    pip.args(requirements.lines());
    process::run("pip (it needs https://pypi.org)", &mut pip)?;
    std::fs::write(&installed, requirements).during(format_args!("writing {}", installed.display()))?;
    Ok(python)
}

/// The names that a Python may have, the usual ones first.
const NAMES: [&str; 5] = ["python3", "python", "python3.14", "python3.13", "python3.12"];

/// Finds a Python that is new enough.
fn find(oldest: (u32, u32)) -> Result<&'static str> {
    let (major, minor) = oldest;
    let probe = format!("import sys, venv, ensurepip; sys.exit(sys.version_info < ({major}, {minor}))");
    NAMES.into_iter().find(|name| process::works(Command::new(name).args(["-c", &probe]))).ok_or_else(|| {
        Failure::new(format!(
            "no Python {major}.{minor} or later with venv and pip: install it from python.org or your system"
        ))
    })
}

fn works(python: &Path) -> bool {
    process::works(Command::new(python).arg("--version"))
}

fn interpreter(environment: &Path) -> PathBuf {
    match cfg!(windows) {
        true => environment.join("Scripts").join("python.exe"),
        false => environment.join("bin").join("python"),
    }
}
