//! The archives that go to the registry: how they are made, and what is in them.

mod build;

pub use build::build;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Package;
use toml::{Table, Value};

use super::version::Version;
use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::workspace::Workspace;

/// What may lie in the root of an archive.
const EXPECTED: [&str; 10] = [
    ".cargo_vcs_info.json",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "examples",
    "src",
];

/// What must lie there.
const NEEDED: [&str; 5] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src"];

/// The registry takes ten; nobody should have to download more than this for one crate.
const BYTES_MAX: u64 = 1 << 20;

/// Tables of a manifest that hold dependencies. Those of tests are not here: an archive is built without them.
const DEPENDENCIES: [&str; 2] = ["dependencies", "build-dependencies"];

/// An archive that was unpacked.
pub struct Archive {
    /// The crate.
    pub name: String,
    /// Where it was unpacked to.
    pub folder: PathBuf,
    /// The size of the archive.
    pub bytes: u64,
}

/// Packages the crates of a tree and unpacks each into `folder`, which is made anew.
pub fn package(
    workspace: &Workspace,
    tree: &Path,
    names: &[String],
    version: Version,
    folder: &Path,
) -> Result<Vec<Archive>> {
    let packed = workspace.target().join("package");
    remove_packed(&packed, names, version)?;
    let mut command = workspace.cargo();
    command.current_dir(tree).args(["package", "--quiet", "--no-verify", "--allow-dirty", "--target-dir"]);
    command.arg(workspace.target());
    for name in names {
        command.args(["--package", name]);
    }
    process::run("cargo package", &mut command)?;
    if folder.exists() {
        std::fs::remove_dir_all(folder).during(format_args!("removing {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).during(format_args!("making {}", folder.display()))?;
    let unpack = |name: &String| {
        let archive = packed.join(file_name(name, version));
        let bytes = std::fs::metadata(&archive).during(format_args!("looking at {}", archive.display()))?.len();
        let mut tar = Command::new("tar");
        // Files in archives are as old as cargo itself. With those times, what was built from other contents would pass for
        // newer.
        process::capture("tar", tar.arg("-xmzf").arg(&archive).arg("-C").arg(folder))?;
        Ok(Archive { name: name.clone(), folder: folder.join(format!("{name}-{version}")), bytes })
    };
    names.iter().map(unpack).collect()
}

/// Packages one crate as an upload does, from a tree that is committed, and gives the archive.
pub fn package_one(workspace: &Workspace, tree: &Path, name: &str, version: Version) -> Result<PathBuf> {
    let packed = workspace.target().join("package");
    remove_packed(&packed, &[name.to_owned()], version)?;
    let mut command = workspace.cargo();
    command.current_dir(tree).args(["package", "--quiet", "--no-verify", "--locked", "--package", name]);
    process::run("cargo package", command.arg("--target-dir").arg(workspace.target()))?;
    Ok(packed.join(file_name(name, version)))
}

/// Removes archives of an earlier try: where cargo makes none, they would be taken for new.
fn remove_packed(packed: &Path, names: &[String], version: Version) -> Result<()> {
    for archive in names.iter().map(|name| packed.join(file_name(name, version))).filter(|archive| archive.exists()) {
        std::fs::remove_file(&archive).during(format_args!("removing {}", archive.display()))?;
    }
    Ok(())
}

fn file_name(name: &str, version: Version) -> String {
    format!("{name}-{version}.crate")
}

/// What is wrong with an archive, in words.
pub fn inspect(archive: &Archive, ours: &BTreeSet<String>, version: Version) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(&archive.folder).during(format_args!("listing {}", archive.folder.display()))? {
        let entry = entry.during(format_args!("listing {}", archive.folder.display()))?;
        found.insert(entry.file_name().to_string_lossy().into_owned());
    }
    wrong.extend(NEEDED.iter().filter(|name| !found.contains(**name)).map(|name| format!("{name} is missing")));
    let unexpected = found.iter().filter(|name| !EXPECTED.contains(&name.as_str()));
    wrong.extend(unexpected.map(|name| format!("{name} is in it; `include` in the manifest says what should be")));
    if archive.bytes > BYTES_MAX {
        wrong.push(format!("it has {} KiB, more than {}", archive.bytes >> 10, BYTES_MAX >> 10));
    }
    let manifest = manifest(&archive.folder)?;
    wrong.extend(requirements(&manifest, ours, version));
    Ok(wrong)
}

fn manifest(folder: &Path) -> Result<Table> {
    let path = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).during(format_args!("reading {}", path.display()))?;
    text.parse().during(format_args!("reading {}", path.display()))
}

/// Version and dependencies of a manifest as the registry sees it.
fn requirements(manifest: &Table, ours: &BTreeSet<String>, version: Version) -> Vec<String> {
    let mut wrong = Vec::new();
    let is = manifest.get("package").and_then(|package| package.get("version")).and_then(Value::as_str);
    if is != Some(version.to_string().as_str()) {
        wrong.push(format!("its version is {}, not {version}", is.unwrap_or("missing")));
    }
    for (name, dependency) in DEPENDENCIES.iter().filter_map(|table| manifest.get(*table)?.as_table()).flatten() {
        let value = |key: &str| dependency.get(key).and_then(Value::as_str);
        if value("path").is_some() || value("git").is_some() {
            wrong.push(format!("{name} is not taken from the registry"));
        }
        if ours.contains(name) && value("version").or(dependency.as_str()) != Some(version.to_string().as_str()) {
            wrong.push(format!("{name} is required in another version than {version}"));
        }
    }
    wrong
}

/// The folder of a crate, relative to the root.
pub fn folder_of(workspace: &Workspace, package: &Package) -> PathBuf {
    let folder = package.manifest_path.parent().map(|folder| folder.as_std_path()).unwrap_or(&workspace.root);
    folder.strip_prefix(&workspace.root).unwrap_or(folder).to_owned()
}

/// Refuses archives with findings, after all are told.
pub fn inspect_all(archives: &[Archive], ours: &BTreeSet<String>, version: Version) -> Result<()> {
    let mut count = 0;
    for archive in archives {
        for wrong in inspect(archive, ours, version)? {
            println!("{}: {wrong}", archive.name);
            count += 1;
        }
    }
    let bytes: u64 = archives.iter().map(|archive| archive.bytes).sum();
    println!("{} archives, {} KiB in all", archives.len(), bytes >> 10);
    if count > 0 { Err(Failure::new(format!("the archives have {count} findings"))) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
