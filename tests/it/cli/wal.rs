//! `worldstore wal`: sound logs, torn ones and damaged ones, in files and as objects.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use expect_test::expect;
use serde_json::{Value, json};
use worldstore::core::vfs::OsVfs;
use worldstore::core::wal::{RecordKind, Wal, WalOptions};
use worldstore::core::{Backend, Local, Prefix};

use super::desk::{Desk, code_of, errors_of};

/// Bytes of a segment's header, and of the frame of one of the records below.
const HEADER: usize = 64;
const FRAME: usize = 40;

/// A log in files: nine records of two writers.
fn with_files() -> Desk {
    let desk = Desk::new();
    let vfs = OsVfs::open(desk.path("")).unwrap();
    for range in [1..=5, 6..=9] {
        let (wal, _) = Wal::open(&vfs, "log", WalOptions::new()).unwrap();
        append(&wal, range);
    }
    desk
}

/// The same as objects in a folder.
fn with_objects() -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("log")).unwrap();
    for range in [1..=5, 6..=9] {
        let backend: Arc<dyn Backend> = Arc::new(Local::open(desk.path("log")).unwrap());
        let (wal, _) = Wal::open_objects(backend, Prefix::root(), WalOptions::new()).unwrap();
        append(&wal, range);
    }
    desk
}

fn append(wal: &Wal, range: std::ops::RangeInclusive<u64>) {
    for seq in range {
        wal.append_durable(RecordKind::new(7).unwrap(), format!("record{seq}")).unwrap();
    }
    wal.close().unwrap();
}

/// The files of the log whose names end so, in order.
fn parts(desk: &Desk, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(desk.path("log")).unwrap().map(|entry| entry.unwrap().path());
    let mut parts: Vec<_> =
        entries.filter(|path| path.is_file() && path.display().to_string().ends_with(ending)).collect();
    parts.sort();
    parts
}

