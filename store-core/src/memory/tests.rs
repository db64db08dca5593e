//! Memory beyond the kit: snapshots, hooks, and reads that copy nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::error::{Error, ErrorKind};

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn put(memory: &Memory, name: &str, body: &'static str) -> ObjectMeta {
    let outcome = memory.write(&key(name), Bytes::from_static(body.as_bytes()), &WriteOptions::default()).unwrap();
    outcome.applied(&key(name), &Condition::None).unwrap()
}

fn get(memory: &Memory, name: &str) -> Option<String> {
    let reply = memory.read(&key(name), &ReadOptions::default()).ok()?;
    let bytes = reply.body.collect::<Result<Vec<_>>>().unwrap().concat();
    Some(String::from_utf8(bytes).unwrap())
}

#[test]
fn snapshots_and_their_origin_go_separate_ways() {
    let memory = Memory::new();
    let before = put(&memory, "a", "one");
    put(&memory, "b", "gone later");
    let snapshot = memory.snapshot();
    put(&memory, "a", "two");
    let _ = memory.delete(&[key("b")], &DeleteOptions::default()).unwrap();
    let _ = memory.rename(&key("a"), &key("c"), &RenameOptions::default()).unwrap();
    assert_eq!(get(&snapshot, "a").as_deref(), Some("one"));
    assert_eq!(get(&snapshot, "b").as_deref(), Some("gone later"));
    assert_eq!(get(&snapshot, "c"), None);
    assert_eq!(snapshot.stat(&key("a"), &StatOptions::default()).unwrap(), before);
    put(&snapshot, "d", "here only");
    assert_eq!(get(&memory, "d"), None);
    assert_eq!(get(&memory.snapshot().snapshot(), "c").as_deref(), Some("two"));
}

/// A version that was seen here must not match a state that came into being there.
#[test]
fn versions_differ_across_snapshots() {
    let memory = Memory::new();
    put(&memory, "a", "one");
    let snapshot = memory.snapshot();
    let here = put(&memory, "a", "here").version.unwrap();
    let there = put(&snapshot, "a", "there").version.unwrap();
    assert_ne!(here, there);
    let options = WriteOptions::default().with_condition(Condition::IfMatch(here));
    assert_eq!(snapshot.write(&key("a"), Bytes::new(), &options).unwrap(), Outcome::Rejected);
}

#[test]
fn reads_share_the_stored_bytes() {
    let memory = Memory::new();
    let stored = Bytes::from(vec![7; 1000]);
    let _ = memory.write(&key("a"), stored.clone(), &WriteOptions::default()).unwrap();
    for memory in [&memory, &memory.snapshot()] {
        let mut body = memory.read(&key("a"), &ReadOptions::default()).unwrap().body;
        assert_eq!(body.next().unwrap().unwrap().as_ptr(), stored.as_ptr());
        let parts = memory.read_ranges(&key("a"), &[10..20, 30..40], &ReadRangesOptions::default()).unwrap();
        assert_eq!(parts[1].as_ptr(), stored[30..].as_ptr());
    }
}

fn at(operation: &'static str, moment: Moment, verdict: fn() -> Verdict) -> Memory {
    let memory = Memory::new();
    put(&memory, "a", "old");
    memory.with_hook(move |event| match event.operation == operation && event.moment == moment {
        true => verdict(),
        false => Verdict::Pass,
    })
}

fn unavailable() -> Verdict {
    Verdict::Fail(Error::new(ErrorKind::Unavailable, "the service went away"))
}

fn committed(memory: &Memory) -> Result<Outcome> {
    let mut writer = memory.open_writer(&key("a"), &WriteOptions::default())?;
    writer.write(Bytes::from_static(b"new"))?;
    writer.commit()
}

