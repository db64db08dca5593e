//! The conformance kit from both worlds, and its races.

use std::sync::Arc;

use worldstore_async::SyncBackendAdapter;
use worldstore_core::conformance::{self, CaseResult, ROUNDS};
use worldstore_core::{Backend, Namespace, Prefix};

use crate::{Scratch, scratch};

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_passes_with_the_same_answers_on_both_sides() {
    let (Some(one), Some(other)) = (scratch("kit-one"), scratch("kit-other")) else { return };
    let below = Prefix::new("kit").unwrap();
    let direct = conformance::run(&one.connect(), &below).into_result().unwrap();
    assert!(direct.cases.iter().all(|case| matches!(case.result, CaseResult::Passed)), "nothing is skipped: {direct}");
    let adapted = SyncBackendAdapter::new(Arc::new(other.connect()));
    let adapted = worldstore_async::conformance::run(&adapted, &below).await.into_result().unwrap();
    assert_eq!(adapted.transcript(), direct.transcript());
    assert!(adapted.transcript().lines().count() > 400);
}

#[test]
fn the_kit_passes_with_many_small_pieces() {
    let Some(scratch) = scratch("kit-pieces") else { return };
    let config = scratch.config.clone().with_small_bytes_max(0).with_piece_bytes(10_007).with_connections_max(1);
    conformance::run(&config.connect().unwrap(), &Prefix::new("kit").unwrap()).into_result().unwrap();
    assert!(scratch.generations().iter().all(|(_, expiry)| *expiry > 0), "what is left goes by itself");
}

fn races(scratch: &Scratch, small_bytes_max: usize, times: usize) {
    let config = scratch.config.clone().with_small_bytes_max(small_bytes_max).with_connections_max(5);
    let backend = Arc::new(config.connect().unwrap());
    for _ in 0..times {
        let report = conformance::race(backend.clone(), &Prefix::new("race").unwrap()).into_result().unwrap();
        assert_eq!(report.cases.len(), conformance::Race::ALL.len());
    }
}

#[test]
fn three_hundred_rounds_of_each_race_have_one_winner() {
    if let Some(scratch) = scratch("races") {
        races(&scratch, 64 << 10, 300 / ROUNDS);
    }
}

#[test]
fn races_of_large_objects_have_one_winner() {
    if let Some(scratch) = scratch("races-large") {
        races(&scratch, 0, 3);
    }
}

#[test]
fn it_says_what_it_is() {
    let Some(scratch) = scratch("info") else { return };
    let backend = scratch.connect();
    let info = backend.info();
    assert_eq!((info.scheme, info.namespace, info.capability.durable), ("redis", Namespace::Flat, false));
    assert!(backend.to_string().starts_with("redis(") && backend.to_string().contains(&scratch.namespace));
    backend.check(&Default::default()).unwrap();
}
