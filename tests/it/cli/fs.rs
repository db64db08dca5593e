//! `worldstore fs`.

use std::fs;

use super::desk::{Desk, code_of};

#[test]
fn ls_lists_one_level_or_all() {
    let desk = Desk::with_world();
    let level = desk.ok(&["fs", "ls", "world"]);
    for name in ["runs/", "tables/", "world.json"] {
        assert!(level.contains(&format!(" {name} ")), "{level}");
    }
    assert!(!level.contains("main.json") && level.ends_with("3 rows\n"), "{level}");
    let uri = format!("file://{}", desk.path("world").display());
    let all = desk.ok(&["fs", "ls", "-r", &uri]);
    assert!(all.contains(" runs/main.json "), "{all}");
    let bytes = std::fs::metadata(desk.path("world/runs/main.json")).unwrap().len();
    let rows = desk.json(&["fs", "ls", "world/runs"]);
    assert_eq!(rows, [serde_json::json!({"name": "main.json", "bytes": bytes})]);
    let folder = desk.ok(&["fs", "ls", "world/runs"]);
    assert!(folder.contains(" main.json ") && folder.ends_with("1 row\n"), "{folder}");
}

#[test]
fn cat_prints_bytes_as_they_are() {
    let desk = Desk::new();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|each| (each % 251) as u8).collect();
    desk.write("some/bytes", &bytes);
    let output = desk.run(&["fs", "cat", "some/bytes"]);
    assert_eq!(code_of(&output), 0);
    assert!(output.stdout == bytes);
    assert_eq!(fs::read_dir(desk.path("some")).unwrap().count(), 1, "reading leaves nothing behind");
}

#[test]
fn cp_copies_and_does_not_overwrite() {
    let desk = Desk::new();
    desk.write("one/a", "first");
    assert_eq!(desk.ok(&["fs", "cp", "one/a", "two/b"]), "copied 5 bytes to two/b\n");
    assert_eq!(fs::read_to_string(desk.path("two/b")).unwrap(), "first");
    desk.write("one/a", "second");
    desk.refused(&["fs", "cp", "one/a", "two/b"], &["already exists", "key: b"]);
    desk.ok(&["fs", "cp", "one/a", "two/b", "--overwrite"]);
    assert_eq!(fs::read_to_string(desk.path("two/b")).unwrap(), "second");
}

#[test]
fn what_is_not_there_is_named() {
    let desk = Desk::new();
    desk.write("one/a", "first");
    desk.refused(&["fs", "cat", "one/b"], &["not found", "key: b"]);
    desk.refused(&["fs", "cat", "none/b"], &["not found", "path: none"]);
    desk.refused(&["fs", "cat", "one/"], &["names a folder"]);
    desk.refused(&["fs", "ls", "none"], &["not found", "path: none"]);
    desk.refused(&["fs", "cp", "one/b", "new/b"], &["not found", "key: b"]);
    desk.refused(&["fs", "ls", "gs://bucket/folder"], &["unknown scheme", "scheme: gs"]);
    desk.refused(&["fs", "cat", "file://host/folder/a"], &["file:///folder"]);
}
