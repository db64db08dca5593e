//! One version for all crates, wherever it is written: manifests, requirements among ours, lock files, pages.

use std::path::Path;

use toml::Table;

use super::version::Version;
use crate::failure::{Context, Result};

/// Writes the new version into the files of a tree, relative to its root, and gives those that changed.
pub fn set(root: &Path, files: &[String], members: &[String], old: Version, new: Version) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    for file in files {
        let name = file.rsplit('/').next().unwrap_or_default();
        let path = root.join(file);
        let read = || std::fs::read_to_string(&path).during(format_args!("reading {file}"));
        let (before, after) = match name {
            "Cargo.toml" => {
                let text = read()?;
                let after = manifest(&text, old, new);
                (text, after)
            }
            "Cargo.lock" => {
                let text = read()?;
                let after = lock(&text, members, old, new);
                (text, after)
            }
            // The changelog tells of what was.
            name if name.ends_with(".md") && name != "CHANGELOG.md" => {
                let text = read()?;
                let after = page(&text, old, new);
                (text, after)
            }
            _ => continue,
        };
        if before != after {
            std::fs::write(&path, after).during(format_args!("writing {file}"))?;
            changed.push(file.clone());
        }
    }
    Ok(changed)
}

/// The version of a package; where its manifest leaves that to the workspace, the one of the root manifest.
pub fn version(manifest: &Table, root: &Table) -> Option<String> {
    let own = manifest.get("package")?.get("version")?;
    let version = match own.as_str() {
        Some(version) => version,
        None => root.get("workspace")?.get("package")?.get("version")?.as_str()?,
    };
    Some(version.to_owned())
}

/// A manifest: the version of a package, and of dependencies that have a path as well.
fn manifest(text: &str, old: Version, new: Version) -> String {
    let (wanted, written) = (format!("version = \"{old}\""), format!("version = \"{new}\""));
    let mut of_package = false;
    by_line(text, |line| {
        if line.starts_with('[') {
            of_package = matches!(line.trim_end(), "[package]" | "[workspace.package]");
        }
        let ours = (of_package && line.starts_with("version")) || line.contains("path = \"");
        if ours { line.replace(&wanted, &written) } else { line.to_owned() }
    })
}

/// A lock file: the entries of our crates, which have no source.
fn lock(text: &str, members: &[String], old: Version, new: Version) -> String {
    let blocks = text.split("\n\n").map(|block| {
        let ours = members.iter().any(|member| block.contains(&format!("\nname = \"{member}\"\n")));
        match ours && !block.contains("\nsource = ") {
            true => block.replace(&format!("\nversion = \"{old}\""), &format!("\nversion = \"{new}\"")),
            false => block.to_owned(),
        }
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

/// A page: what its lines for a reader's manifest require of us.
fn page(text: &str, old: Version, new: Version) -> String {
    let (wanted, written) = (format!("\"{}\"", old.requirement()), format!("\"{}\"", new.requirement()));
    by_line(text, |line| match line.starts_with("worldstore") && line.contains('=') {
        true => line.replace(&wanted, &written),
        false => line.to_owned(),
    })
}

fn by_line(text: &str, change: impl FnMut(&str) -> String) -> String {
    text.split('\n').map(change).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
