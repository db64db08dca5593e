//! Whether what changed in public APIs fits the new version: cargo-semver-checks decides.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

use super::{Release, git};
use crate::failure::{Context, Result};
use crate::tools::{self, Missing};
use crate::{process, protoc};

/// Compares each crate with what the listing of APIs has written of the last release. A crate that was not there has
/// nothing to be compared with.
pub fn check(release: &Release, missing: Missing) -> Result<()> {
    let Some(before) = git::last_release(&release.workspace.root)? else {
        println!("no release yet: nothing that a change could break");
        return Ok(());
    };
    let last = release.folder.join("last");
    let mut known = BTreeSet::new();
    names(&last, &mut known)?;
    let (old, new): (Vec<&String>, Vec<&String>) = release.order.iter().partition(|name| known.contains(*name));
    new.iter().for_each(|name| println!("{name} is new: nothing that a change could break"));
    if old.is_empty() {
        return Ok(());
    }
    let Some(program) = missing.or_skip(tools::from_crates(tools::SEMVER_CHECKS, release.workspace))? else {
        return Ok(());
    };
    let mut command = protoc::cargo_plugin(release.workspace, &program)?;
    command.arg("semver-checks").arg("--manifest-path").arg(release.tree.join("Cargo.toml"));
    command.arg("--baseline-root").arg(&last);
    for name in old {
        command.args(["--package", name]);
    }
    println!("compared with {before}");
    process::run("cargo semver-checks", &mut command)
}

/// The packages below a folder: a crate that moved to another folder is not new.
fn names(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).during(format_args!("listing {}", folder.display()))? {
        let path = entry.during(format_args!("listing {}", folder.display()))?.path();
        if path.is_dir() {
            names(&path, found)?;
        } else if path.ends_with("Cargo.toml") {
            let text = std::fs::read_to_string(&path).during(format_args!("reading {}", path.display()))?;
            let manifest: Table = text.parse().during(format_args!("reading {}", path.display()))?;
            let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
            found.extend(name.map(str::to_owned));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
