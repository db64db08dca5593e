//! Every feature on its own: what builds only because a neighbour turned something on is found here.

use cargo_metadata::Package;

use crate::failure::Result;
use crate::workspace::Workspace;
use crate::{process, protoc};

/// Checks each published crate that has features without any, and with each one alone; warnings are denied.
///
/// Tests and examples are left out, or their dependencies would turn features on behind our back.
pub fn run(workspace: &Workspace) -> Result<()> {
    // An empty list of registries: it is not published. Features of those are measurements with all that they bring.
    let published =
        workspace.packages().into_iter().filter(|package| package.publish.as_ref().is_none_or(|to| !to.is_empty()));
    for package in published {
        for features in alone(package) {
            println!("{} with {}", package.name, if features.is_empty() { "no feature" } else { &features });
            let mut command = protoc::cargo(workspace)?;
            command.args(["clippy", "--quiet", "-p", &package.name, "--no-default-features", "--features", &features]);
            command.args(["--", "-D", "warnings"]);
            process::run("clippy", &mut command)?;
        }
    }
    Ok(())
}

/// What to turn on, one after the other: nothing, then each feature. Nothing at all for a crate without features.
fn alone(package: &Package) -> Vec<String> {
    let named = package.features.keys().filter(|name| *name != "default").cloned();
    let mut features: Vec<String> = named.collect();
    if !features.is_empty() {
        features.insert(0, String::new());
    }
    features
}
