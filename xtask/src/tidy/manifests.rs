//! Every crate takes part in the workspace's lints, says what it is, and has a README. One that is published can be used alone:
//! its README says how, its docs have all features, and its archive holds what belongs there.

use super::finding::Finding;
use super::source::{Member, Sources};

/// How a crate is used, in its README.
const HEADINGS: [&str; 2] = ["## Through the facade", "## On its own"];

/// Files that an archive has to hold.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

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
    if value("package", "publish").and_then(toml::Value::as_bool) != Some(false) {
        findings.extend(alone(member, &manifest, sources).iter().map(|message| finding(message)));
    }
    findings
}

/// What a published crate lacks for those who use it alone.
fn alone(member: &Member, manifest: &toml::Table, sources: &Sources) -> Vec<String> {
    let mut missing = Vec::new();
    let docs = ["package", "metadata", "docs", "rs", "all-features"];
    if !is_true(manifest, &docs) {
        missing.push("no `[package.metadata.docs.rs] all-features = true`".to_owned());
    }
    if !is_true(manifest, &["package", "include", "workspace"]) {
        missing.push("no `include.workspace = true`: tests and data would be published".to_owned());
    }
    for licence in LICENCES {
        let path = member.file(licence);
        if !sources.paths.contains(&path) {
            missing.push(format!("no {path}, a link to that of the root"));
        }
    }
    // The README of the facade is about the whole, and a derive macro is no crate to be used alone.
    if member.folder.is_empty() || member.folder.ends_with("/derive") {
        return missing;
    }
    let readme = member.file("README.md");
    let text = sources.files.iter().find(|file| file.path == readme).map_or("", |file| file.text.as_str());
    let lacks = HEADINGS.iter().filter(|heading| !text.lines().any(|line| line == **heading));
    missing.extend(lacks.map(|heading| format!("{readme} has no `{heading}`")));
    missing
}

fn is_true(manifest: &toml::Table, path: &[&str]) -> bool {
    let (first, rest) = path.split_first().unwrap_or((&"", &[]));
    let value = manifest.get(*first);
    rest.iter().try_fold(value, |value, key| Some(value?.get(key))).flatten().and_then(toml::Value::as_bool)
        == Some(true)
}

#[cfg(test)]
mod tests;
