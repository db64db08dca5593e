//! Debian packages, unpacked into a folder of ours with all that they depend on and the system lacks. Nothing is
//! installed, and root is not needed: apt and its signatures are used, its state is not changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::workspace::Workspace;

/// Never unpacked: programs of the system would meet a C library that is not the loader's.
const OF_THE_SYSTEM: [&str; 2] = ["libc6_", "libc-bin_"];

/// The folder with the unpacked package. It is made once; what an interruption left is made anew.
pub fn fetch(workspace: &Workspace, package: &str) -> Result<PathBuf> {
    let folder = workspace.cache("debian").join(package);
    let root = folder.join("root");
    let _lock = workspace.lock(&format!("debian-{package}"))?;
    if root.is_dir() {
        return Ok(root);
    }
    if !process::works(Command::new("apt-get").arg("--version")) {
        return Err(Failure::new("packages can be fetched with apt-get only, as on Debian and Ubuntu"));
    }
    eprintln!("fetching the package {package} into {}", folder.display());
    let archives = folder.join("archives");
    renew(&folder)?;
    make(&archives.join("partial"))?;
    download(&folder, package)?;
    let unpacked = folder.join("unpacked");
    make(&unpacked)?;
    for archive in archives_in(&archives)? {
        let mut command = Command::new("dpkg-deb");
        process::capture("dpkg-deb", command.arg("-x").arg(&archive).arg(&unpacked))?;
    }
    for name in ["archives", "lists", "cache"] {
        let used = folder.join(name);
        if used.exists() {
            remove(&used)?;
        }
    }
    // The last step: a folder of this name is complete.
    std::fs::rename(&unpacked, &root).during(format_args!("making {}", root.display()))?;
    Ok(root)
}

/// With the lists of packages that the system has; where those are missing or too old, with fresh ones of our own.
fn download(folder: &Path, package: &str) -> Result<()> {
    let archives = directory("Dir::Cache::archives", &folder.join("archives"));
    let install = ["install", "--yes", "--no-install-recommends", "--download-only", package];
    let mut options = vec![archives];
    if process::works(apt(&options).args(install)) {
        return Ok(());
    }
    let (lists, cache) = (folder.join("lists"), folder.join("cache"));
    make(&lists.join("partial"))?;
    make(&cache)?;
    options.insert(0, directory("Dir::Cache", &cache));
    options.push(directory("Dir::State::lists", &lists));
    process::capture("apt-get update", apt(&options).arg("update"))?;
    process::capture("apt-get", apt(&options).args(install)).map(drop)
}

/// No lock of the system is taken and no other user switched to: all that is written is ours.
fn apt(options: &[String]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["--quiet", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"]);
    for option in options {
        command.args(["-o", option]);
    }
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    command
}

/// A setting of apt that names a folder.
fn directory(setting: &str, folder: &Path) -> String {
    format!("{setting}={}/", folder.display())
}

fn archives_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let attempt = format!("listing {}", folder.display());
    let mut archives = Vec::new();
    for entry in std::fs::read_dir(folder).during(&attempt)? {
        let path = entry.during(&attempt)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_wanted(&name) {
            archives.push(path);
        }
    }
    archives.sort();
    Ok(archives)
}

fn is_wanted(name: &str) -> bool {
    name.ends_with(".deb") && !OF_THE_SYSTEM.iter().any(|prefix| name.starts_with(prefix))
}

/// An empty folder, whatever was there before.
fn renew(folder: &Path) -> Result<()> {
    if folder.exists() {
        remove(folder)?;
    }
    make(folder)
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).during(format_args!("making {}", folder.display()))
}

fn remove(folder: &Path) -> Result<()> {
    std::fs::remove_dir_all(folder).during(format_args!("removing {}", folder.display()))
}

#[cfg(test)]
mod tests;
