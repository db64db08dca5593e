//! Releases that were begun, in a repository of its own.

use super::*;
use crate::release::git::tests::{git, repository};

const NEW: Version = Version(0, 1, 1);

fn options() -> Options {
    Options { dry_run: false, ..Options::rehearsal() }
}

/// A release of the last commit, with these steps behind it.
fn after(root: &Path, steps: &[&str]) -> Progress {
    Progress {
        from: "0.1.0".to_owned(),
        to: NEW.to_string(),
        commit: git::head(root).unwrap(),
        date: "2026-11-21".to_owned(),
        tree: String::new(),
        done: steps.iter().map(|step| (*step).to_owned()).collect(),
        published: Vec::new(),
    }
}

#[test]
fn a_release_with_a_commit_and_no_tag_goes_on() {
    let folder = repository();
    let root = folder.path();
    let mut progress = after(root, &["archives"]);
    std::fs::write(root.join("a.txt"), "two").unwrap();
    git::commit(root, NEW).unwrap();
    progress.done.push("commit".to_owned());
    git(root, &["config", "tag.gpgSign", "true"]);
    git(root, &["config", "gpg.program", "false"]);
    git::tag(root, NEW, "").unwrap_err();

    git(root, &["config", "tag.gpgSign", "false"]);
    resumed(root, &options(), progress).unwrap();
    git::tag(root, NEW, "").unwrap();
    assert!(git::is_tagged_here(root, NEW).unwrap());
}

#[test]
fn commits_in_between_are_refused() {
    let folder = repository();
    let root = folder.path();
    let progress = after(root, &["tests"]);
    for text in ["two", "three"] {
        std::fs::write(root.join("a.txt"), text).unwrap();
        git(root, &["commit", "--all", "--message", text]);
    }
    let failure = resumed(root, &options(), progress).unwrap_err();
    assert!(failure.to_string().contains("there are commits since"), "{failure}");
}
