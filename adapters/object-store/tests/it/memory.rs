//! Over object stores in memory: the suite, what is refused, and what is made of faults.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use object_store::memory::InMemory;
use worldstore_async::AsyncBackend;
use worldstore_core::{
    Capability, CheckOptions, Condition, CopyOptions, DeleteOptions, ErrorKind, Key, ListOptions, Outcome, Prefix,
    ReadOptions, RenameOptions, StatOptions, Version, WriteOptions,
};
use worldstore_object_store::ObjectStoreBackend;

use crate::careless::{Careless, Fault};
use crate::suite::{self, applied, body, bytes, key, write, write_parts};

fn capability() -> Capability {
    let mut capability = Capability::read_only();
    capability.write = true;
    capability.write_if_absent = true;
    capability.write_if_match = true;
    capability.copy = true;
    capability.list_sorted = true;
    capability.versions = true;
    capability
}

fn memory() -> ObjectStoreBackend {
    ObjectStoreBackend::new(Arc::new(InMemory::new()), capability())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_holds_from_the_root_and_below_a_folder() {
    suite::everything(&memory()).await;
    suite::everything(&memory().with_root(Prefix::new("some root/é %41").unwrap())).await;
    let mut tokens = capability();
    tokens.write_tokens = true;
    suite::everything(&ObjectStoreBackend::new(Arc::new(InMemory::new()), tokens).with_part_bytes(1 << 20)).await;
    let mut unsorted = capability();
    unsorted.list_sorted = false;
    suite::everything(&ObjectStoreBackend::new(Arc::new(InMemory::new()), unsorted)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn races_have_one_winner_and_lose_no_step() {
    suite::create_race(Arc::new(memory()), 300).await;
    suite::counter_race(Arc::new(memory()), 25).await;
    suite::many_keys(Arc::new(memory()), 2_100).await;
}

#[tokio::test]
async fn a_root_hides_what_is_outside_of_it() {
    let store = Arc::new(InMemory::new());
    let all = ObjectStoreBackend::new(store.clone(), capability());
    let inner = ObjectStoreBackend::new(store, capability()).with_root(Prefix::new("in").unwrap());
    applied(write(&all, "in/a", "a", Condition::None).await);
    applied(write(&all, "in2/b", "b", Condition::None).await);
    applied(write(&all, "out", "c", Condition::None).await);
    let page = inner.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    assert_eq!(page.objects.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(bytes(&inner, "a", ReadOptions::default()).await.unwrap(), b"a");
    assert_eq!(inner.to_string(), "object-store(InMemory/in)");
    let long = Key::new("x".repeat(1_023)).unwrap();
    let error = inner.stat(&long, &StatOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "root and key are too long together: {error}");
}

#[tokio::test]
async fn what_is_not_declared_is_refused_before_any_request() {
    let store = Arc::new(Careless::new(Fault::Nothing));
    let mut only_writes = Capability::read_only();
    only_writes.write = true;
    let (one, two, version) = (key("a"), key("b"), Version::new("1"));
    for (capability, plain) in [(Capability::read_only(), None), (only_writes, Some(()))] {
        let backend = ObjectStoreBackend::new(store.clone(), capability);
        let mut conditions = vec![Condition::IfAbsent, Condition::IfMatch(version.clone())];
        if plain.is_none() {
            conditions.push(Condition::None);
            let deleted = backend.delete(std::slice::from_ref(&one), &DeleteOptions::default()).await;
            assert_eq!(deleted.unwrap_err().kind(), ErrorKind::Unsupported);
        }
        for condition in conditions {
            let options = WriteOptions::default().with_condition(condition);
            let written = backend.write(&one, Bytes::new(), &options).await.unwrap_err();
            let opened = backend.open_writer(&one, &options).await.map(|_| ()).unwrap_err();
            assert_eq!((written.kind(), opened.kind()), (ErrorKind::Unsupported, ErrorKind::Unsupported));
        }
        let pinned = ReadOptions::default().with_version(version.clone());
        assert_eq!(backend.read(&one, &pinned).await.map(|_| ()).unwrap_err().kind(), ErrorKind::Unsupported);
        let copied = backend.copy(&one, &two, &CopyOptions::default()).await.unwrap_err();
        let renamed = backend.rename(&one, &two, &RenameOptions::default()).await.unwrap_err();
        assert_eq!((copied.kind(), renamed.kind()), (ErrorKind::Unsupported, ErrorKind::Unsupported));
    }
    assert_eq!(store.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_lost_reply_is_resolved_by_the_token_and_unknown_without() {
    for (fault, tokens, known) in
        [(Fault::LosesReplies, true, true), (Fault::LosesReplies, false, false), (Fault::LosesPuts, true, false)]
    {
        for condition in [Condition::IfAbsent, Condition::None] {
            let store = Arc::new(Careless::new(fault));
            let mut capability = capability();
            capability.write_tokens = tokens;
            let backend = ObjectStoreBackend::new(store.clone(), capability);
            match (write(&backend, "key", "body", condition.clone()).await, known) {
                (Outcome::Applied(meta), true) => assert!(meta.size == 4 && meta.version.is_some()),
                (Outcome::Unknown, false) => {}
                (other, _) => panic!("{fault:?} {tokens:?} {condition:?}: {other:?}"),
            }
            let puts = store.calls.load(Ordering::SeqCst) - usize::from(tokens);
            assert_eq!(puts, 1, "a change is not sent again");
        }
    }
}

#[tokio::test]
async fn the_check_finds_a_store_that_ignores_conditions() {
    let backend = |fault| ObjectStoreBackend::new(Arc::new(Careless::new(fault)), capability());
    backend(Fault::Nothing).check(&CheckOptions::default()).await.unwrap();
    let ignoring = backend(Fault::IgnoresConditions);
    let error = ignoring.check(&CheckOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let page = ignoring.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    assert!(page.objects.is_empty(), "the probe is removed");
}

#[tokio::test]
async fn a_conditional_writer_is_bounded() {
    let backend = memory().with_conditional_bytes_max(1_000_000);
    let error = write_parts(&backend, "key", &body(1_500_000), Condition::IfAbsent).await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let mut writer = backend.open_writer(&key("key"), &WriteOptions::if_absent()).await.unwrap();
    writer.write(body(1_000_001)).await.unwrap_err();
    assert_eq!(writer.write(body(1)).await.unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(writer.commit().await.unwrap_err().kind(), ErrorKind::Poisoned);
    let exact = write_parts(&backend, "key", &body(1_000_000), Condition::IfAbsent).await.unwrap();
    applied(exact.commit().await.unwrap());
}
