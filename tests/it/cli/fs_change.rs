//! `worldstore fs mv` and `rm`.

use std::fs;

use serde_json::json;

use super::fs::with_objects;

#[test]
fn mv_moves_objects_and_folders() {
    let desk = with_objects();
    assert_eq!(desk.ok(&["fs", "mv", "one/a", "one/z"]), "moved 1 object, 6 bytes, to one/z\n");
    assert_eq!(desk.ok(&["fs", "mv", "one/z", "two/"]), "moved 1 object, 6 bytes, to two/\n");
    assert_eq!(fs::read_to_string(desk.path("two/z")).unwrap(), "first\n");
    assert!(!desk.path("one/z").exists() && !desk.path("one/a").exists());
    let report = desk.lines(&["fs", "mv", "-r", "one", "three", "--json"]);
    assert_eq!(report, [json!({"objects": 2, "bytes": 13})]);
    assert_eq!(desk.ok(&["fs", "ls", "-r", "three"]), "b/c d\nb/e/f%20.csv\n");
    assert_eq!(desk.ok(&["fs", "ls", "-r", "one"]), "");
    desk.ok(&["fs", "mv", "-r", "three/b", "four/five/b"]);
    assert_eq!(desk.ok(&["fs", "ls", "-r", "four"]), "five/b/c d\nfive/b/e/f%20.csv\n");
}

#[test]
fn wrong_moves_are_refused() {
    let desk = with_objects();
    desk.write("two/a", "other");
    desk.ok(&["fs", "cp", "one/a", "one/y"]);
    desk.refused(&["fs", "mv", "one/a", "one/y"], &["already exists", "key: y"]);
    desk.ok(&["fs", "cp", "one/a", "two/y"]);
    desk.refused(&["fs", "mv", "one/a", "two/a"], &["already exists", "key: a"]);
    desk.refused(&["fs", "mv", "one/z", "new/z"], &["not found", "key: z"]);
    desk.refused(&["fs", "mv", "one/b", "new"], &["key is a folder"]);
    desk.refused(&["fs", "mv", "one/a", "one/a", "--force"], &["the same object"]);
    desk.refused(&["fs", "mv", "-r", "one", "one/b"], &["the target lies in the source"]);
    desk.refused(&["fs", "mv", "-r", ".", "new"], &["the root of a store is not moved"]);
    desk.refused(&["fs", "mv", "-r", "none", "new"], &["not found"]);
    desk.ok(&["fs", "mv", "one/a", "two/a", "--force"]);
    assert_eq!(fs::read_to_string(desk.path("two/a")).unwrap(), "first\n");
}

#[test]
fn rm_removes_objects_and_folders() {
    let desk = with_objects();
    assert_eq!(desk.ok(&["fs", "rm", "one/a"]), "deleted 1 object\n");
    desk.refused(&["fs", "rm", "one/a"], &["not found", "key: a"]);
    assert_eq!(desk.ok(&["fs", "rm", "one/a", "--missing-ok"]), "deleted 0 objects\n");
    assert_eq!(desk.ok(&["fs", "rm", "none/a", "--missing-ok"]), "deleted 0 objects\n");
    desk.refused(&["fs", "rm", "one/b"], &["key is a folder", "key: b"]);
    desk.refused(&["fs", "rm", "one/b", "--missing-ok"], &["key is a folder", "key: b"]);
    desk.refused(&["fs", "rm", "one/b/"], &["names a folder, add --recursive"]);
    assert_eq!(desk.lines(&["fs", "rm", "-r", "one/b/", "--json"]), [json!({"deleted": 2})]);
    desk.refused(&["fs", "rm", "-r", "one/b"], &["no such folder", "key: b"]);
    assert_eq!(desk.ok(&["fs", "rm", "-r", "one/b", "--missing-ok"]), "deleted 0 objects\n");
}

#[test]
fn roots_are_not_removed() {
    let desk = with_objects();
    desk.write("worldstore.toml", "[profile.here]\nuri = 'one'\n");
    for uri in ["/", "file:///", ".", "./", "one/.", "one/b/..", "memory:", "profile:here", "profile:here/"] {
        desk.refused(&["fs", "rm", "-r", uri], &["the root of a store is not removed"]);
        desk.refused(&["fs", "rm", uri, "--missing-ok"], &["the root of a store is not removed"]);
    }
    for uri in ["profile:here//", "profile:here///", "profile:here//b", "profile:here/b//"] {
        desk.refused(&["fs", "rm", "-r", uri], &["a name in the path below a profile is empty"]);
        desk.refused(&["fs", "mv", "-r", uri, "elsewhere"], &["a name in the path below a profile is empty"]);
    }
    for uri in ["profile:here/.", "profile:here/./", "profile:here/b/.."] {
        desk.refused(&["fs", "rm", "-r", uri], &["the root of a store is not removed"]);
    }
    assert_eq!(desk.ok(&["fs", "rm", "-r", "profile:here/b"]), "deleted 2 objects\n");
}
