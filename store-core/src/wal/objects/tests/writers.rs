//! Several writers: one has the log, and no other acknowledges anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use super::{append, each_backend, expected, folder, names, open, payloads, remove};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::memory::{Memory, Moment, Verdict};
use crate::planted::Bug;
use crate::wal::{RecordKind, Wal, WalOptions};

#[test]
fn a_writer_that_wakes_after_its_successor_wrote_is_fenced() {
    each_backend(|backend| {
        let (old, _) = open(&backend).unwrap();
        append(&old, "old", 3);
        let (new, recovery) = open(&backend).unwrap();
        assert_eq!((recovery.epoch, recovery.last), (2, 3));
        append(&new, "new", 2);
        let told = old.append_durable(RecordKind::DATA, "old4").unwrap_err();
        assert_eq!(told.kind(), ErrorKind::Fenced, "{told}");
        assert_eq!(old.append(RecordKind::DATA, "old5").unwrap_err().kind(), ErrorKind::Fenced);
        append(&new, "new", 1);
        let all = [expected("old", 1..=3), expected("new", 4..=6)].concat();
        assert_eq!(payloads(&new, 0).unwrap(), all);
        assert_eq!(open(&backend).unwrap().1.last, 6);
    });
}

#[test]
fn a_writer_is_fenced_before_its_successor_writes_and_after_it_trims() {
    each_backend(|backend| {
        let (oldest, _) = open(&backend).unwrap();
        let (old, _) = open(&backend).unwrap();
        assert_eq!(oldest.append_durable(RecordKind::DATA, "x").unwrap_err().kind(), ErrorKind::Fenced);
        append(&old, "old", 3);
        let (new, _) = open(&backend).unwrap();
        append(&new, "new", 5);
        new.trim(8).unwrap();
        assert_eq!(old.append_durable(RecordKind::DATA, "x").unwrap_err().kind(), ErrorKind::Fenced);
        assert_eq!(payloads(&new, 7).unwrap(), expected("new", 8..=8));
        drop(new);
        assert_eq!(open(&backend).unwrap().1.last, 8);
    });
}

/// What an old writer is told whose successor's fence has vanished, against the rules.
fn without_fence(bug: Option<Bug>) -> Result<u64> {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let options = bug.map_or_else(WalOptions::new, |bug| WalOptions::new().with_planted(bug));
    let (old, _) = Wal::open_objects(Arc::clone(&backend), folder(), options.clone())?;
    append(&old, "old", 3);
    let (new, _) = Wal::open_objects(Arc::clone(&backend), folder(), options)?;
    append(&new, "new", 2);
    new.trim(5)?;
    if bug != Some(Bug::CollectDeletesFence) {
        remove(&backend, &format!("{:020}-{:020}", 4, 5));
    }
    let told = old.append_durable(RecordKind::DATA, "old4");
    assert!(names(&backend).iter().any(|(name, _)| name.starts_with(&format!("{:020}-{:020}", 4, 5))), "it wrote");
    assert_eq!(payloads(&new, 4)?, expected("new", 5..=5), "the successor does not notice");
    assert_eq!(open(&backend)?.1.last, 5, "nor does who comes next");
    told
}

