//! Writers that are overtaken, or asleep for too long, acknowledge nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::tampered::Tampered;
use super::{add, backend, caught, log, open, with};
use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::manifest::*;
use crate::ops::*;
use crate::planted::{Bug, Planted};

/// When the sleeper sleeps.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sleeps {
    BeforeWrite,
    BeforeAnswer,
}

/// A handle that sleeps during its next write once it is armed, while `meanwhile` happens.
fn sleeper(
    memory: &Arc<dyn Backend>,
    sleeps: Sleeps,
    planted: Planted,
    meanwhile: impl Fn(&Manifests) + Send + Sync + 'static,
) -> (Manifests, Arc<AtomicBool>) {
    let armed = Arc::new(AtomicBool::new(false));
    let (flag, others) = (Arc::clone(&armed), open(memory));
    let slow = Tampered::writes(memory, move |inner, key, body, options| {
        let now = flag.swap(false, Ordering::Relaxed);
        if now && sleeps == Sleeps::BeforeWrite {
            meanwhile(&others);
        }
        let outcome = inner.write(key, body, options);
        if now && sleeps == Sleeps::BeforeAnswer {
            meanwhile(&others);
        }
        outcome
    });
    (with(&slow, |options| options.planted = planted), armed)
}

fn take_over_and_expire(others: &Manifests) {
    let writer = others.writer().unwrap();
    for id in ["x", "y", "z"] {
        add(&writer, id).unwrap();
    }
    others.expire(&ExpireOptions::default().with_keep_last(1)).unwrap();
}

#[test]
fn a_writer_that_was_overtaken_is_fenced_for_good() {
    let memory = backend();
    let manifests = open(&memory);
    let (old, new) = (manifests.writer().unwrap(), open(&memory).writer().unwrap());
    assert_eq!((old.epoch(), new.epoch()), (1, 2));
    for _ in 0..2 {
        assert_eq!(add(&old, "old").unwrap_err().kind(), ErrorKind::Fenced);
    }
    add(&new, "new").unwrap();
    assert_eq!(log(&manifests), "new ");
}

/// The takeover falls between the write and its answer: it is in the chain, and is not acknowledged.
fn taken_over_before_the_answer(planted: Planted) {
    let memory = backend();
    let (manifests, armed) = sleeper(&memory, Sleeps::BeforeAnswer, planted, |others| drop(others.writer().unwrap()));
    let writer = manifests.writer().unwrap();
    armed.store(true, Ordering::Relaxed);
    let error = add(&writer, "a").expect_err("acknowledged by a writer that was overtaken");
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert_eq!(log(&manifests), "a ", "whoever reads before going on sees it");
}

#[test]
fn nothing_is_acknowledged_after_a_takeover() {
    taken_over_before_the_answer(Planted::default());
}

#[test]
fn finds_no_epoch_check_after_the_write() {
    caught(|| taken_over_before_the_answer(Planted::default().with(Bug::SkipFenceCheck)));
}

/// The number that the sleeper wants is taken, expired, and free again.
fn asleep_until_its_number_is_free_again(planted: Planted) {
    let memory = backend();
    let (manifests, armed) = sleeper(&memory, Sleeps::BeforeWrite, planted, take_over_and_expire);
    let writer = manifests.writer().unwrap();
    armed.store(true, Ordering::Relaxed);
    let error = add(&writer, "lost").expect_err("acknowledged, and in no chain");
    assert_eq!(error.kind(), ErrorKind::Fenced);
    let (reader, number) = (open(&memory), 3);
    assert_eq!(log(&reader), "x y z ");
    assert!(reader.stored(number).unwrap().properties["log"].contains("lost"), "its manifest has the old number");
    assert!(reader.at(number).unwrap_err().is_not_found(), "and is shown to nobody");
    assert!(!reader.list().unwrap().contains(&number));
    reader.verify().unwrap();
    assert_eq!(reader.expire(&ExpireOptions::default()).unwrap().removed, [number], "the next expiry removes it");
    assert!(reader.stored(number).unwrap_err().is_not_found());
}

#[test]
fn a_writer_that_was_asleep_until_its_number_was_expired_acknowledges_nothing() {
    asleep_until_its_number_is_free_again(Planted::default());
}

#[test]
fn finds_a_number_that_is_given_twice() {
    caught(|| asleep_until_its_number_is_free_again(Planted::default().with(Bug::CollectDeletesFence)));
}

