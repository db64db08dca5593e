//! `worldstore fs sync`.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::fs::with_objects;

#[test]
fn sync_copies_what_is_missing_or_changed() {
    let desk = with_objects();
    let said = desk.ok(&["fs", "sync", "one", "two"]);
    assert!(said.ends_with("copied 3 (19 bytes), deleted 0, left 0\n"), "{said}");
    assert_eq!(desk.ok(&["fs", "sync", "one", "two"]), "copied 0 (0 bytes), deleted 0, left 3\n");
    desk.write("one/a", "longer than first\n");
    desk.write("one/b/c d", "SECOND\n");
    let later = SystemTime::now() + Duration::from_secs(5);
    File::options().write(true).open(desk.path("one/b/c d")).unwrap().set_modified(later).unwrap();
    desk.write("two/extra", "stays");
    let before = desk.listing();
    let would = desk.lines(&["fs", "sync", "one", "two", "--dry-run", "--delete", "--json"]);
    assert_eq!(desk.listing(), before, "a dry run does nothing");
    let did = desk.lines(&["fs", "sync", "one", "two", "--delete", "--json"]);
    let done = |dry_run: bool| json!({"action": "done", "copied": 2, "deleted": 1, "unchanged": 1, "bytes": 25, "dry_run": dry_run});
    for (mut lines, dry_run) in [(would, true), (did, false)] {
        assert_eq!(lines.pop(), Some(done(dry_run)));
        lines.sort_by_key(|line| line["path"].to_string());
        assert_eq!(
            lines,
            [
                json!({"action": "copy", "path": "a", "bytes": 18}),
                json!({"action": "copy", "path": "b/c d", "bytes": 7}),
                json!({"action": "delete", "path": "extra", "bytes": 5}),
            ]
        );
    }
    assert_eq!(fs::read_to_string(desk.path("two/a")).unwrap(), "longer than first\n");
    assert_eq!(fs::read_to_string(desk.path("two/b/c d")).unwrap(), "SECOND\n");
    assert!(!desk.path("two/extra").exists());
}

#[test]
fn sync_compares_as_asked() {
    let desk = with_objects();
    desk.ok(&["fs", "sync", "one", "two"]);
    desk.write("two/a", "fIrSt\n");
    let unchanged = |by: &str| {
        let mut lines = desk.lines(&["fs", "sync", "one", "two", "--dry-run", "--json", "--compare", by]);
        lines.pop().unwrap()["unchanged"].as_u64().unwrap()
    };
    assert_eq!(["size", "time", "content"].map(unchanged), [3, 3, 2]);
    desk.ok(&["fs", "sync", "one", "two", "--compare", "content"]);
    assert_eq!(fs::read_to_string(desk.path("two/a")).unwrap(), "first\n");
}

#[test]
fn sync_keeps_what_it_should() {
    let desk = with_objects();
    desk.write("two/extra", "stays");
    desk.ok(&["fs", "sync", "one", "two"]);
    assert_eq!(fs::read_to_string(desk.path("two/extra")).unwrap(), "stays");
    let said = desk.ok(&["fs", "sync", "one", "new", "--dry-run"]);
    assert!(said.ends_with("would have copied 3 (19 bytes), deleted 0, left 0\n") && !desk.path("new").exists());
    desk.refused(&["fs", "sync", "one", "one/b"], &["the target lies in the source"]);
    desk.refused(&["fs", "sync", "one/b", "one"], &["the target lies in the source"]);
    desk.refused(&["fs", "sync", "one", "./one/"], &["the target lies in the source"]);
    desk.refused(&["fs", "sync", "none", "two"], &["not found", "path: none"]);
    fs::create_dir(desk.path("empty")).unwrap();
    desk.refused(&["fs", "sync", "empty", "two", "--delete"], &["the source holds no object", "source: empty"]);
    desk.refused(&["fs", "sync", "memory:", "two", "--delete"], &["the source holds no object"]);
}
