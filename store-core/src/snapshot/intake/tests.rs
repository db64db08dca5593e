//! Intakes that go well, and intakes that fail at any call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::super::testing::{Lesser, dump};
use super::*;
use crate::blocks::Hash;
use crate::capability::Capability;
use crate::memory::{Memory, Moment, Verdict};

/// Two files and a block.
fn members() -> Vec<(ArchiveMember, Vec<u8>)> {
    let file = |key: &str, content: &[u8]| {
        let key = Key::new(key).unwrap();
        (ArchiveMember::file(&key, content.len() as u64, Hash::of(content)), content.to_vec())
    };
    let block = b"a block".to_vec();
    let block = (ArchiveMember::block(block.len() as u64, Hash::of(&block)), block);
    vec![block, file("tables/a", b"first"), file("tables/b", b"")]
}

fn expected() -> BTreeMap<String, Bytes> {
    let blocks = Prefix::new("blocks").unwrap();
    let hash = Hash::of(b"a block");
    let block = Block { hash, length: 7, generation: 0 }.key(&blocks).unwrap();
    let files = [("tables/a".to_owned(), "first".into()), ("tables/b".to_owned(), "".into())];
    files.into_iter().chain([(block.to_string(), "a block".into())]).collect()
}

/// Takes the members in; what is left behind after a success, or the error.
fn take_in(backend: &dyn Backend) -> Result<Vec<Key>> {
    let blocks = Prefix::new("blocks").unwrap();
    let mut intake = Intake::begin(backend, &Prefix::root(), (&blocks, 0))?;
    let done = members().into_iter().try_for_each(|(member, content)| {
        intake.stage(&member, |take| content.chunks(2).try_for_each(|chunk| take(Bytes::copy_from_slice(chunk))))
    });
    match done.and_then(|()| intake.place()) {
        Ok(()) => Ok(intake.finish()),
        Err(error) => Err(intake.give_up(error)),
    }
}

const LIMITS: [fn(&mut Capability); 5] = [
    |_| {},
    |capability| capability.rename_if_absent = false,
    |capability| capability.rename = false,
    |capability| (capability.rename, capability.copy_if_absent) = (false, false),
    |capability| (capability.rename, capability.copy) = (false, false),
];

#[test]
fn everything_comes_to_its_place_and_nothing_else_stays() {
    for limit in LIMITS {
        let backend = Lesser::new(Memory::new(), limit);
        assert_eq!(take_in(&backend).unwrap(), []);
        assert_eq!(dump(&backend), expected());
        // Again: the same is there already.
        assert_eq!(take_in(&backend).unwrap(), []);
        assert_eq!(dump(&backend), expected());
    }
}

#[test]
fn nothing_that_is_there_is_replaced() {
    for limit in LIMITS {
        for other in ["other", "a longer one"] {
            let backend = Lesser::new(Memory::new(), limit);
            drop(backend.write(&Key::new("tables/b").unwrap(), other.into(), &WriteOptions::default()).unwrap());
            let error = take_in(&backend).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
            let mut left = dump(&backend);
            assert_eq!(left.remove("tables/b").unwrap(), other);
            left.retain(|key, _| !key.starts_with("blocks/"));
            assert_eq!(left, BTreeMap::new(), "the first file is taken back");
        }
    }
}

#[test]
fn a_damaged_block_is_replaced_by_a_right_one() {
    let memory = Memory::new();
    let blocks = Prefix::new("blocks").unwrap();
    let key = Block { hash: Hash::of(b"a block"), length: 7, generation: 0 }.key(&blocks).unwrap();
    drop(memory.write(&key, "rotten!".into(), &WriteOptions::default()).unwrap());
    take_in(&memory).unwrap();
    assert_eq!(dump(&memory), expected());
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Before,
    After,
    Lost,
    LostAfter,
}

/// A memory whose calls fail while `armed`: the one with this number, or all from there on.
struct Failing {
    backend: Lesser,
    armed: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
}

