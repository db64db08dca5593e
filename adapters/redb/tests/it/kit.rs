//! The conformance kit from both worlds, and its races.

use worldstore_core::conformance::{self, CaseResult, ROUNDS};
use worldstore_core::{Backend, Namespace, Prefix};

use crate::open;

#[test]
fn nothing_is_skipped_and_both_sides_answer_alike() {
    let folder = tempfile::tempdir().unwrap();
    let report = worldstore_async::conformance::answers_of_sync(|| open(folder.path())).unwrap();
    assert!(report.cases.iter().all(|case| matches!(case.result, CaseResult::Passed)), "{report}");
    assert!(report.transcript().lines().count() > 400);
}

#[test]
fn three_hundred_rounds_of_each_race_have_one_winner() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open(folder.path()).unwrap();
    for _ in 0..300 / ROUNDS {
        let report = conformance::race(backend.clone(), &Prefix::new("race").unwrap()).into_result().unwrap();
        assert_eq!(report.cases.len(), conformance::Race::ALL.len());
    }
}

#[test]
fn what_was_acknowledged_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let report =
        conformance::reopen(|| open(folder.path()), &Prefix::new("kit").unwrap()).unwrap().into_result().unwrap();
    assert_eq!(report.cases.len(), 4, "{report}");
}

#[test]
fn it_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open(folder.path()).unwrap();
    let info = backend.info();
    assert_eq!((info.scheme, info.namespace, info.capability.durable), ("redb", Namespace::Flat, true));
    assert_eq!(backend.to_string(), format!("redb({}/objects.redb)", folder.path().display()));
    backend.check(&Default::default()).unwrap();
}
