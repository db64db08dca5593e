//! `worldstore fs`: what looks and changes nothing.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use serde_json::json;

use super::desk::{Desk, code_of, errors_of};

/// Three objects in three folders.
pub fn with_objects() -> Desk {
    let desk = Desk::new();
    desk.write("one/a", "first\n");
    desk.write("one/b/c d", "second\n");
    desk.write("one/b/e/f%20.csv", "third\n");
    desk
}

fn names(lines: &[serde_json::Value]) -> Vec<&str> {
    lines.iter().map(|line| line["path"].as_str().unwrap()).collect()
}

#[test]
fn ls_lists_one_level_some_or_all() {
    let desk = with_objects();
    assert_eq!(desk.ok(&["fs", "ls", "one"]), "a\nb/\n");
    assert_eq!(desk.ok(&["fs", "ls", "one/b/"]), "c d\ne/\n");
    assert_eq!(desk.ok(&["fs", "ls", "-r", "one"]), "a\nb/c d\nb/e/f%20.csv\n");
    let uri = format!("file://{}", desk.path("one").display());
    assert_eq!(desk.ok(&["fs", "ls", "--depth", "1", &uri]), "a\nb/c d\n");
    let long = desk.ok(&["fs", "ls", "-l", "one"]);
    assert!(long.lines().next().unwrap().starts_with("             6  20") && long.contains("Z  a\n"), "{long}");
    assert!(long.ends_with("             -  -                     b/\n"), "{long}");
    let lines = desk.lines(&["fs", "ls", "one", "--json"]);
    assert_eq!(lines[1], json!({"kind": "folder", "path": "b"}));
    assert_eq!((&lines[0]["kind"], &lines[0]["bytes"]), (&json!("file"), &json!(6)));
    assert!(lines[0]["modified"].as_str().unwrap().ends_with('Z') && lines[0]["version"].is_string());
    assert_eq!(desk.ok(&["fs", "ls", "memory:"]), "");
}

#[test]
fn tree_draws_what_is_below() {
    let desk = with_objects();
    assert_eq!(desk.ok(&["fs", "tree", "one"]), "one\n├── a\n└── b/\n    ├── c d\n    └── e/\n        └── f%20.csv\n");
    assert_eq!(desk.ok(&["fs", "tree", "one", "--depth", "0"]), "one\n├── a\n└── b/\n");
    assert_eq!(names(&desk.lines(&["fs", "tree", "one", "--json"])), ["a", "b", "b/c d", "b/e", "b/e/f%20.csv"]);
}

#[test]
fn cat_prints_bytes_as_they_are() {
    let desk = Desk::new();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|each| (each % 251) as u8).collect();
    desk.write("some/bytes", &bytes);
    let printed = |range: Option<&str>| {
        let mut args = vec!["fs", "cat", "some/bytes"];
        args.extend(range.iter().flat_map(|range| ["--range", range]));
        let output = desk.run(&args);
        assert_eq!(code_of(&output), 0, "{}", errors_of(&output));
        output.stdout
    };
    assert!(printed(None) == bytes);
    assert_eq!(printed(Some("250..253")), bytes[250..253]);
    assert_eq!(printed(Some("..3")), bytes[..3]);
    assert_eq!(printed(Some("2999990..")), bytes[2_999_990..]);
    assert_eq!(printed(Some("2999990..9999999")), bytes[2_999_990..]);
    assert_eq!(printed(Some("-5")), bytes[2_999_995..]);
    assert_eq!(printed(Some("7..7")), b"");
    assert_eq!(fs::read_dir(desk.path("some")).unwrap().count(), 1, "reading leaves nothing behind");
}

