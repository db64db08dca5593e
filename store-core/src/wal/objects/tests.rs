//! The log on backends that keep, lose, delay and repeat answers.

mod damage;
mod outcomes;
mod reading;
mod stub;
mod writers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ObjectRecovery;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::local::Local;
use crate::memory::{Memory, Verdict};
use crate::ops::*;
use crate::wal::{RecordKind, Wal, WalOptions};

fn folder() -> Prefix {
    Prefix::new("some/log").unwrap()
}

fn open(backend: &Arc<dyn Backend>) -> Result<(Wal, ObjectRecovery)> {
    Wal::open_objects(Arc::clone(backend), folder(), WalOptions::new())
}

fn payloads(wal: &Wal, after: u64) -> Result<Vec<(u64, String)>> {
    let record = |record: crate::wal::Record| (record.seq, String::from_utf8_lossy(&record.payload).into_owned());
    wal.replay(after)?.map(|found| found.map(record)).collect()
}

/// Records `{name}{seq}`.
fn append(wal: &Wal, name: &str, count: u64) {
    for _ in 0..count {
        let seq = wal.last() + 1;
        assert_eq!(wal.append_durable(RecordKind::DATA, format!("{name}{seq}")).unwrap(), seq);
    }
}

fn expected(name: &str, range: std::ops::RangeInclusive<u64>) -> Vec<(u64, String)> {
    range.map(|seq| (seq, format!("{name}{seq}"))).collect()
}

/// Names and sizes of everything in the folder.
fn names(backend: &Arc<dyn Backend>) -> Vec<(String, u64)> {
    let page = backend.list(&folder(), &ListOptions::default()).unwrap();
    assert!(page.next.is_none());
    page.objects.iter().map(|meta| (folder().strip(meta.key.as_str()).unwrap().to_owned(), meta.size)).collect()
}

fn key(name: &str) -> Key {
    folder().key(name).unwrap()
}

fn bytes(backend: &Arc<dyn Backend>, name: &str) -> Vec<u8> {
    let reply = backend.read(&key(name), &ReadOptions::default()).unwrap();
    reply.body.flat_map(|chunk| chunk.unwrap().to_vec()).collect()
}

fn put(backend: &Arc<dyn Backend>, name: &str, bytes: Vec<u8>) {
    let options = WriteOptions::default();
    assert!(matches!(backend.write(&key(name), bytes.into(), &options), Ok(Outcome::Applied(_))));
}

fn remove(backend: &Arc<dyn Backend>, name: &str) {
    let answer = backend.delete(&[key(name)], &DeleteOptions::default()).unwrap();
    assert!(matches!(answer[..], [Deleted::Deleted]));
}

fn each_backend(test: impl Fn(Arc<dyn Backend>)) {
    test(Arc::new(Memory::new()));
    let folder = tempfile::tempdir().unwrap();
    test(Arc::new(Local::open(folder.path()).unwrap()));
}

#[test]
fn what_was_appended_comes_back_after_opening_again() {
    each_backend(|backend| {
        let (wal, recovery) = open(&backend).unwrap();
        assert_eq!((recovery.created, recovery.epoch, recovery.first, recovery.last), (true, 1, 1, 0));
        append(&wal, "a", 5);
        let waiting: Vec<_> = (6..=300).map(|seq| wal.append(RecordKind::DATA, format!("a{seq}")).unwrap()).collect();
        waiting.iter().zip(6..).for_each(|(appended, seq)| assert_eq!(appended.wait().unwrap(), seq));
        assert_eq!(payloads(&wal, 0).unwrap(), expected("a", 1..=300));
        let (objects, bytes) = (wal.stats().segments, wal.stats().retained_bytes);
        assert!((6..300).contains(&objects), "five groups of one, and groups of more: {objects}");
        wal.close().unwrap();
        let (wal, recovery) = open(&backend).unwrap();
        assert_eq!((recovery.created, recovery.epoch, recovery.first, recovery.last), (false, 2, 1, 300));
        assert_eq!((recovery.objects, recovery.bytes), (objects, bytes));
        append(&wal, "a", 1);
        assert_eq!(payloads(&wal, 290).unwrap(), expected("a", 291..=301));
        assert_eq!(payloads(&wal, 301).unwrap(), []);
        assert_eq!(wal.stats().retained_bytes, bytes + 32 + 8);
    });
}

