//! `cargo xtask features`: what builds only because a neighbour turned something on is found here, and what features
//! bring is counted.

mod seconds;
mod sets;
mod table;

use cargo_metadata::Package;

pub use seconds::as_compiler;
pub use sets::{FILE, all as sets};

use crate::failure::Result;
use crate::release::order::is_published;
use crate::workspace::Workspace;
use crate::{process, protoc};

/// What is checked, or made.
#[derive(clap::Args)]
pub struct Options {
    /// Only these crates.
    #[arg(long, short, value_name = "NAME")]
    package: Vec<String>,
    /// Every two features of the facade as well, beside crates that keep what lies below the same for all of them.
    #[arg(long)]
    pairs: bool,
    /// Checks nothing; counts the packages that sets of features bring, and writes them into `src/docs/features.md`.
    #[arg(long, conflicts_with = "pairs")]
    table: bool,
    /// With `--table`: builds all crates with all features as a release, and writes down what the packages of each set take
    /// to compile. Of what was built by it before, only what has changed is built.
    #[arg(long, requires = "table")]
    times: bool,
    /// With `--table`: builds the programs of the sets of these crates, and writes down their sizes. Without a name, those
    /// of all crates, which takes hours.
    #[arg(long, requires = "table", value_name = "NAME", num_args = 0..)]
    programs: Option<Vec<String>>,
}

/// Whose features are tried in pairs: those that put all together.
const FACADE: &str = "worldstore";
/// The feature that names the others.
const FULL: &str = "full";

/// Does what the command line asks for.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.table {
        let wanted = table::Wanted { times: options.times, programs: options.programs.as_deref() };
        return table::write(workspace, &wanted);
    }
    let wanted =
        |package: &Package| options.package.is_empty() || options.package.iter().any(|name| **name == *package.name);
    check(workspace, wanted)?;
    for package in workspace.packages().into_iter().filter(|package| *package.name == *FACADE && wanted(package)) {
        // All clouds together build what lies below anew: too long for every run of the tests.
        clippy(workspace, &package.name, &told(FULL), FULL)?;
        for features in pairs(package).iter().filter(|_| options.pairs) {
            clippy(workspace, &package.name, &sets::beside(&package.name, features.split(',')), features)?;
        }
    }
    Ok(())
}

/// Checks each published crate without any feature, and with each one alone; warnings are denied.
pub fn each_alone(workspace: &Workspace) -> Result<()> {
    check(workspace, |_| true)
}

fn check(workspace: &Workspace, wanted: impl Fn(&Package) -> bool) -> Result<()> {
    // Features of crates that are not published are measurements with all that they bring.
    let published = workspace.packages().into_iter().filter(|package| is_published(package) && wanted(package));
    for package in published {
        for features in alone(package) {
            clippy(workspace, &package.name, &told(&features), &features)?;
        }
    }
    Ok(())
}

/// Features, as cargo is told.
fn told(features: &str) -> Vec<String> {
    ["--no-default-features", "--features", features].map(str::to_owned).to_vec()
}

/// Tests and examples are left out, or their dependencies would turn features on behind our back.
fn clippy(workspace: &Workspace, name: &str, arguments: &[String], features: &str) -> Result<()> {
    println!("{name} with {}", if features.is_empty() { "no feature" } else { features });
    let mut command = protoc::cargo(workspace)?;
    command.args(["clippy", "--quiet", "--package", name]).args(arguments);
    process::run("clippy", command.args(["--", "-D", "warnings"]))
}

/// What to turn on, one after the other: nothing, then each feature.
fn alone(package: &Package) -> Vec<String> {
    std::iter::once("").chain(named(package)).map(str::to_owned).collect()
}

/// Every two features, but those where one brings the other.
fn pairs(package: &Package) -> Vec<String> {
    let names: Vec<&str> = named(package).collect();
    let brings =
        |one: &str, other: &str| package.features.get(one).is_some_and(|all| all.iter().any(|name| name == other));
    let mut pairs = Vec::new();
    for (number, one) in names.iter().enumerate() {
        let others = names.iter().skip(number + 1).filter(|other| !brings(one, other) && !brings(other, one));
        pairs.extend(others.map(|other| format!("{one},{other}")));
    }
    pairs
}

/// The features that add something: not those that only name others for convenience.
fn named(package: &Package) -> impl Iterator<Item = &str> {
    package.features.keys().map(String::as_str).filter(|name| !matches!(*name, "default" | FULL))
}

#[cfg(test)]
mod tests;
