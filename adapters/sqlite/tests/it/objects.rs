//! Objects: hostile keys, large ones, tokens, versions, abandoned writers.

use std::time::Duration;

use worldstore_core::{
    Backend, Condition, DeleteOptions, Deleted, ErrorKind, ListOptions, Outcome, Prefix, ReadOptions, ReadRange,
    ReadRangesOptions, RenameOptions, SettleOptions, Settled, StatOptions, WriteOptions, WriteToken,
};
use worldstore_sqlite::{CHUNK_BYTES, SqliteConfig};

use crate::support::{File, applied, bytes, key, names, number, write};

/// Names that SQL likes to read as patterns, quotes, numbers or other names.
const HOSTILE: [&str; 24] = [
    "%",
    "%%",
    "%25",
    "'",
    "''",
    "' OR 1=1 --",
    "*",
    "0",
    "00",
    "1e0",
    "?1",
    "A",
    "[a]",
    "\"",
    "_",
    "a",
    "a;DROP TABLE objects",
    "a_b",
    "axb",
    "case",
    "CASE",
    "e\u{301}",
    "é",
    "🌍",
];

#[test]
fn hostile_keys_are_themselves_and_nothing_else() {
    let file = File::new();
    let backend = file.open();
    let mut sorted: Vec<String> =
        HOSTILE.iter().flat_map(|name| [format!("h/{name}"), format!("h/{name}/below"), format!("h{name}")]).collect();
    sorted.sort();
    for name in &sorted {
        applied(write(&backend, name, name, Condition::IfAbsent));
    }
    assert_eq!(names(&backend, "", ListOptions::default()), sorted);
    for name in HOSTILE {
        let folder = format!("h/{name}");
        assert_eq!(names(&backend, &folder, ListOptions::default()), [format!("h/{name}/below")]);
        assert_eq!(bytes(&backend, &folder, ReadOptions::default()).unwrap(), folder.as_bytes());
    }
    // Deleting one leaves its siblings alone.
    for name in ["h/%", "h/_", "h/A", "h/a_b"] {
        let deleted = backend.delete(&[key(name)], &DeleteOptions::default()).unwrap();
        assert!(matches!(deleted[..], [Deleted::Deleted]));
        sorted.retain(|other| other != name);
        assert_eq!(names(&backend, "", ListOptions::default()), sorted);
    }
}

#[test]
fn listings_of_one_level_leap_over_folders() {
    let file = File::new();
    let backend = file.open();
    for at in 0..600 {
        applied(write(&backend, &format!("a/b/{at:04}"), "x", Condition::None));
    }
    for name in ["a/a", "a/b", "a/b.txt", "a/b0", "a/c/d/e", "ab"] {
        applied(write(&backend, name, "x", Condition::None));
    }
    let expected = ["a/a", "a/b", "a/b.txt", "a/b/", "a/b0", "a/c/"];
    for limit in [1, 2, 3, 255, 256, 257, 1_000] {
        let options = ListOptions::default().with_limit(limit);
        assert_eq!(names(&backend, "a", options.clone().one_level()), expected, "{limit}");
        assert_eq!(names(&backend, "a", options).len(), 605, "{limit}");
    }
    let after = ListOptions::default().with_after(key("a/b/0599")).one_level();
    assert_eq!(names(&backend, "a", after), ["a/b0", "a/c/"]);
    assert_eq!(names(&backend, "", ListOptions::default().one_level()), ["a/", "ab"]);
    let token = ListOptions::default().with_token(worldstore_core::PageToken::new("a//b"));
    assert_eq!(backend.list(&Prefix::root(), &token).unwrap_err().kind(), ErrorKind::Invalid);
}

fn body(size: usize) -> Vec<u8> {
    (0..size as u32).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect()
}

#[test]
fn sizes_around_the_chunks_come_back_whole_and_in_parts() {
    let file = File::new();
    let backend = file.open();
    for size in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 4 * CHUNK_BYTES, 4 * CHUNK_BYTES + 1, 3_000_000] {
        let body = body(size);
        applied(write(&backend, "once", &body, Condition::None));
        let mut writer = backend.open_writer(&key("parts"), &WriteOptions::default()).unwrap();
        body.chunks(100_003).for_each(|part| writer.write(part.to_vec().into()).unwrap());
        assert_eq!(applied(writer.commit().unwrap()).size, size as u64);
        for name in ["once", "parts"] {
            assert!(bytes(&backend, name, ReadOptions::default()).unwrap() == body, "{name} of {size}");
            let tail = ReadOptions::default().with_range(ReadRange::Last(CHUNK_BYTES as u64 + 7));
            assert!(bytes(&backend, name, tail).unwrap() == body[size.saturating_sub(CHUNK_BYTES + 7)..]);
            let (size, middle) = (size as u64, size as u64 / 2);
            let ranges = [middle..size, 0..middle, middle..middle];
            let parts = backend.read_ranges(&key(name), &ranges, &ReadRangesOptions::default()).unwrap();
            assert!(parts[0] == body[middle as usize..] && parts[1] == body[..middle as usize] && parts[2].is_empty());
        }
    }
}

