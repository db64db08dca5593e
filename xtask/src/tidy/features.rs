//! A comment above every feature: what it brings, and for whom.

use super::finding::Finding;
use super::source::{Source, Sources};

/// Finds features without a comment. `default` only names others and needs none.
pub fn check(sources: &Sources) -> Vec<Finding> {
    let is_manifest = |file: &&Source| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml");
    sources.files.iter().filter(is_manifest).flat_map(check_manifest).collect()
}

fn check_manifest(manifest: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut inside, mut above) = (false, "");
    for (number, line) in manifest.text.lines().map(str::trim).enumerate() {
        if line.starts_with('[') {
            inside = line == "[features]";
        } else if let Some(name) = feature(line).filter(|name| inside && *name != "default")
            && !above.starts_with('#')
        {
            let message = format!("no comment above feature {name}: what it brings, and for whom");
            findings.push(Finding::new("features", &manifest.path, number + 1, message));
        }
        above = line;
    }
    findings
}

/// The name, where a line begins a feature; the later lines of a long list do not.
fn feature(line: &str) -> Option<&str> {
    let (name, list) = line.split_once('=')?;
    (list.trim_start().starts_with('[') && !line.starts_with('#')).then(|| name.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests;