#[test]
fn before_a_change_nothing_has_happened() {
    let write = |memory: &Memory| memory.write(&key("a"), Bytes::from_static(b"new"), &WriteOptions::default());
    let memory = at("write", Moment::Before, unavailable);
    assert_eq!(write(&memory).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(get(&memory, "a").as_deref(), Some("old"));
    let memory = at("write", Moment::Before, || Verdict::Unknown);
    assert_eq!(write(&memory).unwrap(), Outcome::Unknown);
    assert_eq!(get(&memory, "a").as_deref(), Some("old"));
    let memory = at("commit", Moment::Before, unavailable);
    assert_eq!(committed(&memory).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(get(&memory, "a").as_deref(), Some("old"));
}

#[test]
fn after_a_change_it_stays_whatever_is_answered() {
    let memory = at("write", Moment::After, unavailable);
    let token = WriteToken::new("t").unwrap();
    let options = WriteOptions::default().with_token(token.clone());
    assert_eq!(memory.write(&key("a"), "new".into(), &options).unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(matches!(memory.settle(&key("a"), &token, &SettleOptions::default()).unwrap(), Settled::Applied(_)));
    let memory = at("commit", Moment::After, || Verdict::Unknown);
    assert_eq!(committed(&memory).unwrap(), Outcome::Unknown);
    assert_eq!(get(&memory, "a").as_deref(), Some("new"));
    let memory = at("copy", Moment::After, || Verdict::Unknown);
    assert_eq!(memory.copy(&key("a"), &key("b"), &CopyOptions::default()).unwrap(), Outcome::Unknown);
    assert_eq!(get(&memory, "b").as_deref(), Some("old"));
    let memory = at("rename", Moment::After, || Verdict::Unknown);
    assert_eq!(memory.rename(&key("a"), &key("b"), &RenameOptions::default()).unwrap(), Outcome::Unknown);
    assert_eq!((get(&memory, "a"), get(&memory, "b").as_deref()), (None, Some("old")));
}

#[test]
fn a_delete_is_judged_key_by_key() {
    let memory = Memory::new();
    for name in ["a", "b", "c"] {
        put(&memory, name, "x");
    }
    let memory = memory.with_hook(|event| match (event.operation, event.key, event.moment) {
        ("delete", "a", Moment::Before) => unavailable(),
        ("delete", "b", Moment::After) => Verdict::Unknown,
        _ => Verdict::Pass,
    });
    let answers = memory.delete(&[key("a"), key("b"), key("c")], &DeleteOptions::default()).unwrap();
    let [Deleted::Failed(one), Deleted::Failed(two), Deleted::Deleted] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!((one.kind(), two.kind()), (ErrorKind::Unavailable, ErrorKind::OutcomeUnknown));
    assert_eq!((get(&memory, "a").is_some(), get(&memory, "b").is_some()), (true, false));
}

#[test]
fn a_hook_sees_every_operation_twice_and_failures_once() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let memory = Memory::new().with_hook(move |event| {
        let when = if event.moment == Moment::Before { "before" } else { "after" };
        notes.lock().unwrap().push(format!("{when} {} {}", event.operation, event.key));
        Verdict::Pass
    });
    put(&memory, "a", "x");
    assert!(memory.stat(&key("none"), &StatOptions::default()).is_err());
    memory.check(&CheckOptions::default()).unwrap();
    let seen = seen.lock().unwrap().join(", ");
    assert_eq!(seen, "before write a, after write a, before stat none, before check , after check ");
}

/// A hook may do what another writer would do in between.
#[test]
fn a_hook_can_change_the_same_objects() {
    let other = Arc::new(Memory::new());
    put(&other, "a", "old");
    let hooked = Memory { objects: Arc::clone(&other.objects), hook: Hook::default() };
    let calls = AtomicUsize::new(0);
    let hooked = hooked.with_hook(move |event| {
        if event.operation == "write" && calls.fetch_add(1, Ordering::SeqCst) == 0 {
            put(&other, "a", "in between");
        }
        Verdict::Pass
    });
    let version = hooked.stat(&key("a"), &StatOptions::default()).unwrap().version.unwrap();
    let options = WriteOptions::default().with_condition(Condition::IfMatch(version));
    assert_eq!(hooked.write(&key("a"), "new".into(), &options).unwrap(), Outcome::Rejected);
    assert_eq!(get(&hooked, "a").as_deref(), Some("in between"));
}

#[test]
fn names_are_either_objects_or_folders() {
    let memory = Memory::new();
    put(&memory, "a/b", "x");
    put(&memory, "a!", "sorts between");
    let write = |name: &str| memory.write(&key(name), Bytes::new(), &WriteOptions::default());
    for name in ["a", "a/b/c", "a/b/c/d"] {
        assert_eq!(write(name).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
    for name in ["a/b", "a/bc", "a/b!"] {
        assert!(matches!(write(name).unwrap(), Outcome::Applied(_)), "{name}");
    }
}