#[test]
fn the_look_before_the_acknowledgement_finds_a_successor_without_a_fence() {
    assert_eq!(without_fence(None).unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(without_fence(Some(Bug::CollectDeletesFence)).unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(without_fence(Some(Bug::SkipFenceCheck)).unwrap(), 4, "the look is what finds it");
}

#[test]
fn a_writer_that_stalls_between_its_write_and_the_answer_acknowledges_nothing() {
    let stalls = Arc::new(AtomicBool::new(false));
    let (reached, goes_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (stalling, reaches, going_on) = (Arc::clone(&stalls), Arc::clone(&reached), Arc::clone(&goes_on));
    let memory = Memory::new();
    let memory = memory.with_hook(move |event| {
        if (event.operation, event.moment) == ("write", Moment::After) && stalling.swap(false, Ordering::SeqCst) {
            reaches.wait();
            going_on.wait();
        }
        Verdict::Pass
    });
    let backend: Arc<dyn Backend> = Arc::new(memory);
    let (old, _) = open(&backend).unwrap();
    append(&old, "old", 1);
    stalls.store(true, Ordering::SeqCst);
    let waiting = old.append(RecordKind::DATA, "old2").unwrap();
    reached.wait();
    let (new, recovery) = open(&backend).unwrap();
    assert_eq!(recovery.last, 2, "it is there, and was not acknowledged: either is right");
    goes_on.wait();
    assert_eq!(waiting.wait().unwrap_err().kind(), ErrorKind::Fenced);
    append(&new, "new", 1);
    assert_eq!(payloads(&new, 1).unwrap(), [(2, "old2".to_owned()), (3, "new3".to_owned())]);
}

/// Its deletion fails while a group is on its way, which keeps its numbers.
#[test]
fn a_trim_that_fails_leaves_a_group_on_its_way_alone() {
    let (stalls, refuses) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
    let (reached, goes_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (stalling, refusing) = (Arc::clone(&stalls), Arc::clone(&refuses));
    let (reaches, going_on) = (Arc::clone(&reached), Arc::clone(&goes_on));
    let memory = Memory::new().with_hook(move |event| {
        match (event.operation, event.moment) {
            ("write", Moment::After) if stalling.swap(false, Ordering::SeqCst) => {
                reaches.wait();
                going_on.wait();
            }
            ("delete", _) if refusing.load(Ordering::SeqCst) => {
                return Verdict::Fail(Error::new(ErrorKind::Unavailable, "not now"));
            }
            _ => {}
        }
        Verdict::Pass
    });
    let backend: Arc<dyn Backend> = Arc::new(memory);
    let (wal, _) = open(&backend).unwrap();
    append(&wal, "a", 3);
    stalls.store(true, Ordering::SeqCst);
    let waiting = wal.append(RecordKind::DATA, "a4").unwrap();
    let queued = wal.append(RecordKind::DATA, "a5").unwrap();
    reached.wait();
    assert_eq!(wal.trim(2).unwrap_err().kind(), ErrorKind::Unavailable);
    goes_on.wait();
    assert_eq!((waiting.wait().unwrap(), queued.wait().unwrap()), (4, 5));
    append(&wal, "a", 1);
    // What it had freed before it failed counts, once.
    refuses.store(false, Ordering::SeqCst);
    wal.trim(2).unwrap();
    assert_eq!(wal.stats().retained_bytes, 4 * 40);
    wal.close().unwrap();
    let (wal, recovery) = open(&backend).unwrap();
    assert_eq!((recovery.first, recovery.last), (3, 6));
    assert_eq!(payloads(&wal, 2).unwrap(), expected("a", 3..=6));
}

#[test]
fn eight_racing_writers_lose_and_double_nothing() {
    each_backend(|backend| {
        let (acknowledged, start) = (Mutex::new(Vec::new()), Barrier::new(8));
        thread::scope(|scope| {
            for writer in 0..8 {
                let (backend, acknowledged, start) = (&backend, &acknowledged, &start);
                scope.spawn(move || {
                    start.wait();
                    for turn in 0..5 {
                        let (wal, _) = match open(backend) {
                            Ok(opened) => opened,
                            Err(error) => panic!("{error}"),
                        };
                        for _ in 0..5 {
                            let payload = format!("{writer} {turn} {}", wal.last() + 1);
                            match wal.append_durable(RecordKind::DATA, payload.clone()) {
                                Ok(seq) => acknowledged.lock().unwrap().push((seq, payload)),
                                Err(error) => {
                                    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
                                    break;
                                }
                            }
                        }
                    }
                });
            }
        });
        let (wal, recovery) = open(&backend).unwrap();
        let (all, acknowledged) = (payloads(&wal, 0).unwrap(), acknowledged.into_inner().unwrap());
        assert!(all.iter().map(|(seq, _)| *seq).eq(1..=recovery.last), "dense");
        assert!(!acknowledged.is_empty() && recovery.epoch > 8, "{} records, {recovery:?}", acknowledged.len());
        let lost: Vec<_> = acknowledged.iter().filter(|record| !all.contains(record)).collect();
        assert!(lost.is_empty(), "{lost:?} of {all:?}");
        let mut seqs: Vec<_> = acknowledged.iter().map(|(seq, _)| *seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs.len(), acknowledged.len(), "no number was acknowledged twice");
    });
}
