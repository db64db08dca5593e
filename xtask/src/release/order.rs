//! In which order crates are published: what one needs is in the registry before it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Package};

use crate::failure::{Failure, Result};
use crate::workspace::Workspace;

/// The crates that are published, by name, each with those of ours that the registry must have before.
pub fn needs(workspace: &Workspace) -> BTreeMap<String, BTreeSet<String>> {
    let packages = workspace.packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let of = |package: &&Package| (package.name.to_string(), needs_of(package, &ours));
    packages.iter().filter(|package| is_published(package)).map(of).collect()
}

/// Whether a crate goes to a registry: an empty list of registries says that it does not.
pub fn is_published(package: &Package) -> bool {
    package.publish.as_ref().is_none_or(|registries| !registries.is_empty())
}

/// Packaging takes dependencies of tests away that have a path and no version, so these need not be there before.
fn needs_of(package: &Package, ours: &BTreeSet<&str>) -> BTreeSet<String> {
    let stays = |dependency: &&cargo_metadata::Dependency| {
        dependency.kind != DependencyKind::Development || !dependency.req.comparators.is_empty()
    };
    let names = package.dependencies.iter().filter(stays).map(|dependency| dependency.name.as_str());
    names.filter(|name| ours.contains(name)).map(str::to_owned).collect()
}

/// The order, by name among those that could be next. A circle, or a need that is not published, is a failure.
pub fn of(needs: &BTreeMap<String, BTreeSet<String>>) -> Result<Vec<String>> {
    for (name, needed) in needs {
        if let Some(missing) = needed.iter().find(|needed| !needs.contains_key(*needed)) {
            return Err(Failure::new(format!("{name} is published and needs {missing}, which is not")));
        }
    }
    let mut order: Vec<String> = Vec::new();
    while order.len() < needs.len() {
        let ready = |(name, needed): &(&String, &BTreeSet<String>)| {
            !order.contains(name) && needed.iter().all(|needed| order.contains(needed))
        };
        match needs.iter().find(ready) {
            Some((name, _)) => order.push(name.clone()),
            None => {
                let left: Vec<&str> = needs.keys().filter(|name| !order.contains(name)).map(String::as_str).collect();
                let left = left.join(", ");
                return Err(Failure::new(format!("none of these can be published before the others: {left}")));
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests;