#[test]
fn kinds_and_payloads_of_any_size_are_kept() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let (wal, _) = open(&backend).unwrap();
    let sizes = [0, 1, 7, 8, 9, 65_535, 65_536, 3 << 20];
    for (size, kind) in sizes.iter().zip(120..) {
        wal.append_durable(RecordKind::new(kind).unwrap(), vec![kind; *size]).unwrap();
    }
    for ((record, size), kind) in wal.replay(0).unwrap().zip(sizes).zip(120..) {
        let record = record.unwrap();
        assert_eq!((record.kind.get(), record.payload.len()), (kind, size));
        assert!(record.payload.iter().all(|byte| *byte == kind));
    }
}

#[test]
fn an_object_holds_no_more_than_a_group() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let options = WalOptions::new().with_group_bytes(4096);
    let (wal, _) = Wal::open_objects(Arc::clone(&backend), folder(), options).unwrap();
    let waiting: Vec<_> = (0..200).map(|_| wal.append(RecordKind::DATA, vec![7; 1000]).unwrap()).collect();
    assert!(waiting.iter().all(|appended| appended.wait().is_ok()));
    let largest = names(&backend).iter().map(|(_, size)| *size).max().unwrap();
    assert!((1000..=4096 + 64 + 32).contains(&largest), "{largest}");
}

#[test]
fn a_trim_deletes_whole_objects_and_keeps_fences_and_the_last() {
    each_backend(|backend| {
        let (wal, _) = open(&backend).unwrap();
        append(&wal, "a", 4);
        wal.close().unwrap();
        let (wal, _) = open(&backend).unwrap();
        append(&wal, "a", 4);
        let trimmed = wal.trim(3).unwrap();
        assert_eq!((trimmed.first, trimmed.segments, trimmed.bytes), (4, 3, 3 * 40));
        assert_eq!((wal.first(), wal.stats().segments), (4, 5));
        assert_eq!(payloads(&wal, 3).unwrap(), expected("a", 4..=8));
        assert_eq!(payloads(&wal, 2).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(wal.trim(3).unwrap().segments, 0);
        let trimmed = wal.trim(8).unwrap();
        assert_eq!((trimmed.first, trimmed.segments), (8, 4));
        let left: Vec<_> = names(&backend).into_iter().map(|(name, _)| name).collect();
        let slot = |first: u64, number: u64| format!("{first:020}-{number:020}");
        let floor = format!("floor/{}", slot(8, 10));
        assert_eq!(left, [slot(1, 1), slot(5, 6), slot(8, 10), floor]);
        wal.close().unwrap();
        let (wal, recovery) = open(&backend).unwrap();
        assert_eq!((recovery.first, recovery.last, recovery.objects), (8, 8, 1));
        append(&wal, "a", 1);
        assert_eq!(payloads(&wal, 7).unwrap(), expected("a", 8..=9));
    });
}

#[test]
fn a_trim_that_was_cut_short_is_finished_by_the_next() {
    let refuses = Arc::new(AtomicBool::new(true));
    let refuse = Arc::clone(&refuses);
    let memory = Memory::new().with_hook(move |event| {
        let fails = event.operation == "delete" && event.key.ends_with("03") && refuse.load(Ordering::Relaxed);
        match fails {
            true => Verdict::Fail(Error::new(ErrorKind::Unavailable, "not now")),
            false => Verdict::Pass,
        }
    });
    let backend: Arc<dyn Backend> = Arc::new(memory);
    let (wal, _) = open(&backend).unwrap();
    append(&wal, "a", 5);
    assert_eq!(wal.trim(4).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(payloads(&wal, 4).unwrap(), expected("a", 5..=5));
    assert!(names(&backend).iter().any(|(name, _)| name.ends_with("03")), "one is left");
    wal.close().unwrap();
    let (wal, recovery) = open(&backend).unwrap();
    assert_eq!((recovery.first, recovery.last), (5, 5), "what is left below the floor is no gap");
    refuses.store(false, Ordering::Relaxed);
    wal.trim(5).unwrap();
    assert!(!names(&backend).iter().any(|(name, _)| name.ends_with("03")));
}
