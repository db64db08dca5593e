//! What leaves this machine is what was committed and tagged: the tree is that, and nothing else.

use std::path::Path;

use toml::Table;

use super::version::Version;
use super::{git, manifests};
use crate::failure::{Context, Failure, Result};

/// Refuses a tree that is not the commit of a version's tag. `manifests` are those of the crates that are published.
pub fn ensure_tagged(root: &Path, manifests: &[String], version: Version) -> Result<()> {
    ensure_here(root, version)?;
    ensure_committed(root, manifests, version)
}

/// Refuses a last commit that is not the one of a version's tag.
pub fn ensure_here(root: &Path, version: Version) -> Result<()> {
    if git::is_tagged_here(root, version)? {
        return Ok(());
    }
    let tag = version.tag();
    Err(Failure::new(format!("the last commit is not {tag}: `git checkout {tag}`, then repeat the command")))
}

/// Refuses a tree that differs from the last commit, and a commit whose manifests have another version.
pub fn ensure_committed(root: &Path, manifests: &[String], version: Version) -> Result<()> {
    let changed = git::changed(root)?;
    if let Some(first) = changed.first() {
        let message =
            format!("{} files differ from the last commit, as {first}: undo or stash them first", changed.len());
        return Err(Failure::new(message));
    }
    let table = |file: &str| -> Result<Table> {
        git::committed(root, file)?.parse().during(format_args!("reading {file} of the last commit"))
    };
    let above = table("Cargo.toml")?;
    for manifest in manifests {
        let is = manifests::version(&table(manifest)?, &above);
        if is != Some(version.to_string()) {
            let is = is.unwrap_or_else(|| "missing".to_owned());
            let message = format!(
                "{manifest} of the last commit has the version {is}, not {version}: undo what the release changed, then --restart"
            );
            return Err(Failure::new(message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
