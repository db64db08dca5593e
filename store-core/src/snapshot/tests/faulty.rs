//! Imports that fail at any call, and imports into backends that can do less.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::super::testing::{Lesser, dump};
use super::travel::{export, import, root};
use super::*;
use crate::blocks::Hash;
use crate::error::Error;
use crate::memory::{Moment, Verdict};

/// A backend whose calls fail while it is armed: the one with this number, or all from there on.
fn failing(at: usize, lost: bool, moment: Moment, on: bool) -> (Arc<Memory>, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (armed, calls) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (is_armed, counter) = (Arc::clone(&armed), Arc::clone(&calls));
    let memory = Memory::new().with_hook(move |event| {
        if event.moment != moment || !is_armed.load(Ordering::Relaxed) {
            return Verdict::Pass;
        }
        let call = counter.fetch_add(1, Ordering::Relaxed);
        match if on { call >= at } else { call == at } {
            false => Verdict::Pass,
            true if lost => Verdict::Unknown,
            true => Verdict::Fail(Error::new(ErrorKind::Unavailable, "injected")),
        }
    });
    (Arc::new(memory), armed, calls)
}

#[test]
fn an_import_that_fails_anywhere_shows_nothing_and_succeeds_later() {
    let snapshots = chain(Arc::new(Memory::new()));
    let (archive, exported) = export(&snapshots, &Which::Newest);
    let options = ManifestOptions::default().with_attempts(2).with_settle_attempts(2);
    let options = ImportOptions::default().with_manifests(options.with_pause_max(Duration::ZERO));
    let (mut failed, mut unknown) = (0, 0);
    for (lost, moment, on) in [false, true].into_iter().flat_map(|lost| {
        [Moment::Before, Moment::After]
            .into_iter()
            .flat_map(move |moment| [(lost, moment, false), (lost, moment, true)])
    }) {
        for at in 0.. {
            let (memory, armed, calls) = failing(at, lost, moment, on);
            let done = Snapshots::import(Arc::clone(&memory) as Arc<_>, root(), &archive[..], &options);
            armed.store(false, Ordering::Relaxed);
            let case = format!("call {at}, lost: {lost}, {moment:?}, from then on: {on}");
            let objects = dump(&*memory);
            match done {
                Ok((_, imported)) => assert_eq!(imported.content, exported.content),
                Err(error) => {
                    failed += 1;
                    unknown += usize::from(error.to_string().contains("files_in_place"));
                    check_failed(&objects, &error, &case);
                    succeed_later(&memory, &archive, exported.content, &case);
                }
            }
            if calls.load(Ordering::Relaxed) <= at {
                break;
            }
        }
    }
    assert!(failed > 100 && unknown > 0, "{failed} {unknown}");
}

/// After a failure nothing can be seen but what the error tells.
fn check_failed(objects: &BTreeMap<String, bytes::Bytes>, error: &Error, case: &str) {
    let told = error.to_string();
    let is_open = told.contains("files_in_place");
    for key in objects.keys() {
        let is_quiet = key.contains("/blocks/") || key.contains("/manifests/");
        assert!(is_quiet || is_open || told.contains(key.as_str()) || told.contains('…'), "{case}: {key}: {error}");
    }
}

/// The same import, once the backend works again, unless the first one is there after all.
fn succeed_later(memory: &Arc<Memory>, archive: &[u8], content: Hash, case: &str) {
    let snapshots = match import(memory, archive) {
        Ok((snapshots, _)) => snapshots,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let manifests = Manifests::open(Arc::clone(memory) as Arc<_>, root(), ManifestOptions::default());
            Snapshots::new(manifests.unwrap())
        }
        Err(error) => panic!("{case}: {error:?}"),
    };
    assert_eq!(snapshots.describe(&Which::Newest).unwrap().content, content, "{case}");
    assert!(snapshots.verify_all().unwrap().damage.is_empty(), "{case}");
}

#[test]
fn backends_that_can_do_less_take_a_state_too() {
    let snapshots = chain(Arc::new(Memory::new()));
    let (archive, _) = export(&snapshots, &Which::Newest);
    let plain = Arc::new(Lesser::new(Memory::new(), |capability| {
        *capability = crate::Capability::default();
        (capability.write, capability.write_if_absent) = (true, true);
    }));
    let (copy, _) = import(&plain, &archive).unwrap();
    assert!(copy.verify_all().unwrap().damage.is_empty());
    assert!(dump(&*plain).keys().all(|key| !key.contains("importing")));
    let unable = Arc::new(Lesser::new(Memory::new(), |capability| capability.write_if_absent = false));
    let error = import(&unable, &archive).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(dump(&*unable).is_empty());
}
