//! Archives checked with the compiler: each is built from what is in it and from those of the others alone.
//!
//! They are put into a workspace of their own, without what their tests need. Cargo builds a dependency anew for every set of
//! features, and tests turn features on: without them DataFusion and Lance would be built for half an hour, for this alone.
//! Therefore packages without a line of code lie beside the archives, and need what the tests need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{Dependency, DependencyKind, Package};
use toml::{Table, Value};

use super::{Archive, manifest};
use crate::failure::{Context, Result};
use crate::release::order;
use crate::workspace::Workspace;
use crate::{process, protoc, test};

/// Where the packages without code lie, beside the archives.
const BESIDE: &str = "beside";

/// Builds archives that were unpacked into `folder`, with the features, profiles and versions that the tests of the tree have.
pub fn build(workspace: &Workspace, tree: &Path, archives: &[Archive], folder: &Path) -> Result<()> {
    for archive in archives {
        let mut manifest = manifest(&archive.folder)?;
        manifest.remove("dev-dependencies");
        write(&archive.folder.join("Cargo.toml"), &manifest)?;
    }
    let beside = write_beside(&workspace.packages(), archives, folder)?;
    let root = std::fs::read_to_string(tree.join("Cargo.toml")).during("reading the root manifest")?;
    let root: Table = root.parse().during("reading the root manifest")?;
    write(&folder.join("Cargo.toml"), &around(archives, &beside, root.get("profile")))?;
    let lock = folder.join("Cargo.lock");
    std::fs::copy(tree.join("Cargo.lock"), &lock).during(format_args!("writing {}", lock.display()))?;
    tell_what_differs(workspace, folder)?;
    let mut command = protoc::cargo(workspace)?;
    command.current_dir(folder).args(["check", "--quiet", "--target-dir"]).arg(workspace.target());
    process::run("building the archives", command.args(test::EVERYTHING))?;
    println!("{} archives build from what is in them", archives.len());
    Ok(())
}

/// The packages without code: one for what the tests of a crate need, one for what a crate needs that is not published.
fn write_beside(packages: &[&Package], archives: &[Archive], folder: &Path) -> Result<Vec<String>> {
    let mut members = Vec::new();
    for package in packages {
        let kinds: &[DependencyKind] = match order::is_published(package) {
            true => &[DependencyKind::Development],
            false => &[DependencyKind::Development, DependencyKind::Normal],
        };
        for kind in kinds {
            let needed: Vec<&Dependency> =
                package.dependencies.iter().filter(|needed| needed.kind == *kind && !needed.optional).collect();
            if needed.is_empty() {
                continue;
            }
            let name = match kind {
                DependencyKind::Development => format!("tests-of-{}", package.name),
                _ => format!("needs-of-{}", package.name),
            };
            let member = format!("{BESIDE}/{name}");
            let source = folder.join(&member).join("src");
            std::fs::create_dir_all(&source).during(format_args!("making {}", source.display()))?;
            std::fs::write(source.join("lib.rs"), "").during(format_args!("writing into {}", source.display()))?;
            write(&folder.join(&member).join("Cargo.toml"), &without_code(&name, &needed, archives))?;
            members.push(member);
        }
    }
    Ok(members)
}

/// The manifest of a package without code.
fn without_code(name: &str, needed: &[&Dependency], archives: &[Archive]) -> Table {
    let mut everywhere = Table::new();
    let mut somewhere: BTreeMap<String, Table> = BTreeMap::new();
    for dependency in needed {
        let requirements = match &dependency.target {
            None => &mut everywhere,
            Some(target) => somewhere.entry(target.to_string()).or_default(),
        };
        let called = dependency.rename.as_ref().unwrap_or(&dependency.name);
        requirements.insert(called.clone(), requirement(dependency, archives).into());
    }
    let dependencies = |requirements: Table| Table::from_iter([("dependencies".to_owned(), requirements.into())]);
    let targets: Table =
        somewhere.into_iter().map(|(target, requirements)| (target, dependencies(requirements).into())).collect();
    let package = [("name", name), ("version", "0.0.0"), ("edition", "2024")];
    let package: Table = package.map(|(key, value)| (key.to_owned(), value.into())).into_iter().collect();
    let mut manifest = dependencies(everywhere);
    manifest.insert("package".to_owned(), package.into());
    manifest.insert("target".to_owned(), targets.into());
    manifest
}

/// What a manifest says of a dependency: of ours, that it is the archive.
fn requirement(dependency: &Dependency, archives: &[Archive]) -> Table {
    let mut requirement = Table::new();
    match archives.iter().find(|archive| archive.name == dependency.name) {
        Some(archive) => requirement.insert("path".to_owned(), format!("../../{}", folder_name(archive)).into()),
        None => requirement.insert("version".to_owned(), dependency.req.to_string().into()),
    };
    if dependency.rename.is_some() {
        requirement.insert("package".to_owned(), dependency.name.clone().into());
    }
    requirement.insert("default-features".to_owned(), dependency.uses_default_features.into());
    requirement.insert("features".to_owned(), dependency.features.clone().into());
    requirement
}

/// The manifest of a workspace around archives: what one requires of ours is the archive, not what a registry has.
fn around(archives: &[Archive], beside: &[String], profiles: Option<&Value>) -> Table {
    let members = archives.iter().map(folder_name).chain(beside.iter().cloned()).map(Value::from).collect();
    let patch = archives.iter().map(|archive| {
        (archive.name.clone(), Value::Table(Table::from_iter([("path".to_owned(), Value::from(folder_name(archive)))])))
    });
    let patch = Table::from_iter([("crates-io".to_owned(), Value::Table(patch.collect()))]);
    let workspace = [("members".to_owned(), Value::Array(members)), ("resolver".to_owned(), Value::from("3"))];
    let mut manifest = Table::new();
    manifest.insert("workspace".to_owned(), Value::Table(Table::from_iter(workspace)));
    manifest.insert("patch".to_owned(), Value::Table(patch));
    manifest.extend(profiles.map(|profiles| ("profile".to_owned(), profiles.clone())));
    manifest
}

fn folder_name(archive: &Archive) -> String {
    archive.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn write(path: &Path, manifest: &Table) -> Result<()> {
    let text = toml::to_string(manifest).during(format_args!("writing {}", path.display()))?;
    std::fs::write(path, text).during(format_args!("writing {}", path.display()))
}

/// Tells dependencies that are not the ones that the tests were built with. Nothing is wrong with them; it takes long.
fn tell_what_differs(workspace: &Workspace, folder: &Path) -> Result<()> {
    let (there, here) = (dependencies(workspace, folder)?, dependencies(workspace, &workspace.root)?);
    for dependency in there.difference(&here) {
        println!("built for this alone, as the tests have it otherwise: {dependency}");
    }
    Ok(())
}

/// The foreign packages below a workspace, each with version and features.
fn dependencies(workspace: &Workspace, folder: &Path) -> Result<BTreeSet<String>> {
    let mut command = workspace.cargo();
    command.current_dir(folder).args([
        "tree",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p} {f}",
    ]);
    let lines = process::capture("cargo tree", command.args(test::EVERYTHING))?;
    // Ours come with the folder that they lie in.
    let foreign = lines.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.contains(" (/"));
    Ok(foreign.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests;