fn flip(path: &PathBuf, position: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[position] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// What is different each time, made the same.
fn steady(text: &str) -> String {
    let words = text.split_inclusive(' ').map(|word| match word.trim_end_matches([' ', ',']).len() {
        32 if word.bytes().take(32).all(|byte| byte.is_ascii_hexdigit()) => "ID, ",
        _ => word,
    });
    words.collect()
}

#[test]
fn inspect_prints_segments_and_records() {
    let desk = with_files();
    expect![[r#"
          number   epoch        first         last    records          bytes  state   name
               1       2            1            5          5            200  sealed  00000000000000000001-00000000000000000002.wal
               2       2            6            9          4            160  sealed  00000000000000000006-00000000000000000002.wal
        log ID, epoch 2, records 1..=9: 9 records and 360 bytes in 2 segments

                 seq  kind       bytes  crc32c
                   1     7           7  84c579fb
                   2     7           7  97958a0f
                   3     7           7  65fe090c
                   4     7           7  b1346de7
                   5     7           7  435feee4
                   6     7           7  500f1d10
                   7     7           7  a2649e13
                   8     7           7  fc77a237
                   9     7           7  0e1c2134
    "#]].assert_eq(&steady(&desk.ok(&["wal", "inspect", "log", "--records"])));
    let lines = desk.lines(&["wal", "inspect", "log", "--records", "--json"]);
    let of_type = |name: &str| lines.iter().filter(|line| line["kind"] == name).collect::<Vec<&Value>>();
    assert_eq!((of_type("segment").len(), of_type("log").len(), of_type("record").len()), (2, 1, 9));
    assert_eq!(of_type("segment")[1]["first"], 6);
    let record = json!({"kind": "record", "seq": 2, "record_kind": 7, "bytes": 7, "crc32c": "97958a0f"});
    assert_eq!(of_type("record")[1], &record);
}

#[test]
fn inspect_prints_objects_and_fences() {
    let desk = with_objects();
    let uri = format!("file://{}", desk.path("log").display());
    expect![[r#"
          number   epoch        first         last    records          bytes  state   name
               1       1            1            0          0              0  fence   00000000000000000001-00000000000000000001
               2       1            1            1          1             40  group   00000000000000000001-00000000000000000002
               3       1            2            2          1             40  group   00000000000000000002-00000000000000000003
               4       1            3            3          1             40  group   00000000000000000003-00000000000000000004
               5       1            4            4          1             40  group   00000000000000000004-00000000000000000005
               6       1            5            5          1             40  group   00000000000000000005-00000000000000000006
               7       2            6            5          0              0  fence   00000000000000000006-00000000000000000007
               8       2            6            6          1             40  group   00000000000000000006-00000000000000000008
               9       2            7            7          1             40  group   00000000000000000007-00000000000000000009
              10       2            8            8          1             40  group   00000000000000000008-00000000000000000010
              11       2            9            9          1             40  group   00000000000000000009-00000000000000000011
        log ID, epoch 2, records 1..=9: 9 records and 360 bytes in 11 objects
    "#]].assert_eq(&steady(&desk.ok(&["wal", "inspect", &uri])));
    assert_eq!(desk.lines(&["wal", "inspect", "log", "--records", "--json"]).len(), 11 + 1 + 9);
}

#[test]
fn verify_tells_what_is_sound() {
    for desk in [with_files(), with_objects()] {
        let before = desk.listing();
        assert_eq!(desk.ok(&["wal", "verify", "log"]), "sound: 9 records, 1..=9, epoch 2\n");
        let told = &desk.lines(&["wal", "verify", "log", "--json"])[0];
        assert_eq!((&told["sound"], &told["records"], &told["bytes"]), (&json!(true), &json!(9), &json!(9 * FRAME)));
        assert_eq!(desk.listing(), before, "looking changes nothing");
    }
}

#[test]
fn a_torn_tail_is_sound_and_told() {
    let desk = with_files();
    let last = parts(&desk, ".wal").pop().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    // The seal and the record before it are half there.
    bytes.truncate(HEADER + 3 * FRAME + 36);
    fs::write(&last, bytes).unwrap();
    let told = desk.ok(&["wal", "verify", "log"]);
    assert!(told.starts_with("sound: 8 records, 1..=8") && told.contains("torn tail of"), "{told}");
    let told = desk.ok(&["wal", "inspect", "log"]);
    assert!(told.contains("  torn  ") && told.contains("from offset 184 on are no record"), "{told}");
}

#[test]
fn verify_tells_where_the_damage_is_and_what_is_around_it() {
    let (files, objects) = (with_files(), with_objects());
    flip(&parts(&files, ".wal")[0], HEADER + 2 * FRAME + 33);
    // The second record of the first writer is the third object.
    flip(&parts(&objects, "")[2], HEADER + 33);
    for (desk, offset, (before, after)) in [(&files, HEADER + 2 * FRAME, (2, 6)), (&objects, HEADER, (1, 7))] {
        let listing = desk.listing();
        let output = desk.run(&["wal", "verify", "log"]);
        let (told, errors) = (String::from_utf8_lossy(&output.stdout).into_owned(), errors_of(&output));
        assert_eq!(code_of(&output), 2, "{told} {errors}");
        assert!(told.contains("bytes are no record") && told.contains(&format!("offset: {offset}")), "{told}");
        let around = format!("records_before: {before}, records_after: {after}");
        assert!(errors.contains("corrupt: ") && errors.contains(&around), "{errors}");
        let output = desk.run(&["wal", "verify", "log", "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&told["sound"], &told["records_before"]), (&json!(false), &json!(before)), "{told}");
        let output = desk.run(&["wal", "inspect", "log"]);
        assert_eq!(code_of(&output), 2);
        assert!(!output.stdout.is_empty(), "what is known is printed all the same");
        assert_eq!(desk.listing(), listing);
    }
}

#[test]
fn salvage_saves_what_can_be_read_and_leaves_the_log_alone() {
    let (files, objects) = (with_files(), with_objects());
    flip(&parts(&files, ".wal")[0], HEADER + 2 * FRAME + 33);
    fs::remove_file(&parts(&objects, "")[3]).unwrap();
    for desk in [&files, &objects] {
        let before = desk.listing();
        let told = desk.ok(&["wal", "salvage", "log", "saved"]);
        assert!(told.contains("corrupt: ") && told.contains("lost: 3..=3"), "{told}");
        assert!(told.ends_with("copied 8 records, 1..=9, to saved\n"), "{told}");
        let after = desk.listing();
        assert!(before.iter().all(|(name, state)| after.get(name) == Some(state)), "the log is as it was");
        let told = desk.ok(&["wal", "verify", "saved"]);
        assert_eq!(told, "sound: 8 records, 1..=9, epoch 1\nlost in an earlier salvage: 3..=3\n");
        let records = desk.lines(&["wal", "inspect", "saved", "--records", "--json"]);
        let seqs = records.iter().filter_map(|line| line["seq"].as_u64());
        assert_eq!(seqs.collect::<Vec<_>>(), [1, 2, 4, 5, 6, 7, 8, 9]);
        let told = &desk.lines(&["wal", "salvage", "log", "again", "--json"])[0];
        assert_eq!((&told["copied"], &told["lost"]), (&json!(8), &json!([[3, 3]])));
        desk.refused(&["wal", "salvage", "log", "saved"], &["already exists: folder is not empty"]);
        desk.refused(&["wal", "salvage", "log", "log/inside"], &["the target lies in the source"]);
    }
}

#[test]
fn what_is_no_log_is_refused() {
    let desk = Desk::new();
    desk.write("folder/notes.txt", "no log");
    for command in ["inspect", "verify"] {
        desk.refused(&["wal", command, "folder"], &["not found: there is no log"]);
        desk.refused(&["wal", command, "nowhere"], &["not found"]);
    }
    desk.refused(&["wal", "salvage", "folder", "new"], &["not found: there is no log"]);
}