fn failing(at: usize, fault: Fault, from_then_on: bool, limit: fn(&mut Capability)) -> Failing {
    let (armed, calls) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (is_armed, counter) = (Arc::clone(&armed), Arc::clone(&calls));
    let moment = if matches!(fault, Fault::Before | Fault::Lost) { Moment::Before } else { Moment::After };
    let memory = Memory::new().with_hook(move |event| {
        if event.moment != moment || !is_armed.load(Ordering::Relaxed) {
            return Verdict::Pass;
        }
        let call = counter.fetch_add(1, Ordering::Relaxed);
        let hit = if from_then_on { call >= at } else { call == at };
        match (hit, fault) {
            (false, _) => Verdict::Pass,
            (true, Fault::Before | Fault::After) => Verdict::Fail(Error::new(ErrorKind::Unavailable, "injected")),
            (true, Fault::Lost | Fault::LostAfter) => Verdict::Unknown,
        }
    });
    Failing { backend: Lesser::new(memory, limit), armed, calls }
}

#[test]
fn a_failure_of_any_call_leaves_nothing_or_says_what() {
    let (mut failed, mut told) = (0, 0);
    for (limit, renames) in LIMITS.into_iter().zip([true, false, false, false, false]) {
        for fault in [Fault::Before, Fault::After, Fault::Lost, Fault::LostAfter] {
            for from_then_on in [false, true] {
                for at in 0.. {
                    let failing = failing(at, fault, from_then_on, limit);
                    let done = take_in(&failing.backend);
                    failing.armed.store(false, Ordering::Relaxed);
                    let mut there = dump(&failing.backend);
                    let case = format!("call {at} {fault:?}, from then on: {from_then_on}");
                    match done {
                        Ok(left) => {
                            left.iter().for_each(|key| drop(there.remove(key.as_str())));
                            assert_eq!(there, expected(), "{case}");
                        }
                        Err(error) => {
                            failed += 1;
                            there.retain(|key, _| !key.starts_with("blocks/"));
                            let named = error.to_string();
                            told += usize::from(named.contains("left_behind_keys"));
                            let quiet: Vec<&String> = there.keys().filter(|key| !named.contains(*key)).collect();
                            assert_eq!(quiet, Vec::<&String>::new(), "{case}: {error}");
                            // A backend that says "failed" and has done it: a rename can be told from its source.
                            if !from_then_on && (fault == Fault::Before || (fault == Fault::After && renames)) {
                                assert!(there.is_empty(), "{case}: {error}");
                            }
                        }
                    }
                    if failing.calls.load(Ordering::Relaxed) <= at {
                        break;
                    }
                }
            }
        }
    }
    assert!(failed > 100 && told > 20, "{failed} {told}");
}

#[test]
fn contents_that_are_not_those_of_the_list_are_never_placed() {
    let memory = Memory::new();
    let blocks = Prefix::new("blocks").unwrap();
    let mut intake = Intake::begin(&memory, &Prefix::root(), (&blocks, 0)).unwrap();
    let (member, content) = members().remove(1);
    intake.stage(&member, |take| take(content.into())).unwrap();
    let wrong = intake.stage(&member, |take| {
        take("other".into())?;
        Err(Error::new(ErrorKind::Corrupt, "another hash"))
    });
    let error = intake.give_up(wrong.unwrap_err());
    assert_eq!(error.to_string(), "corrupt: another hash");
    assert!(dump(&memory).is_empty());
}

#[test]
fn what_another_intake_has_taken_over_stays() {
    let memory = Memory::new();
    let blocks = Prefix::new("blocks").unwrap();
    let mut slow = Intake::begin(&memory, &Prefix::root(), (&blocks, 0)).unwrap();
    for (member, content) in members() {
        slow.stage(&member, |take| take(Bytes::from(content))).unwrap();
    }
    slow.place().unwrap();
    assert_eq!(take_in(&memory).unwrap(), []);
    let error = slow.give_up(Error::new(ErrorKind::AlreadyExists, "there is a state"));
    assert_eq!((error.kind(), dump(&memory)), (ErrorKind::AlreadyExists, expected()));
}
