//! `worldstore fs sync`.

#[cfg(target_os = "linux")]
use std::ffi::OsStr;
use std::fs::{self, File};
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;
#[cfg(target_os = "linux")]
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::desk::{code_of, errors_of, text_of};
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
    let done = |dry_run: bool| json!({"kind": "done", "copied": 2, "deleted": 1, "unchanged": 1, "bytes": 25, "dry_run": dry_run});
    for (mut lines, dry_run) in [(would, true), (did, false)] {
        assert_eq!(lines.pop(), Some(done(dry_run)));
        lines.sort_by_key(|line| line["path"].to_string());
        assert_eq!(
            lines,
            [
                json!({"kind": "copy", "path": "a", "bytes": 18}),
                json!({"kind": "copy", "path": "b/c d", "bytes": 7}),
                json!({"kind": "delete", "path": "extra", "bytes": 5}),
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

#[test]
fn links_are_named_and_what_is_in_their_place_stays() {
    let desk = with_objects();
    desk.ok(&["fs", "sync", "one", "two"]);
    desk.write("two/extra", "goes");
    // What was a file and a folder is elsewhere now, with a link in its place.
    for (name, elsewhere) in [("one/a", "a"), ("one/b", "b")] {
        fs::rename(desk.path(name), desk.path(elsewhere)).unwrap();
        std::os::unix::fs::symlink(desk.path(elsewhere), desk.path(name)).unwrap();
    }
    desk.write("one/new", "new");
    for dry_run in [true, false] {
        let more: &[&str] = if dry_run { &["--dry-run"] } else { &[] };
        let output = desk.run(&[&["fs", "sync", "one", "two", "--delete"], more].concat());
        assert_eq!(code_of(&output), 0, "{}", errors_of(&output));
        let notes = "note: the link a is not followed, and left out\nnote: the link b is not followed, and left out\n";
        assert_eq!(errors_of(&output), notes);
        assert!(text_of(&output).contains("copied 1 (3 bytes), deleted 1, left 0"), "{}", text_of(&output));
    }
    assert_eq!(desk.ok(&["fs", "ls", "-r", "two"]), "a\nb/c d\nb/e/f%20.csv\nnew\n");
    let output = desk.run(&["fs", "cp", "-r", "one", "three"]);
    assert_eq!(code_of(&output), 0);
    assert!(errors_of(&output).contains("the link b"), "{}", errors_of(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_keys_and_pipes_are_named() {
    let desk = with_objects();
    desk.write("one/tab\tname", "left out");
    desk.write("one/b/tab\tfolder/a", "left out");
    fs::write(desk.path("one").join(OsStr::from_bytes(b"not\xffutf8")), "left out").unwrap();
    assert!(Command::new("mkfifo").arg(desk.path("one/pipe")).status().unwrap().success());
    desk.write("two/pipe", "stays");
    let notes = "note: the name \"b/tab\\tfolder\" is no key, and left out\n\
                 note: the name \"not\\xFFutf8\" is no key, and left out\n\
                 note: pipe is no file, and left out\n\
                 note: the name \"tab\\tname\" is no key, and left out\n";
    for args in [["sync", "one", "two", "--delete"].as_slice(), &["cp", "-r", "one", "three"]] {
        let output = desk.run(&[&["fs"], args].concat());
        assert_eq!((code_of(&output), errors_of(&output).as_str()), (0, notes), "{args:?}");
    }
    assert_eq!(desk.ok(&["fs", "ls", "-r", "two"]), "a\nb/c d\nb/e/f%20.csv\npipe\n");
    assert_eq!(desk.ok(&["fs", "ls", "-r", "three"]), "a\nb/c d\nb/e/f%20.csv\n");
    for number in 0..10 {
        desk.write(&format!("one/tab\t{number}"), "left out");
    }
    let output = desk.run(&["fs", "cp", "-r", "one", "four"]);
    assert!(errors_of(&output).ends_with("note: 4 more are left out\n"), "{}", errors_of(&output));
}
