//! `worldstore fs cp`.

use std::fs;

use serde_json::json;
use worldstore::core::transfer::Crc32c;

use super::desk::Desk;
use super::fs::with_objects;

#[test]
fn cp_copies_and_does_not_overwrite() {
    let desk = Desk::new();
    desk.write("one/a", "first");
    assert_eq!(desk.ok(&["fs", "cp", "one/a", "two/b"]), "copied 5 bytes to two/b\n");
    assert_eq!(fs::read_to_string(desk.path("two/b")).unwrap(), "first");
    desk.write("one/a", "second");
    desk.refused(&["fs", "cp", "one/a", "two/b"], &["already exists", "key: b"]);
    desk.ok(&["fs", "cp", "one/a", "two/b", "--force"]);
    assert_eq!(fs::read_to_string(desk.path("two/b")).unwrap(), "second");
    assert_eq!(desk.ok(&["fs", "cp", "one/a", "two/"]), "copied 6 bytes to two/\n");
    assert_eq!(fs::read_to_string(desk.path("two/a")).unwrap(), "second");
    desk.ok(&["fs", "cp", "two/b", "."]);
    assert_eq!(fs::read_to_string(desk.path("b")).unwrap(), "second");
    let report = desk.lines(&["fs", "cp", "one/a", "one/c", "--json"]);
    assert_eq!(report, [json!({"objects": 1, "bytes": 6, "resumed_from": 0})]);
}

#[test]
fn cp_copies_folders() {
    let desk = with_objects();
    assert_eq!(desk.ok(&["fs", "cp", "-r", "one", "two"]), "copied 3 objects, 19 bytes, to two\n");
    assert_eq!(desk.ok(&["fs", "ls", "-r", "two"]), "a\nb/c d\nb/e/f%20.csv\n");
    assert_eq!(fs::read_to_string(desk.path("two/b/e/f%20.csv")).unwrap(), "third\n");
    desk.refused(&["fs", "cp", "-r", "one", "two"], &["already exists"]);
    desk.ok(&["fs", "cp", "-r", "one", "two", "--force"]);
    assert_eq!(desk.ok(&["fs", "cp", "-r", "one/a", "three/a"]), "copied 6 bytes to three/a\n");
}

#[test]
fn wrong_copies_are_refused() {
    let desk = with_objects();
    desk.refused(&["fs", "cp", "one/z", "new/b"], &["not found", "key: z"]);
    desk.refused(&["fs", "cp", "one/b", "new/b"], &["key is a folder"]);
    desk.refused(&["fs", "cp", "one/", "new/b"], &["names a folder"]);
    desk.refused(&["fs", "cp", "-r", "none", "new"], &["not found"]);
    desk.refused(&["fs", "cp", "-r", "one", "one/b/new"], &["the target lies in the source"]);
    desk.refused(&["fs", "cp", "-r", "one", "./one/../one"], &["the target lies in the source"]);
    desk.ok(&["fs", "cp", "one/a", "one/y"]);
    desk.refused(&["fs", "cp", "one/a", "one/a", "--force"], &["the same object"]);
    desk.refused(&["fs", "cp", "one/a", "gz://bucket/a"], &["unknown scheme"]);
    fs::create_dir(desk.path("empty")).unwrap();
    desk.refused(&["fs", "cp", "-r", "empty", "new"], &["the source holds no object", "source: empty"]);
    std::os::unix::fs::symlink(desk.path("one"), desk.path("link")).unwrap();
    desk.refused(&["fs", "cp", "-r", "one", "link/new"], &["the target lies in the source"]);
}

/// Leaves what a copy that was killed leaves: a part of these bytes, of which `noted` are known to be on the disk.
fn part(desk: &Desk, noted: u64, content: &str) {
    let stat = desk.lines(&["fs", "stat", "one/a", "--json"]).remove(0);
    let mut sum = Crc32c::new();
    sum.update(&content.as_bytes()[..content.len().min(noted as usize)]);
    let (size, version) = (&stat["bytes"], stat["version"].as_str().unwrap());
    let pin = format!("worldstore-pin 1\n{size}\n{noted}\n{sum}\n{version}");
    desk.write("two/a.worldstore-pin", pin);
    desk.write("two/a.worldstore-part", content);
}

fn files(desk: &Desk) -> Vec<String> {
    let names = fs::read_dir(desk.path("two")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != ".worldstore-staging").collect();
    names.sort();
    names
}

#[test]
fn a_copy_goes_on_where_it_was_cut_short() {
    let desk = Desk::new();
    desk.write("one/a", "0123456789");
    part(&desk, 4, "abcdef");
    let said = desk.ok(&["fs", "cp", "--resume", "one/a", "two/a"]);
    assert_eq!(said, "copied 10 bytes to two/a, the first 4 of them before\n");
    assert_eq!(fs::read_to_string(desk.path("two/a")).unwrap(), "abcd456789", "what was not noted is not trusted");
    assert_eq!(files(&desk), ["a"], "nothing else stays");
    desk.refused(&["fs", "cp", "--resume", "one/a", "two/a"], &["already exists", "two/a"]);
    part(&desk, 10, "abcdefghij");
    let report = desk.lines(&["fs", "cp", "--resume", "--force", "one/a", "two/a", "--json"]);
    assert_eq!(report, [json!({"objects": 1, "bytes": 10, "resumed_from": 10})]);
    assert_eq!(fs::read_to_string(desk.path("two/a")).unwrap(), "abcdefghij");
}

#[test]
fn a_copy_of_another_state_begins_anew() {
    let desk = Desk::new();
    desk.write("one/a", "0123456789");
    part(&desk, 4, "abcd");
    desk.write("one/a", "9876543210");
    assert_eq!(desk.ok(&["fs", "cp", "--resume", "one/a", "two/a"]), "copied 10 bytes to two/a\n");
    assert_eq!(fs::read_to_string(desk.path("two/a")).unwrap(), "9876543210");
    for (noted, content) in [(4, "abc"), (99, "abcdefghijklmnop")] {
        part(&desk, noted, content);
        desk.ok(&["fs", "cp", "--resume", "--force", "one/a", "two/a"]);
        assert_eq!(fs::read_to_string(desk.path("two/a")).unwrap(), "9876543210", "{noted} of {content}");
    }
    part(&desk, 4, "abcd");
    desk.write("two/a.worldstore-pin", "{");
    desk.ok(&["fs", "cp", "--resume", "--force", "one/a", "two/a"]);
    assert_eq!(files(&desk), ["a"]);
    desk.refused(&["fs", "cp", "--resume", "one/a", "memory:!/a"], &["only a copy to a file of this machine"]);
}