#[test]
fn a_stream_keeps_its_state_while_the_object_changes() {
    let file = File::new();
    let backend = file.open();
    let old = body(3_000_000);
    applied(write(&backend, "a", &old, Condition::None));
    let mut reply = backend.read(&key("a"), &ReadOptions::default()).unwrap();
    let first = reply.body.next().unwrap().unwrap();
    assert!(first.len() <= CHUNK_BYTES, "one chunk at a time");
    applied(write(&backend, "a", "new", Condition::None));
    let other = file.open();
    assert_eq!(other.delete(&[key("a")], &DeleteOptions::default()).unwrap().len(), 1);
    let rest = reply.body.map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat();
    assert!([first.as_ref(), &rest].concat() == old);
    assert_eq!(backend.stat(&key("a"), &StatOptions::default()).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(number(&file.path, "SELECT count(*) FROM chunks"), 0);
}

#[test]
fn tokens_settle_writes_and_travel_with_renames() {
    let file = File::new();
    let backend = file.open();
    let (mine, other) = (WriteToken::new("mine").unwrap(), WriteToken::new("other").unwrap());
    let settle = |name: &str, token| backend.settle(&key(name), token, &SettleOptions::default()).unwrap();
    assert_eq!(settle("a", &mine), Settled::Absent);
    let meta =
        applied(backend.write(&key("a"), "x".into(), &WriteOptions::default().with_token(mine.clone())).unwrap());
    assert_eq!(settle("a", &mine), Settled::Applied(meta.clone()));
    assert_eq!(settle("a", &other), Settled::Other(meta));
    let meta = applied(backend.rename(&key("a"), &key("b"), &RenameOptions::default()).unwrap());
    assert_eq!(settle("b", &mine), Settled::Applied(meta));
    let mut writer = backend.open_writer(&key("b"), &WriteOptions::default().with_token(other.clone())).unwrap();
    writer.write(body(2_000_000).into()).unwrap();
    let meta = applied(writer.commit().unwrap());
    assert_eq!(settle("b", &other), Settled::Applied(meta));
}

#[test]
fn a_version_never_comes_back() {
    let file = File::new();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        let backend = file.open();
        for _ in 0..3 {
            assert!(seen.insert(applied(write(&backend, "a", "same", Condition::None)).version.unwrap()));
            backend.delete(&[key("a")], &DeleteOptions::default()).unwrap();
        }
    }
    // Nor in a new file in the place of the old one.
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let _ = std::fs::remove_file(file.folder.path().join(name));
    }
    let version = applied(write(&file.open(), "a", "same", Condition::None)).version.unwrap();
    assert!(seen.insert(version.clone()));
    let gone = Condition::IfMatch(seen.iter().find(|old| **old != version).unwrap().clone());
    assert_eq!(write(&file.open(), "a", "x", gone.clone()), Outcome::Rejected);
    let deleted = file.open().delete(&[key("a"), key("b")], &DeleteOptions::default().with_condition(gone)).unwrap();
    assert!(matches!(deleted[..], [Deleted::Rejected, Deleted::Rejected]), "{deleted:?}");
}

#[test]
fn what_an_abandoned_writer_staged_is_swept_and_its_return_refused() {
    let file = File::new();
    let backend = file.open();
    let staged = || number(&file.path, "SELECT count(*) FROM chunks");
    let begin = || {
        let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).unwrap();
        writer.write(body(3_000_000).into()).unwrap();
        writer
    };
    drop(begin());
    begin().abort().unwrap();
    assert_eq!(staged(), 0, "dropped and aborted writers leave nothing");
    let (mut one, two) = (begin(), begin());
    // A writer of a process that is killed is never dropped.
    std::mem::forget(begin());
    assert_eq!(staged(), 3 * 8);
    assert_eq!(file.open().sweep().unwrap(), 0, "not yet");
    std::thread::sleep(Duration::from_millis(2));
    let eager = SqliteConfig::new(&file.path).with_abandoned_after(Duration::ZERO).open().unwrap();
    assert_eq!((staged(), eager.sweep().unwrap()), (0, 0), "opening swept them");
    assert_eq!(one.write(body(3_000_000).into()).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(one.commit().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(two.commit().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(backend.stat(&key("a"), &StatOptions::default()).unwrap_err().kind(), ErrorKind::NotFound);
}
