//! What each crate shows to others, as lines of text: compared with the last release, a person reads what changed.
//!
//! It is read from the sources, so it takes seconds, needs no nightly compiler and covers all features at once. It does not
//! look through macros and globs of other crates; whether a change breaks somebody is what `cargo semver-checks` decides.

mod items;

use std::collections::BTreeSet;
use std::path::Path;

use crate::failure::{Context, Result};

/// The lines of one crate, from the Rust files below its `src` folder. None if there is no such folder.
pub fn listing(name: &str, source: &Path) -> Result<BTreeSet<String>> {
    let mut files = Vec::new();
    if source.is_dir() {
        read(source, &mut Vec::new(), &mut files)?;
    }
    items::lines(&name.replace('-', "_"), &files)
}

/// A file, with the module that it is.
pub struct File {
    /// The names from the root of the crate to the module.
    pub module: Vec<String>,
    /// What is in it.
    pub text: String,
}

/// Collects the modules of a folder. Programs and tests are no modules that others see.
fn read(folder: &Path, module: &mut Vec<String>, files: &mut Vec<File>) -> Result<()> {
    for entry in std::fs::read_dir(folder).during(format_args!("listing {}", folder.display()))? {
        let path = entry.during(format_args!("listing {}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !(module.is_empty() && name == "bin") {
                module.push(name);
                read(&path, module, files)?;
                module.pop();
            }
            continue;
        }
        let Some(stem) = name.strip_suffix(".rs").filter(|stem| !matches!(*stem, "tests" | "main")) else { continue };
        let text = std::fs::read_to_string(&path).during(format_args!("reading {}", path.display()))?;
        let mut module = module.clone();
        if !matches!(stem, "lib" | "mod") {
            module.push(stem.to_owned());
        }
        files.push(File { module, text });
    }
    Ok(())
}

/// Lines that went, with `-`, and lines that came, with `+`, in their order.
pub fn difference(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Vec<String> {
    let all: BTreeSet<&String> = old.symmetric_difference(new).collect();
    all.into_iter().map(|line| format!("{}{line}", if old.contains(line) { '-' } else { '+' })).collect()
}

#[cfg(test)]
mod tests;
