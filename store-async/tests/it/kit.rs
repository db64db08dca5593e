//! One body of cases, and the same answers from both drivers.

use std::sync::Arc;

use worldstore_async::{AsyncBackend, CountingBackend, SyncBackendAdapter, conformance};
use worldstore_core::{Backend, Key, Local, Memory, Prefix, WriteOptions, conformance as sync_conformance};

fn below() -> Prefix {
    Prefix::new("kit").unwrap()
}

/// Runs the kit on two stores that begin alike, on one directly and on the other from async.
async fn same_answers(direct: Arc<dyn Backend>, adapted: Arc<dyn Backend>) {
    let expected = sync_conformance::run(&*direct, &below()).into_result().unwrap();
    let adapted: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(adapted));
    let got = conformance::run(&*adapted, &below()).await.into_result().unwrap();
    assert_eq!(got.transcript(), expected.transcript());
    assert!(got.transcript().lines().count() > 400);
    // What only looks on changes no answer. The second run on the same store begins where the first ended.
    let counted = conformance::run(&CountingBackend::new(adapted), &below()).await.into_result().unwrap();
    assert_eq!(counted.transcript(), expected.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_answers_alike_on_both_sides() {
    same_answers(Arc::new(Memory::new()), Arc::new(Memory::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_answers_alike_on_both_sides() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    same_answers(Arc::new(Local::new(one.path()).unwrap()), Arc::new(Local::new(other.path()).unwrap())).await;
}

#[tokio::test]
async fn a_folder_that_holds_objects_is_left_alone() {
    let memory = Arc::new(Memory::new());
    let mine = Key::new("kit/round_trip/mine").unwrap();
    let _ = memory.write(&mine, "mine".into(), &WriteOptions::default()).unwrap();
    let report = conformance::run(&SyncBackendAdapter::new(memory.clone()), &below()).await;
    assert_eq!(report.failed().map(|case| case.case.as_str()).collect::<Vec<_>>(), ["round_trip"]);
    assert!(memory.stat(&mine, &Default::default()).is_ok());
}
