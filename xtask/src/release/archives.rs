//! The archives that go to the registry: what is in them, and that each builds from nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Package;
use toml::{Table, Value};

use super::version::Version;
use crate::failure::{Context, Failure, Result};
use crate::workspace::Workspace;
use crate::{process, protoc, test};

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

/// What takes a quarter of an hour to build.
const HEAVY: [&str; 4] = ["datafusion", "iceberg", "lance", "sqlx"];

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
        let full = format!("{name}-{version}");
        let archive = workspace.target().join("package").join(format!("{full}.crate"));
        let bytes = std::fs::metadata(&archive).during(format_args!("looking at {}", archive.display()))?.len();
        let mut tar = Command::new("tar");
        process::capture("tar", tar.arg("-xzf").arg(&archive).arg("-C").arg(folder))?;
        Ok(Archive { name: name.clone(), folder: folder.join(full), bytes })
    };
    names.iter().map(unpack).collect()
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

/// Checks archives with the compiler: each is built from what is in it and from those of the others, without dependencies
/// of tests. All of them with the features that the tests have, or those alone that do not bring [`HEAVY`] packages, as
/// they come.
///
/// They are put into a workspace of their own, with the profiles and the lock file of the tree, so that dependencies that
/// were built before are not built again.
pub fn build(workspace: &Workspace, tree: &Path, archives: &[Archive], folder: &Path, all: bool) -> Result<()> {
    let root = std::fs::read_to_string(tree.join("Cargo.toml")).during("reading the root manifest")?;
    let root: Table = root.parse().during("reading the root manifest")?;
    let mut built: Vec<&Archive> = Vec::new();
    let mut heavy: BTreeSet<&str> = HEAVY.into();
    // In the order of publication: what a crate brings of ours was looked at before it.
    for archive in archives {
        let mut manifest = manifest(&archive.folder)?;
        manifest.remove("dev-dependencies");
        write(&archive.folder.join("Cargo.toml"), &manifest)?;
        match !all && brings(&manifest).iter().any(|name| heavy.contains(name.as_str())) {
            true => drop(heavy.insert(&archive.name)),
            false => built.push(archive),
        }
    }
    write(&folder.join("Cargo.toml"), &around(archives, &built, root.get("profile")))?;
    let lock = folder.join("Cargo.lock");
    std::fs::copy(tree.join("Cargo.lock"), &lock).during(format_args!("writing {}", lock.display()))?;
    let mut command = protoc::cargo(workspace)?;
    command.current_dir(folder).args(["check", "--quiet", "--target-dir"]).arg(workspace.target());
    match all {
        true => command.args(test::EVERYTHING),
        false => command.arg("--workspace"),
    };
    process::run("building the archives", &mut command)?;
    println!("{} of {} archives build from what is in them", built.len(), archives.len());
    Ok(())
}

/// What a crate brings as it comes: dependencies that are not optional, and the names of what is on by default.
fn brings(manifest: &Table) -> Vec<String> {
    let dependencies = manifest.get("dependencies").and_then(Value::as_table).into_iter().flatten();
    let optional = |dependency: &Value| dependency.get("optional").and_then(Value::as_bool) == Some(true);
    let always = dependencies.filter(|(_, dependency)| !optional(dependency)).map(|(name, _)| name.clone());
    let default = manifest.get("features").and_then(|features| features.get("default")).and_then(Value::as_array);
    let default = default.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    always.chain(default).collect()
}

/// The manifest of a workspace around archives: what one requires of ours is the archive, not what a registry has.
fn around(archives: &[Archive], built: &[&Archive], profiles: Option<&Value>) -> Table {
    let folder = |archive: &Archive| archive.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let members = built.iter().map(|archive| Value::from(folder(archive))).collect();
    let patch = archives.iter().map(|archive| {
        (archive.name.clone(), Value::Table(Table::from_iter([("path".to_owned(), Value::from(folder(archive)))])))
    });
    let patch = Table::from_iter([("crates-io".to_owned(), Value::Table(patch.collect()))]);
    let workspace = [("members".to_owned(), Value::Array(members)), ("resolver".to_owned(), Value::from("3"))];
    let mut manifest = Table::new();
    manifest.insert("workspace".to_owned(), Value::Table(Table::from_iter(workspace)));
    manifest.insert("patch".to_owned(), Value::Table(patch));
    manifest.extend(profiles.map(|profiles| ("profile".to_owned(), profiles.clone())));
    manifest
}

fn write(path: &Path, manifest: &Table) -> Result<()> {
    let text = toml::to_string(manifest).during(format_args!("writing {}", path.display()))?;
    std::fs::write(path, text).during(format_args!("writing {}", path.display()))
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
