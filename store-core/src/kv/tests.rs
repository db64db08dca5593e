//! Objects on an ordered map in memory.

mod map;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use map::TreeMap;

use super::head::{Body, Head, Pieces, head_key, piece_key};
use super::*;
use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::key::{Key, Prefix};
use crate::ops::*;

/// Small, so that few bytes make many pieces.
fn sizes() -> Sizes {
    Sizes::default().with_inline_bytes_max(8).with_piece_bytes(10)
}

/// A backend with flat names, for tests elsewhere.
pub(crate) fn flat() -> Arc<dyn Backend> {
    Arc::new(open(&TreeMap::default()))
}

fn open(map: &TreeMap) -> KvObjects<TreeMap> {
    KvObjects::open(map.clone(), sizes()).unwrap()
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn write(objects: &KvObjects<TreeMap>, name: &str, body: &str) -> Version {
    let outcome = objects.write(&key(name), Bytes::copy_from_slice(body.as_bytes()), &WriteOptions::default());
    outcome.unwrap().applied(&key(name), &Condition::None).unwrap().version.unwrap()
}

fn read(objects: &KvObjects<TreeMap>, name: &str) -> String {
    let reply = objects.read(&key(name), &ReadOptions::default()).unwrap();
    String::from_utf8(reply.body.map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat()).unwrap()
}

const LONG: &str = "0123456789abcdefghijklmno";

#[cfg(feature = "conformance")]
#[test]
fn the_kit_passes_whatever_the_sizes() {
    use crate::conformance;
    for sizes in [Sizes::default(), sizes().with_piece_bytes(1_000), sizes().with_inline_bytes_max(0)] {
        let sizes = if sizes.piece_bytes < 1_000 { sizes.with_piece_bytes(10_007) } else { sizes };
        let objects = Arc::new(KvObjects::open(TreeMap::default(), sizes).unwrap());
        let below = Prefix::new("kit").unwrap();
        let report = conformance::run(&*objects, &below).into_result().unwrap();
        let memory = conformance::run(&crate::Memory::new(), &below);
        assert_eq!(report.cases.len(), memory.cases.len());
        assert!(report.cases.iter().all(|case| matches!(case.result, conformance::CaseResult::Passed)), "{report}");
        let map = objects.map();
        assert_eq!((map.count(b'h'), map.count(b'c'), map.count(b'l')), (0, 0, 0), "nothing stays behind");
    }
}

#[test]
fn bodies_are_in_the_head_or_in_pieces() {
    let map = TreeMap::default();
    let objects = open(&map);
    for (body, pieces) in [("", 0), ("12345678", 0), ("123456789", 1), ("1234567890", 1), ("12345678901", 2), (LONG, 3)]
    {
        write(&objects, "a", body);
        assert_eq!((read(&objects, "a"), map.count(b'c'), map.count(b'l')), (body.to_owned(), pieces, 0));
    }
    let parts = objects.read_ranges(&key("a"), &[0..25, 9..11, 20..20, 24..25], &ReadRangesOptions::default());
    assert_eq!(parts.unwrap(), [LONG, "9a", "", "o"]);
    let _ = objects.delete(&[key("a")], &DeleteOptions::default()).unwrap();
    assert_eq!((map.count(b'h'), map.count(b'c'), map.count(b'l')), (0, 0, 0));
}

#[test]
fn a_reader_keeps_what_is_replaced_and_the_last_one_lets_it_go() {
    let map = TreeMap::default();
    let objects = open(&map);
    write(&objects, "a", LONG);
    let mut one = objects.read(&key("a"), &ReadOptions::default()).unwrap().body;
    let two = objects.read(&key("a"), &ReadOptions::default()).unwrap().body;
    assert_eq!(one.next().unwrap().unwrap(), LONG[..10]);
    write(&objects, "a", "other and also long");
    write(&objects, "b", "whatever");
    assert_eq!((map.count(b'c'), map.count(b'l')), (3 + 2, 1));
    drop(two);
    let rest: Vec<_> = one.by_ref().map(Result::unwrap).collect();
    assert_eq!(rest.concat(), &LONG.as_bytes()[10..]);
    assert_eq!((map.count(b'c'), map.count(b'l')), (2, 0), "a reader at the end lets go though it is not dropped");
}

#[test]
fn what_a_killed_process_has_left_goes_at_the_next_opening() {
    let map = TreeMap::default();
    let objects = open(&map);
    write(&objects, "kept", LONG);
    let mut writer = objects.open_writer(&key("a"), &WriteOptions::default()).unwrap();
    (0..300).for_each(|_| writer.write(LONG.into()).unwrap());
    let reader = objects.read(&key("kept"), &ReadOptions::default()).unwrap();
    write(&objects, "kept", &LONG[1..]);
    // Killed: nothing is dropped.
    std::mem::forget((writer, reader));
    assert_eq!((map.count(b'c'), map.count(b'l')), (749 + 3 + 3, 2));
    let again = open(&map);
    assert_eq!((map.count(b'c'), map.count(b'l')), (3, 0));
    assert_eq!(read(&again, "kept"), LONG[1..]);
    assert!(again.stat(&key("a"), &StatOptions::default()).unwrap_err().is_not_found());
}

#[test]
fn writers_that_do_not_publish_leave_nothing() {
    let map = TreeMap::default();
    let objects = open(&map);
    write(&objects, "a", "old");
    let begin = |options: &WriteOptions| {
        let mut writer = objects.open_writer(&key("a"), options).unwrap();
        writer.write(LONG.into()).unwrap();
        writer
    };
    begin(&WriteOptions::default()).abort().unwrap();
    drop(begin(&WriteOptions::default()));
    assert_eq!(begin(&WriteOptions::if_absent()).commit().unwrap(), Outcome::Rejected);
    let failing = begin(&WriteOptions::default());
    map.fails.store(true, Ordering::SeqCst);
    assert_eq!(failing.commit().unwrap_err().kind(), ErrorKind::StorageFull);
    let mut poisoned = objects.open_writer(&key("a"), &WriteOptions::default()).unwrap();
    assert_eq!(poisoned.write(LONG.into()).unwrap_err().kind(), ErrorKind::StorageFull);
    map.fails.store(false, Ordering::SeqCst);
    assert_eq!(poisoned.write("more".into()).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(poisoned.commit().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(read(&objects, "a"), "old");
    // What could not be removed while changes failed goes with the next change that removes something.
    write(&objects, "b", LONG);
    let _ = objects.delete(&[key("b")], &DeleteOptions::default()).unwrap();
    assert_eq!((map.count(b'c'), map.count(b'l')), (0, 0));
}

#[test]
fn a_lost_answer_is_unknown_and_settled() {
    let map = TreeMap::default();
    let objects = open(&map);
    let token = WriteToken::new("mine").unwrap();
    let options = WriteOptions::if_absent().with_token(token.clone());
    map.loses_answers.store(true, Ordering::SeqCst);
    assert_eq!(objects.write(&key("a"), LONG.into(), &options).unwrap(), Outcome::Unknown);
    map.loses_answers.store(false, Ordering::SeqCst);
    let settle = |token: &WriteToken, name| objects.settle(&key(name), token, &SettleOptions::default()).unwrap();
    assert!(matches!(settle(&token, "a"), Settled::Applied(meta) if meta.size == 25));
    assert!(matches!(settle(&WriteToken::new("other").unwrap(), "a"), Settled::Other(_)));
    assert_eq!(settle(&token, "b"), Settled::Absent);
    // The token goes with a rename and stays behind at a copy.
    let _ = objects.copy(&key("a"), &key("copied"), &CopyOptions::default()).unwrap();
    let _ = objects.rename(&key("a"), &key("moved"), &RenameOptions::default()).unwrap();
    assert!(matches!(settle(&token, "moved"), Settled::Applied(_)));
    assert!(matches!(settle(&token, "copied"), Settled::Other(_)));
    assert_eq!((read(&objects, "moved"), read(&objects, "copied")), (LONG.to_owned(), LONG.to_owned()));
}

#[test]
fn a_piece_whose_staging_was_not_answered_goes_with_the_others() {
    let map = TreeMap::default();
    let objects = open(&map);
    for pieces in [0, 1, 3] {
        let mut writer = objects.open_writer(&key("a"), &WriteOptions::default()).unwrap();
        // The last piece waits for what comes after it.
        (0..=pieces).for_each(|_| writer.write(LONG[..10].into()).unwrap());
        map.loses_stages.store(true, Ordering::SeqCst);
        assert_eq!(writer.write(LONG[..10].into()).unwrap_err().kind(), ErrorKind::Poisoned);
        map.loses_stages.store(false, Ordering::SeqCst);
        assert_eq!((map.count(b'c'), map.count(b'l')), (pieces + 1, 1));
        drop(writer);
        // Whose number the first piece has nobody can tell: opening tells.
        let left = if pieces == 0 { (1, 1) } else { (0, 0) };
        assert_eq!((map.count(b'c'), map.count(b'l')), left);
        open(&map);
        assert_eq!((map.count(b'c'), map.count(b'l')), (0, 0), "{pieces}");
    }
}

#[test]
fn versions_are_not_given_out_again_after_a_loss() {
    let map = TreeMap::default();
    let before = map.entries.lock().unwrap().clone();
    let lost = write(&open(&map), "a", "one");
    // A power cut takes what was not synced, the counter with it.
    *map.entries.lock().unwrap() = before;
    assert_ne!(write(&open(&map), "a", "two"), lost);
    let (a, b) = (write(&open(&map), "a", "1"), write(&open(&map), "b", "1"));
    assert_ne!(a, b);
}

#[test]
fn a_listing_of_one_level_passes_over_folders() {
    let map = TreeMap::default();
    let objects = open(&map);
    for number in 0..2_000 {
        write(&objects, &format!("top/deep/{number:04}"), "x");
    }
    write(&objects, "top/deep.txt", "x");
    write(&objects, "top/deep0", "x");
    let list = |options: ListOptions| objects.list(&Prefix::new("top").unwrap(), &options).unwrap();
    map.scanned.store(0, Ordering::SeqCst);
    let page = list(ListOptions::default().one_level());
    assert_eq!(page.objects.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["top/deep.txt", "top/deep0"]);
    assert_eq!(page.folders.iter().map(Prefix::as_str).collect::<Vec<_>>(), ["top/deep"]);
    assert!(map.scanned.load(Ordering::SeqCst) < 600, "{:?}", map.scanned);
    assert_eq!(list(ListOptions::default()).objects.len(), 1_000);
    assert!(list(ListOptions::default().with_after(key("z"))).objects.is_empty());
}

#[test]
fn damage_is_told() {
    let map = TreeMap::default();
    let objects = open(&map);
    let damaged = |name: &str| {
        let reply = objects.read(&key(name), &ReadOptions::default());
        let error = reply.and_then(|reply| reply.body.collect::<Result<Vec<_>>>()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    };
    write(&objects, "short", "in the head"[..8].as_ref());
    write(&objects, "long", LONG);
    let generation = {
        let mut entries = map.entries.lock().unwrap();
        let Body::Pieces(Pieces { generation, .. }) = Head::decode(&entries[&head_key("long")]).unwrap().body else {
            panic!("the body is in pieces")
        };
        entries.get_mut(&head_key("short")).unwrap().pop();
        entries.get_mut(&piece_key(generation, 1)).unwrap().pop();
        generation
    };
    damaged("short");
    damaged("long");
    map.entries.lock().unwrap().remove(&piece_key(generation, 0));
    damaged("long");
    let head = Head { version: 1, size: 25, modified: 0, token: None, body: Body::Inline(Bytes::new()) };
    assert_eq!(Head::decode(&head.encode()).unwrap_err().kind(), ErrorKind::Corrupt);
    map.entries.lock().unwrap().insert(b"mlayout".to_vec(), vec![9]);
    assert_eq!(KvObjects::open(map.clone(), sizes()).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn addresses_are_paths() {
    let path = |uri| path_of_uri(uri, "redb").map(|path| path.to_str().unwrap().to_owned());
    assert_eq!(path("redb:///data/file.redb").unwrap(), "/data/file.redb");
    assert_eq!(path("redb:///a%20b/%23%C3%A9%25").unwrap(), "/a b/#é%");
    for wrong in [
        "sled:///data",
        "redb",
        "redb:/data",
        "redb://",
        "redb:///",
        "redb://host/data",
        "redb://relative",
        "redb:///data?x=1",
        "redb:///data#x",
        "redb:///a%2",
        "redb:///a%zz",
        "redb:///a%+1",
        "redb:///%ff",
        "redb:///%00",
    ] {
        assert_eq!(path(wrong).unwrap_err().kind(), ErrorKind::Invalid, "{wrong}");
    }
    let foreign = path("postgres://me:secret@host/db").unwrap_err();
    assert!(!format!("{foreign:?}").contains("secret"));
}
