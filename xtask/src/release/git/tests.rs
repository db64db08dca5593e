//! A repository of its own, with releases.

use super::*;

/// What git says in a folder.
pub fn git(root: &Path, arguments: &[&str]) -> String {
    ask(root, arguments).unwrap()
}

/// With one commit of one file.
pub fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    ask(root, &["init", "--quiet"]).unwrap();
    ask(root, &["config", "user.name", "Somebody"]).unwrap();
    ask(root, &["config", "user.email", "somebody@example.org"]).unwrap();
    std::fs::write(root.join("a.txt"), "one").unwrap();
    ask(root, &["add", "."]).unwrap();
    ask(root, &["commit", "--quiet", "--message", "begin"]).unwrap();
    folder
}

#[test]
fn what_changed_is_committed_and_tagged_once() {
    let folder = repository();
    let root = folder.path();
    let begin = head(root).unwrap();
    assert_eq!((changed(root).unwrap().len(), last_release(root).unwrap()), (0, None));

    std::fs::write(root.join("a.txt"), "two").unwrap();
    assert_eq!(changed(root).unwrap(), ["a.txt"]);
    for _ in 0..2 {
        commit(root, Version(0, 9, 0)).unwrap();
        tag(root, Version(0, 9, 0), "### Added\n\n- Two.").unwrap();
    }
    let released = head(root).unwrap();
    assert_ne!(begin, released);
    assert_eq!(ask(root, &["rev-list", "--count", "HEAD"]).unwrap().trim(), "2");
    assert!(ask(root, &["tag", "--list", "--format=%(contents)", "v0.9.0"]).unwrap().contains("### Added"));

    tag(root, Version(0, 10, 0), "").unwrap();
    ask(root, &["tag", "vacation"]).unwrap();
    assert_eq!(last_release(root).unwrap(), Some(Version(0, 10, 0)));
    assert!(is_tagged(root, Version(0, 9, 0)).unwrap() && !is_tagged(root, Version(0, 1, 0)).unwrap());
}

#[test]
fn a_tag_stays_where_it_is() {
    let folder = repository();
    let root = folder.path();
    tag(root, Version(0, 9, 0), "").unwrap();
    std::fs::write(root.join("a.txt"), "two").unwrap();
    commit(root, Version(0, 9, 0)).unwrap();
    assert!(!is_tagged_here(root, Version(0, 9, 0)).unwrap());
    assert!(tag(root, Version(0, 9, 0), "").unwrap_err().to_string().contains("already exists"));
}

#[test]
fn a_release_is_written_beside_without_touching_the_tree() {
    let folder = repository();
    let root = folder.path();
    tag(root, Version(0, 1, 0), "").unwrap();
    std::fs::write(root.join("a.txt"), "two").unwrap();
    let beside = tempfile::tempdir().unwrap();
    let last = beside.path().join("last");
    std::fs::create_dir(&last).unwrap();
    export(root, "v0.1.0", &last).unwrap();
    assert_eq!(std::fs::read_to_string(last.join("a.txt")).unwrap(), "one");
    assert_eq!(changed(root).unwrap(), ["a.txt"]);
}
