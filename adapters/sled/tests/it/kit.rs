//! The conformance kit from both worlds, and its races.

use std::sync::Arc;

use worldstore_async::SyncBackendAdapter;
use worldstore_core::conformance::{self, CaseResult};
use worldstore_core::{Backend, Namespace, Prefix};

use crate::open;

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_passes_with_the_same_answers_on_both_sides() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let below = Prefix::new("kit").unwrap();
    let direct = conformance::run(&open(one.path()), &below).into_result().unwrap();
    assert!(direct.cases.iter().all(|case| matches!(case.result, CaseResult::Passed)), "nothing is skipped: {direct}");
    let adapted = SyncBackendAdapter::new(Arc::new(open(other.path())));
    let adapted = worldstore_async::conformance::run(&adapted, &below).await.into_result().unwrap();
    assert_eq!(adapted.transcript(), direct.transcript());
    assert!(adapted.transcript().lines().count() > 400);
}

/// Not more rounds: in thousands of concurrent transactions sled 0.34.7 can deadlock in its own log.
#[test]
fn each_race_has_one_winner() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Arc::new(open(folder.path()));
    let report = conformance::race(backend, &Prefix::new("race").unwrap()).into_result().unwrap();
    assert_eq!(report.cases.len(), conformance::Race::ALL.len());
}

#[test]
fn it_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open(folder.path());
    let info = backend.info();
    assert_eq!((info.scheme, info.namespace, info.capability.durable), ("sled", Namespace::Flat, false));
    assert_eq!(backend.to_string(), format!("sled({}/objects)", folder.path().display()));
    backend.check(&Default::default()).unwrap();
}
