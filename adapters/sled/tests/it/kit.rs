//! The conformance kit from both worlds, its races, and processes that are killed.

use std::path::Path;
use std::time::Duration;

use worldstore_core::conformance::{self, CaseResult, Kills, Race};
use worldstore_core::{Backend, Namespace, Prefix};

use crate::open;

#[test]
fn nothing_is_skipped_and_both_sides_answer_alike() {
    let folder = tempfile::tempdir().unwrap();
    let report = worldstore_async::conformance::answers_of_sync(|| open(folder.path())).unwrap();
    assert!(report.cases.iter().all(|case| matches!(case.result, CaseResult::Passed)), "{report}");
    assert!(report.transcript().lines().count() > 400);
}

/// Not more rounds: in thousands of changes sled 0.34.7 can stand still, see `SEGMENT_BYTES`.
#[test]
fn each_race_has_one_winner() {
    let folder = tempfile::tempdir().unwrap();
    let report = conformance::race(open(folder.path()).unwrap(), &Prefix::new("race").unwrap()).into_result().unwrap();
    assert_eq!(report.cases.len(), Race::ALL.len());
}

#[test]
fn what_was_acknowledged_is_there_when_the_database_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let report =
        conformance::reopen(|| open(folder.path()), &Prefix::new("kit").unwrap()).unwrap().into_result().unwrap();
    assert_eq!(report.cases.len(), 4, "{report}");
}

#[test]
fn objects_outlive_processes_that_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let kills = Kills { victim: "kit::is_killed", count: 10, step: Duration::from_micros(1_700) };
    kills.survive(folder.path().to_str().unwrap(), |place| open(Path::new(place))).unwrap();
}

/// The other process.
#[test]
fn is_killed() {
    conformance::victim(|place| open(Path::new(place))).unwrap();
}

#[test]
fn it_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open(folder.path()).unwrap();
    let info = backend.info();
    assert_eq!((info.scheme, info.namespace, info.capability.durable), ("sled", Namespace::Flat, false));
    assert_eq!(backend.to_string(), format!("sled({}/objects)", folder.path().display()));
    backend.check(&Default::default()).unwrap();
}
