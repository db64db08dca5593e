//! One body of cases, and the same answers from both drivers.

use std::sync::Arc;

use worldstore_async::{
    AsyncBackend, AsyncBackendAdapter, AsyncMemory, CountingBackend, SyncBackendAdapter, conformance,
};
use worldstore_core::{Backend, Key, Local, Memory, Prefix, WriteOptions, conformance as sync_conformance};

worldstore_async::conformance_tests!(memory, sync: || Ok(Arc::new(Memory::new())));

worldstore_async::conformance_tests!(adapted_memory, async: || async {
    Ok(Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new()))))
});

fn below() -> Prefix {
    Prefix::new("kit").unwrap()
}

/// Runs the kit through every chain of bridges, each on a store of its own, and wants the answers of the first.
async fn every_bridge(begin: impl Fn() -> Arc<dyn Backend>) {
    let expected = sync_conformance::run(&*begin(), &below()).into_result().unwrap().transcript();
    let from_sync = |backend| -> Arc<dyn AsyncBackend> { Arc::new(SyncBackendAdapter::new(backend)) };
    let from_async = |backend| -> Arc<dyn Backend> { Arc::new(AsyncBackendAdapter::new(backend).unwrap()) };

    let once = conformance::run(&*from_sync(begin()), &below()).await.into_result().unwrap();
    assert_eq!(once.transcript(), expected);

    let twice = from_async(from_sync(begin()));
    let run = move || sync_conformance::run(&*twice, &below()).into_result().unwrap();
    assert_eq!(tokio::task::spawn_blocking(run).await.unwrap().transcript(), expected);

    let thrice = from_sync(from_async(from_sync(begin())));
    let thrice = conformance::run(&*thrice, &below()).await.into_result().unwrap();
    assert_eq!(thrice.transcript(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bridge_over_memory_answers_alike() {
    every_bridge(|| Arc::new(Memory::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bridge_over_local_answers_alike() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicUsize::new(0);
    every_bridge(|| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
        std::fs::create_dir(folder.path().join(&number)).unwrap();
        Arc::new(Local::new(folder.path().join(number)).unwrap())
    })
    .await;
}

#[test]
fn races_have_one_winner_through_both_bridges() {
    let adapted = SyncBackendAdapter::new(Arc::new(Memory::new()));
    let backend = AsyncBackendAdapter::new(Arc::new(adapted)).unwrap();
    sync_conformance::race(Arc::new(backend), &below()).into_result().unwrap();
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

#[test]
fn memory_in_place_answers_alike_and_needs_no_runtime() {
    let expected = sync_conformance::run(&Memory::new(), &below()).into_result().unwrap();
    let memory = AsyncMemory::new();
    let got = futures::executor::block_on(conformance::run(&memory, &below())).into_result().unwrap();
    assert_eq!(got.transcript(), expected.transcript());
    // What one side has left is what the other one finds.
    let page = |backend: &Memory| backend.list(&Prefix::root(), &Default::default()).unwrap().objects.len();
    assert_eq!(page(&AsyncMemory::from(memory.memory().clone()).memory().snapshot()), page(memory.memory()));
    let backend = AsyncBackendAdapter::new(Arc::new(AsyncMemory::from(Memory::new()))).unwrap();
    sync_conformance::race(Arc::new(backend), &below()).into_result().unwrap();
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
