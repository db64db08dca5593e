//! Answers that are lost, late or wrong: what is published is found out, once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::tampered::Tampered;
use super::{add, backend, caught, log, open, with};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::*;
use crate::ops::*;
use crate::planted::{Bug, Planted};

fn own_success_seen_as_exists(planted: Planted) {
    let memory = backend();
    open(&memory);
    // A layer below sends the request again after an error of the service, and gets to see the success of the first.
    let again = Tampered::writes(&memory, |inner, key, body: Bytes, options| {
        let _ = inner.write(key, body.clone(), options);
        inner.write(key, body, options)
    });
    let manifests = with(&again, |options| options.planted = planted);
    let writer = manifests.writer().unwrap();
    for id in ["a", "b", "c"] {
        add(&writer, id).unwrap();
    }
    assert_eq!(log(&manifests), "a b c ");
    assert_eq!(manifests.latest().unwrap().number, 5);
}

#[test]
fn an_own_success_that_is_seen_as_exists_is_a_success() {
    own_success_seen_as_exists(Planted::default());
}

#[test]
fn finds_exists_taken_as_foreign() {
    caught(|| own_success_seen_as_exists(Planted::default().with(Bug::ExistsIsForeign)));
}

fn answers_are_lost(planted: Planted) {
    for is_applied in [true, false] {
        let (memory, count) = (backend(), AtomicU64::new(0));
        open(&memory);
        let lossy = Tampered::writes(&memory, move |inner, key, body, options| {
            let lost = count.fetch_add(1, Ordering::Relaxed) % 3 != 2;
            match lost {
                true if is_applied => inner.write(key, body, options).map(|_| Outcome::Unknown),
                true => Ok(Outcome::Unknown),
                false => inner.write(key, body, options),
            }
        });
        let manifests = with(&lossy, |options| options.planted = planted);
        let writer = manifests.writer().unwrap();
        for id in ["a", "b", "c"] {
            add(&writer, id).unwrap();
        }
        assert_eq!(log(&manifests), "a b c ");
        assert_eq!(manifests.latest().unwrap().number, 5);
    }
}

#[test]
fn an_unknown_outcome_is_never_taken_for_a_failure() {
    answers_are_lost(Planted::default());
}

#[test]
fn finds_unknown_taken_as_failure() {
    caught(|| answers_are_lost(Planted::default().with(Bug::UnknownIsFailed)));
}

/// A request that arrives long after its sender has given up is published, or is not, and never twice.
#[test]
fn a_request_that_arrives_late_is_published_once_or_never() {
    for publishes_before in [false, true] {
        let (memory, late) = (backend(), std::sync::Arc::new(Mutex::new(None)));
        open(&memory);
        let keep = std::sync::Arc::clone(&late);
        let slow = Tampered::writes(&memory, move |inner, key, body: Bytes, options| {
            let mut keep = keep.lock().unwrap();
            match &*keep {
                // The writer's claim and what comes after the one that is late.
                None if key.as_str().ends_with('2') => inner.write(key, body, options),
                Some((late, _)) if late != key => inner.write(key, body, options),
                _ => {
                    *keep = Some((key.clone(), body));
                    Ok(Outcome::Unknown)
                }
            }
        });
        let manifests = with(&slow, |_| {});
        let writer = manifests.writer().unwrap();
        assert_eq!(add(&writer, "late").unwrap_err().kind(), ErrorKind::OutcomeUnknown);
        let other = open(&memory);
        assert_eq!(log(&other), "");
        if publishes_before {
            other.tag("x", 1).unwrap();
        }
        let (key, body) = late.lock().unwrap().clone().unwrap();
        let arrived = memory.write(&key, body.clone(), &WriteOptions::if_absent()).unwrap();
        assert_eq!(matches!(arrived, Outcome::Applied(_)), !publishes_before);
        add(&writer, "next").unwrap();
        assert_eq!(log(&other), if publishes_before { "next " } else { "late next " });
        let _ = memory.write(&key, body, &WriteOptions::if_absent()).unwrap();
        assert_eq!(other.verify().unwrap(), other.latest().unwrap().number);
    }
}