/// It was in the chain, and nobody can tell any more.
#[test]
fn a_writer_whose_successors_are_expired_does_not_claim_to_know() {
    let memory = backend();
    let pin = |others: &Manifests| {
        (0..3).for_each(|round| drop(others.tag(&format!("{round}"), others.latest().unwrap().number).unwrap()));
        (0..3).for_each(|round| assert!(others.release(&format!("{round}")).unwrap()));
        others.expire(&ExpireOptions::default().with_keep_last(1)).unwrap();
    };
    let (manifests, armed) = sleeper(&memory, Sleeps::BeforeAnswer, Planted::default(), pin);
    let writer = manifests.writer().unwrap();
    armed.store(true, Ordering::Relaxed);
    assert_eq!(add(&writer, "a").unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(add(&writer, "b").unwrap_err().kind(), ErrorKind::Fenced, "it must be opened again");
    assert_eq!(log(&manifests), "a ");
}

/// Of what is published without an epoch it is said that nobody knows: done again, it would be done twice.
#[test]
fn what_was_shared_and_is_expired_before_the_answer_is_not_done_again() {
    let memory = backend();
    let (manifests, armed) = sleeper(&memory, Sleeps::BeforeAnswer, Planted::default(), |others| {
        (0..2).for_each(|round| drop(others.tag(&round.to_string(), others.latest().unwrap().number).unwrap()));
        (0..2).for_each(|round| assert!(others.release(&round.to_string()).unwrap()));
        others.expire(&ExpireOptions::default().with_keep_last(1)).unwrap();
    });
    let add = |id: &str| {
        manifests.publish_shared(|draft| {
            draft.properties.entry("log".into()).or_default().push_str(id);
            Ok(())
        })
    };
    armed.store(true, Ordering::Relaxed);
    assert_eq!(add("a").unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(log(&manifests), "a", "it was published, once");
    add("b").unwrap();
    assert_eq!(log(&manifests), "ab");
}

/// Others may pin and expire as they like while the writer is at work.
#[test]
fn others_do_not_disturb_the_writer() {
    let memory = backend();
    let disturb = |others: &Manifests| {
        drop(others.tag("t", others.latest().unwrap().number).unwrap());
        drop(others.collect(&CollectOptions::default()).unwrap());
    };
    for sleeps in [Sleeps::BeforeWrite, Sleeps::BeforeAnswer] {
        let memory = if sleeps == Sleeps::BeforeWrite { Arc::clone(&memory) } else { backend() };
        let (manifests, armed) = sleeper(&memory, sleeps, Planted::default(), disturb);
        let writer = manifests.writer().unwrap();
        armed.store(true, Ordering::Relaxed);
        add(&writer, "a").unwrap();
        add(&writer, "b").unwrap();
        assert_eq!(log(&manifests), "a b ");
        assert!(manifests.latest().unwrap().pins.contains_key("t"));
    }
}

/// A pin that was asleep is not in the chain either; it is made again, or refused.
#[test]
fn a_pin_that_was_asleep_is_made_again() {
    for (number, exists) in [(1, false), (7, true)] {
        let memory = backend();
        let (manifests, armed) = sleeper(&memory, Sleeps::BeforeWrite, Planted::default(), take_over_and_expire);
        // Number 7 is not there yet: the pin looks again once it is.
        let wanted = if exists { manifests.latest().unwrap().number } else { number };
        if exists {
            open(&memory).tag("kept", wanted).unwrap();
        }
        armed.store(true, Ordering::Relaxed);
        let pinned = manifests.tag("mine", wanted);
        assert_eq!(pinned.is_ok(), exists, "{pinned:?}");
        assert_eq!(open(&memory).latest().unwrap().pins.contains_key("mine"), exists);
        assert!(pinned.is_ok_and(|stored| stored.number > 5) || !exists);
    }
}

#[test]
fn two_begin_a_chain_and_one_wins() {
    let memory = backend_without_chain();
    let make = || Manifests::create(Arc::clone(&memory), super::folder(), ManifestOptions::default());
    make().unwrap();
    assert_eq!(make().unwrap_err().kind(), ErrorKind::AlreadyExists);
    // Also after the first number is expired, and free again.
    let manifests = open(&memory);
    take_over_and_expire(&manifests);
    assert!(manifests.stored(1).unwrap_err().is_not_found());
    assert_eq!(make().unwrap_err().kind(), ErrorKind::AlreadyExists);
    let options = ManifestOptions::default();
    let opened = Manifests::open_or_create(Arc::clone(&memory), super::folder(), options).unwrap();
    assert_eq!(log(&opened), "x y z ");
}

fn backend_without_chain() -> Arc<dyn Backend> {
    let memory: Arc<dyn Backend> = Arc::new(crate::Memory::new());
    let missing = Manifests::open(Arc::clone(&memory), super::folder(), ManifestOptions::default());
    assert!(missing.unwrap_err().is_not_found());
    memory
}

#[test]
fn names_of_others_are_no_manifests() {
    let memory = backend();
    let manifests = open(&memory);
    for name in ["readme", "7", "0000000000000000000x", "00000000000000000009/x", "000000000000000000009"] {
        let key = manifests.inner.numbers.key(name).unwrap();
        let written = memory.write(&key, "x".into(), &WriteOptions::default()).unwrap();
        assert!(matches!(written, Outcome::Applied(_)));
    }
    assert_eq!(open(&memory).latest().unwrap().number, 1);
    manifests.writer().unwrap();
    assert_eq!(open(&memory).list().unwrap(), [1, 2]);
}
