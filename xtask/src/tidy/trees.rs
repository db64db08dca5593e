//! What a crate must not bring, however deep in its dependencies, and how many packages the kernel may bring.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::source::Member;
use crate::failure::Result;
use crate::process;
use crate::workspace::Workspace;

/// A crate and the families that stay out of everything below it, with all its features on. A family is a package and
/// those whose names begin with it and a dash.
const ABSENT: &[(&str, &[&str])] = &[
    ("worldstore-core", &["tokio", "futures", "datafusion", "lance", "iceberg"]),
    ("worldstore-cypher", &["arrow", "tokio", "datafusion", "lance", "iceberg"]),
    ("worldstore-async", &["datafusion", "lance", "iceberg"]),
    ("worldstore-archetype", &["tokio", "datafusion", "lance", "iceberg", "worldstore-async"]),
    ("worldstore-cache", &["datafusion", "lance", "iceberg", "worldstore-graph"]),
    ("worldstore-lance", &["iceberg", "worldstore-cache", "worldstore-graph"]),
    ("worldstore-iceberg", &["lance", "worldstore-cache", "worldstore-graph"]),
    ("worldstore-dataset", &["datafusion", "lance", "iceberg", "worldstore-cache", "worldstore-graph"]),
    ("worldstore-datafusion", &["lance", "iceberg", "worldstore-cache", "worldstore-graph"]),
    ("worldstore-graph", &["lance", "iceberg", "worldstore-cache"]),
    ("xtask", &["worldstore"]),
];

/// The same for every crate in `adapters`.
const ABSENT_FROM_ADAPTERS: &[&str] = &["datafusion", "lance", "iceberg", "worldstore-cache", "worldstore-graph"];

/// The kernel, with itself, stays below this number of packages as it comes.
const SMALL: (&str, usize) = ("worldstore-core", 10);

/// Asks `cargo tree` about every crate.
pub fn check(workspace: &Workspace, members: &[Member]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in members {
        let families = absent(member);
        if !families.is_empty() {
            findings.extend(check_absent(member, families, &tree(workspace, &member.name, &["--all-features"])?));
        }
        if member.name == SMALL.0 {
            findings.extend(check_small(member, &tree(workspace, &member.name, &[])?));
        }
    }
    Ok(findings)
}

fn absent(member: &Member) -> &'static [&'static str] {
    if member.folder.starts_with("adapters/") {
        return ABSENT_FROM_ADAPTERS;
    }
    ABSENT.iter().find(|(name, _)| *name == member.name).map_or(&[], |(_, families)| families)
}

/// The packages below a crate that its users build, itself included, as `name v1.2.3`.
fn tree(workspace: &Workspace, name: &str, options: &[&str]) -> Result<BTreeSet<String>> {
    let mut command = workspace.cargo();
    command.args(["tree", "-p", name, "--edges", "normal", "--prefix", "none", "--format", "{p}"]).args(options);
    let lines = process::capture("cargo tree", &mut command)?;
    let packages = lines.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
    Ok(packages.filter(|package| !package.is_empty()).collect())
}

fn check_absent(member: &Member, families: &[&str], tree: &BTreeSet<String>) -> Vec<Finding> {
    let name_of = |package: &str| package.split(' ').next().unwrap_or_default().to_owned();
    let of_family = |family: &str| {
        let name = tree.iter().map(|package| name_of(package)).find(|name| {
            name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                && *name != member.name
        })?;
        let message = format!("{} brings {name}; `cargo tree -p {} -i {name}` shows how", member.name, member.name);
        Some(Finding::new("trees", member.manifest(), 0, message))
    };
    families.iter().filter_map(|family| of_family(family)).collect()
}

fn check_small(member: &Member, tree: &BTreeSet<String>) -> Option<Finding> {
    let names = tree.iter().cloned().collect::<Vec<_>>().join(", ");
    let message =
        format!("{} with its dependencies is {} packages, wanted below {}: {names}", member.name, tree.len(), SMALL.1);
    (tree.len() >= SMALL.1).then(|| Finding::new("trees", member.manifest(), 0, message))
}

#[cfg(test)]
mod tests;
