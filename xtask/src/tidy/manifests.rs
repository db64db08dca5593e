//! Every crate takes part in the workspace's lints, says what it is, and has a README.

use super::finding::Finding;
use super::source::{Member, Sources};

/// Finds crates where one of these is missing.
pub fn check(members: &[Member], sources: &Sources) -> Vec<Finding> {
    members.iter().flat_map(|member| check_member(member, sources)).collect()
}

fn check_member(member: &Member, sources: &Sources) -> Vec<Finding> {
    let path = member.manifest();
    let finding = |message: &str| Finding::new("manifests", &path, 0, message);
    let Some(manifest) = sources.files.iter().find(|file| file.path == path) else {
        return vec![finding("the manifest is not in the repository")];
    };
    let Ok(manifest) = manifest.text.parse::<toml::Table>() else {
        return vec![finding("the manifest is not TOML")];
    };
    let value = |table: &str, key: &str| manifest.get(table).and_then(|table| table.get(key));
    let mut findings = Vec::new();
    if value("lints", "workspace").and_then(toml::Value::as_bool) != Some(true) {
        findings.push(finding("no `[lints] workspace = true`"));
    }
    if value("package", "description").and_then(toml::Value::as_str).is_none_or(str::is_empty) {
        findings.push(finding("no `description`"));
    }
    let readme = member.file("README.md");
    if !sources.paths.contains(&readme) {
        findings.push(finding(&format!("no {readme}")));
    }
    findings
}

#[cfg(test)]
mod tests;