/// A name can be seen although its folder could not be synced: it is written again until that is acknowledged.
fn a_name_is_only_seen(planted: Planted) {
    let (memory, seen) = (backend(), std::sync::Arc::new(Mutex::new(Vec::new())));
    open(&memory);
    let noted = std::sync::Arc::clone(&seen);
    let unsynced = Tampered::writes(&memory, move |inner, key, body, options| {
        noted.lock().unwrap().push(options.condition.clone());
        let outcome = inner.write(key, body, options)?;
        Ok(if options.condition == Condition::IfAbsent { Outcome::Unknown } else { outcome })
    });
    let manifests = with(&unsynced, |options| options.planted = planted);
    manifests.tag("x", 1).unwrap();
    assert_eq!(*seen.lock().unwrap(), [Condition::IfAbsent, Condition::None]);
    assert_eq!(manifests.latest().unwrap().number, 2);
}

#[test]
fn what_is_only_seen_is_written_again() {
    a_name_is_only_seen(Planted::default());
}

#[test]
fn finds_that_what_is_seen_is_taken_for_durable() {
    caught(|| a_name_is_only_seen(Planted::default().with(Bug::SeenIsDurable)));
}

#[test]
fn what_stays_unclear_is_said_to_be() {
    let memory = backend();
    open(&memory);
    let dead = Tampered::writes(&memory, |_, _, _, _| Ok(Outcome::Unknown));
    let error = with(&dead, |_| {}).tag("x", 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    // In doubt, a later error that is clear does not make it a failure.
    let count = AtomicU64::new(0);
    let worse =
        Tampered::writes(&memory, move |inner, key, body, options| match count.fetch_add(1, Ordering::Relaxed) {
            0 => inner.write(key, body, options).map(|_| Outcome::Unknown),
            _ => Err(Error::new(ErrorKind::StorageFull, "full")),
        });
    let error = with(&worse, |_| {}).tag("x", 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert!(format!("{error:?}").contains("caused by: storage full"), "{error:?}");
}

#[test]
fn a_clear_error_publishes_nothing() {
    let memory = backend();
    open(&memory);
    let full = Tampered::writes(&memory, |_, _, _, _| Err(Error::new(ErrorKind::StorageFull, "full")));
    let error = with(&full, |_| {}).tag("x", 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(open(&memory).latest().unwrap().number, 1);
}

#[test]
fn a_backend_that_overwrites_what_is_there_is_refused() {
    let memory = backend();
    open(&memory);
    let careless = Tampered::writes(&memory, |inner, key, body, _| inner.write(key, body, &WriteOptions::default()));
    let error = with(&careless, |_| {}).writer().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(open(&memory).verify().unwrap(), 2, "the attempt has harmed nothing");
}

#[test]
fn a_backend_that_cannot_write_only_what_is_absent_is_refused() {
    let memory = backend();
    open(&memory);
    let read_only: std::sync::Arc<dyn Backend> = std::sync::Arc::new(crate::wrap::ReadOnlyBackend::new(memory));
    let manifests = open(&read_only);
    assert_eq!(manifests.latest().unwrap().number, 1, "readers need no right to write");
    assert_eq!(manifests.writer().unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn errors_of_the_edit_come_out_and_publish_nothing() -> Result<()> {
    let manifests = open(&backend());
    let writer = manifests.writer()?;
    let error = writer.publish(|_| Err(Error::invalid("not today"))).unwrap_err();
    assert_eq!(error.message(), "not today");
    let set = |name: &str, value: &str| {
        writer.publish(|draft| {
            draft.properties.insert(name.into(), value.into());
            Ok(())
        })
    };
    assert_eq!(set("\n", "").unwrap_err().kind(), ErrorKind::Invalid);
    let error = set("x", &"x".repeat(MANIFEST_BYTES_MAX as usize)).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Invalid, "manifest is too long"));
    assert_eq!(manifests.latest()?.number, 2);
    Ok(())
}