#[test]
fn head_prints_lines_or_bytes() {
    let desk = Desk::new();
    let text: String = (1..=20).map(|number| format!("{number}\n")).collect();
    desk.write("text", &text);
    desk.write("open", "no\nnewline");
    assert_eq!(desk.ok(&["fs", "head", "text"]), "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
    assert_eq!(desk.ok(&["fs", "head", "-n", "2", "text"]), "1\n2\n");
    assert_eq!(desk.ok(&["fs", "head", "-n", "0", "text"]), "");
    assert_eq!(desk.ok(&["fs", "head", "-n", "99", "text"]), text);
    assert_eq!(desk.ok(&["fs", "head", "-c", "3", "text"]), "1\n2");
    assert_eq!(desk.ok(&["fs", "head", "open"]), "no\nnewline");
}

#[test]
fn stat_du_glob_and_ping() {
    let desk = with_objects();
    let stat = desk.lines(&["fs", "stat", "one/b/c d", "--json"]).remove(0);
    assert_eq!((&stat["kind"], &stat["path"], &stat["bytes"]), (&json!("file"), &json!("c d"), &json!(7)));
    assert_eq!((&stat["scheme"], stat["native"].as_str().unwrap().ends_with("/one/b/c d")), (&json!("local"), true));
    assert!(desk.ok(&["fs", "stat", "one/b"]).starts_with("kind      folder\npath      b\n"));
    assert_eq!(desk.lines(&["fs", "stat", ".", "--json"])[0]["kind"], "folder");
    let lines = desk.lines(&["fs", "du", "one", "--depth", "1", "--json"]);
    let whole = json!({"path": ".", "objects": 3, "bytes": 19});
    assert_eq!(lines, [json!({"path": "b", "objects": 2, "bytes": 13}), whole.clone()]);
    assert_eq!(desk.lines(&["fs", "du", "one", "--json"]), [whole]);
    assert_eq!(desk.ok(&["fs", "glob", "one", "**/*.csv"]), "b/e/f%20.csv\n");
    assert_eq!(desk.ok(&["fs", "glob", "one", "b/?*"]), "b/c d\n");
    assert_eq!(desk.ok(&["fs", "glob", "one", "*.none"]), "");
    let ping = desk.lines(&["fs", "ping", "one", "--json"]).remove(0);
    assert_eq!((&ping["uri"], &ping["scheme"], ping["ms"].is_number()), (&json!("one"), &json!("local"), true));
}

#[test]
fn caps_are_declared_and_observed() {
    let desk = with_objects();
    let find = |lines: &[serde_json::Value], name: &str| {
        let line = lines.iter().find(|line| line["ability"] == name).unwrap();
        (line["declared"].as_bool().unwrap(), line["observed"].as_str().map(str::to_owned))
    };
    let declared = desk.lines(&["fs", "caps", "one", "--json"]);
    assert_eq!((find(&declared, "write"), find(&declared, "write_if_match")), ((true, None), (true, None)));
    let before = fs::read_dir(desk.path("one")).unwrap().count();
    let probed = desk.lines(&["fs", "caps", "one", "--probe", "--json"]);
    assert_eq!(find(&probed, "write_if_absent"), (true, Some("works".to_owned())));
    assert_eq!(find(&probed, "write_if_match"), (true, Some("works".to_owned())));
    assert_eq!(find(&probed, "durable"), (true, Some("not probed".to_owned())));
    let after: Vec<_> = fs::read_dir(desk.path("one")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(after.len(), before + 1, "only the staging folder stays: {after:?}");
    let memory = desk.ok(&["fs", "caps", "memory:", "--probe"]);
    assert!(
        memory.ends_with(" cases, none failed\n") && memory.contains("write_if_match     yes       works\n"),
        "{memory}"
    );
}

#[test]
fn schemes_are_listed() {
    let desk = Desk::new();
    let lines = desk.lines(&["fs", "schemes", "--json"]);
    let find = |name: &str| lines.iter().find(|line| line["scheme"] == name).unwrap().clone();
    assert_eq!(find("file")["compiled_in"], json!(true));
    assert_eq!(find("gs")["feature"], json!("gcs"));
    assert_eq!(find("gs")["compiled_in"], json!(cfg!(feature = "gcs")));
    assert!(desk.ok(&["fs", "schemes"]).contains("memory    memory: "));
    for absent in lines.iter().filter(|line| line["compiled_in"] == json!(false)) {
        let feature = format!("not compiled in, build with feature {}", absent["feature"].as_str().unwrap());
        desk.refused(&["fs", "ls", absent["example"].as_str().unwrap()], &[&feature, "known: memory file"]);
    }
}

#[test]
fn what_is_not_there_is_named() {
    let desk = with_objects();
    desk.refused(&["fs", "cat", "one/z"], &["not found", "key: z"]);
    desk.refused(&["fs", "cat", "none/b"], &["not found", "path: none"]);
    desk.refused(&["fs", "cat", "one/"], &["names a folder"]);
    desk.refused(&["fs", "cat", "one/b"], &["key is a folder", "key: b"]);
    desk.refused(&["fs", "head", "one/b"], &["key is a folder", "key: b"]);
    desk.refused(&["fs", "stat", "one/z"], &["not found", "key: z"]);
    desk.refused(&["fs", "ls", "none"], &["not found", "path: none"]);
    desk.refused(&["fs", "ls", "one/a"], &["not a directory", "path: one/a"]);
    for command in ["ls", "tree", "du", "ping", "caps", "stat", "cat"] {
        desk.refused(&["fs", command, "gz://bucket/folder/a"], &["unknown scheme", "scheme: gz", "known: memory file"]);
        desk.refused(&["fs", command, "file://host/folder/a"], &["file:///folder"]);
        desk.refused(&["fs", command, ""], &["the path is empty"]);
        desk.refused(&["fs", command, "memory:name!/a"], &["a store in memory has no name"]);
    }
    desk.refused(&["fs", "cat", "one/a", "--json"], &["print bytes as they are", "fs stat --json"]);
    desk.refused(&["fs", "head", "one/a", "--json"], &["print bytes as they are"]);
    desk.refused(&["fs", "glob", "one", "[a"], &["invalid"]);
}

#[test]
fn wrong_ranges_are_refused() {
    let desk = with_objects();
    for range in ["", "..", "x..y", "1", "1..x", "-", "-x", "+1..2", "1...2", "1..-2", "99999999999999999999.."] {
        desk.refused(&["fs", "cat", "one/a", "--range", range], &["range must be like", "range: "]);
    }
    desk.refused(&["fs", "cat", "one/a", "--range", "7.."], &["range starts past the end", "size: 6"]);
    desk.refused(&["fs", "cat", "one/a", "--range", "5..3"], &["range ends before its start"]);
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let desk = Desk::new();
    desk.write("big", vec![b'x'; 4 << 20]);
    for name in 0..3_000 {
        desk.write(&format!("many/a-rather-long-name-{name}"), "");
    }
    for args in [["fs", "cat", "big"].as_slice(), &["fs", "ls", "-r", "many"], &["fs", "ls", "--json", "many"]] {
        let mut command = desk.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((code_of(&output), errors_of(&output).as_str()), (0, ""), "{args:?}");
    }
}
