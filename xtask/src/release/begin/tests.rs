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

#[test]
fn a_tag_is_published_whose_state_is_lost() {
    let (folder, elsewhere) = (repository(), tempfile::tempdir().unwrap());
    let root = folder.path();
    let state = State::new(elsewhere.path(), root);
    let mut workspace = Workspace::find().unwrap();
    workspace.root = root.to_owned();
    let version = current(&workspace).unwrap();
    git::tag(root, version, "").unwrap();
    let publish = Options { level: None, publish: Some(version), ..options() };
    let progress = begun(&workspace, &publish, &state).unwrap();
    assert_eq!((progress.to, progress.done), (version.to_string(), vec![TAGGED.to_owned()]));

    std::fs::write(root.join("a.txt"), "two").unwrap();
    assert!(begun(&workspace, &publish, &state).unwrap_err().to_string().contains("commit them first"));
    git(root, &["commit", "--all", "--message", "later"]);
    let failure = begun(&workspace, &publish, &state).unwrap_err();
    assert!(failure.to_string().contains(&format!("`git checkout v{version}`")), "{failure}");
}

#[test]
fn what_is_published_in_part_is_not_forgotten() {
    let folder = repository();
    let root = folder.path();
    let tagged = after(root, &["commit", TAGGED]);
    let part = Progress { published: vec!["a".to_owned()], ..tagged.clone() };
    let whole = Progress { done: vec![TAGGED.to_owned(), PUBLISHED.to_owned()], ..part.clone() };
    let publish = |version| Options { level: None, publish: Some(version), ..options() };
    let over = [&tagged, &part, &whole]
        .map(|begun| [options(), publish(NEW), publish(Version(0, 2, 0))].map(|options| is_over(begun, &options)));
    assert_eq!(over, [[true, false, false], [false, false, false], [true, false, true]]);

    resumed(root, &publish(NEW), part.clone()).unwrap();
    let failure = resumed(root, &options(), part).unwrap_err().to_string();
    assert!(failure.contains("published in part, 1 crates") && failure.contains("--publish 0.1.1"), "{failure}");
}
