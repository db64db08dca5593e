//! Trees that are what is tagged, and trees that are not.

use super::*;
use crate::release::git::tests::{git, repository};

const VERSION: Version = Version(0, 2, 0);

/// A crate of this version, committed.
fn with_version(version: &str) -> tempfile::TempDir {
    let folder = repository();
    let manifest = format!("[package]\nname = \"a\"\nversion = \"{version}\"\n");
    std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "--message", "a crate"]);
    folder
}

fn refusal(root: &Path) -> String {
    ensure_tagged(root, &["Cargo.toml".to_owned()], VERSION).unwrap_err().to_string()
}

#[test]
fn the_commit_of_the_tag_alone_is_uploaded() {
    let folder = with_version("0.2.0");
    let root = folder.path();
    assert!(refusal(root).contains("`git checkout v0.2.0`"));
    git::tag(root, VERSION, "").unwrap();
    ensure_tagged(root, &["Cargo.toml".to_owned()], VERSION).unwrap();

    std::fs::write(root.join("b.txt"), "new").unwrap();
    assert!(refusal(root).contains("1 files differ from the last commit, as b.txt"));
    git(root, &["add", "."]);
    git(root, &["commit", "--message", "later"]);
    assert!(refusal(root).contains("the last commit is not v0.2.0"));
}

#[test]
fn a_commit_of_another_version_is_neither_tagged_nor_uploaded() {
    let folder = with_version("0.1.0");
    let root = folder.path();
    let failure = ensure_committed(root, &["Cargo.toml".to_owned()], VERSION).unwrap_err();
    assert!(failure.to_string().contains("has the version 0.1.0, not 0.2.0"), "{failure}");
    git::tag(root, VERSION, "").unwrap();
    assert!(refusal(root).contains("has the version 0.1.0, not 0.2.0"));
}
