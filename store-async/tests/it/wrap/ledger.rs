//! The ledger knows what was written, or nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use worldstore_core::blocks::Hash;
use worldstore_core::memory::{Moment, Verdict};

use super::*;

fn noted(body: &str) -> Option<Noted> {
    Some(Noted { length: body.len() as u64, hash: Hash::of(body.as_bytes()) })
}

fn ledger_over(memory: Memory) -> AsyncLedgerBackend {
    AsyncLedgerBackend::new(Arc::new(SyncBackendAdapter::new(Arc::new(memory))))
}

fn get(backend: &AsyncLedgerBackend, name: &str) -> Option<Noted> {
    backend.ledger().get(&key(name))
}

#[tokio::test]
async fn what_is_written_is_known_until_it_is_overwritten_or_deleted() {
    let backend = ledger_over(Memory::new());
    put(&backend, "a", "one").await;
    assert_eq!(get(&backend, "a"), noted("one"));
    put(&backend, "a", "three").await;
    assert_eq!(get(&backend, "a"), noted("three"));
    let rejected = backend.write(&key("a"), "x".into(), &WriteOptions::if_absent()).await.unwrap();
    assert_eq!((rejected, get(&backend, "a")), (Outcome::Rejected, noted("three")));

    let mut writer = backend.open_writer(&key("b"), &WriteOptions::default()).await.unwrap();
    for chunk in ["in ", "two"] {
        writer.write(chunk.into()).await.unwrap();
    }
    assert_eq!(get(&backend, "b"), None);
    assert!(matches!(writer.commit().await.unwrap(), Outcome::Applied(_)));
    assert_eq!(get(&backend, "b"), noted("in two"));

    backend.delete(&[key("a"), key("none")], &DeleteOptions::default()).await.unwrap();
    assert_eq!((get(&backend, "a"), backend.ledger().len()), (None, 1));
}

#[tokio::test]
async fn copies_and_renames_take_along_what_is_known() {
    let backend = ledger_over(Memory::new());
    put(&backend, "a", "one").await;
    put(&backend, "t", "other").await;
    let _ = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).await.unwrap();
    assert_eq!((get(&backend, "a"), get(&backend, "b")), (noted("one"), noted("one")));
    assert_eq!(backend.rename(&key("a"), &key("t"), &RenameOptions::if_absent()).await.unwrap(), Outcome::Rejected);
    assert_eq!((get(&backend, "a"), get(&backend, "t")), (noted("one"), noted("other")));
    let _ = backend.rename(&key("a"), &key("t"), &RenameOptions::default()).await.unwrap();
    assert_eq!((get(&backend, "a"), get(&backend, "t")), (None, noted("one")));
    // Over something that is known comes something that is not.
    let unseen = backend.clone();
    let other = AsyncLedgerBackend::new(Arc::new(unseen));
    put(&other, "u", "unseen").await;
    let _ = other.copy(&key("b"), &key("u"), &CopyOptions::default()).await.unwrap();
    assert_eq!((get(&other, "u"), get(&backend, "u")), (None, noted("one")));
}

#[tokio::test]
async fn a_change_whose_end_nobody_knows_makes_its_key_unknown_for_good() {
    let lossy = Arc::new(AtomicBool::new(false));
    let loses = Arc::clone(&lossy);
    let backend = ledger_over(Memory::new().with_hook(move |event| {
        match event.moment == Moment::After && event.operation == "write" && loses.load(Ordering::SeqCst) {
            true => Verdict::Unknown,
            false => Verdict::Pass,
        }
    }));
    put(&backend, "a", "one").await;
    lossy.store(true, Ordering::SeqCst);
    let lost = backend.write(&key("a"), "lost".into(), &WriteOptions::default()).await.unwrap();
    assert_eq!((lost, get(&backend, "a")), (Outcome::Unknown, None));
    lossy.store(false, Ordering::SeqCst);
    // The lost one may arrive after this.
    put(&backend, "a", "two").await;
    put(&backend, "b", "two").await;
    assert_eq!((get(&backend, "a"), get(&backend, "b")), (None, noted("two")));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_overlap_or_are_given_up_make_their_key_unknown() {
    let (entered, wait) = std::sync::mpsc::channel();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let backend = ledger_over(Memory::new().with_hook(move |event| {
        if event.moment == Moment::Before && event.operation == "write" && event.key.starts_with("slow") {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap();
        }
        Verdict::Pass
    }));
    let slow = |body: &'static str, name: &'static str| {
        let backend = backend.clone();
        tokio::spawn(async move { backend.write(&key(name), body.into(), &WriteOptions::default()).await })
    };
    let (one, other) = (slow("one", "slow"), slow("other", "slow"));
    wait.recv().unwrap();
    go.send(()).unwrap();
    go.send(()).unwrap();
    let _ = (one.await.unwrap().unwrap(), other.await.unwrap().unwrap());
    assert_eq!(get(&backend, "slow"), None);
    wait.recv().unwrap();
    // Alone, it is known again.
    go.send(()).unwrap();
    let _ = slow("third", "slow").await.unwrap().unwrap();
    wait.recv().unwrap();
    assert_eq!(get(&backend, "slow"), noted("third"));

    let given_up = slow("fourth", "slow2");
    wait.recv().unwrap();
    given_up.abort();
    assert!(given_up.await.is_err());
    go.send(()).unwrap();
    go.send(()).unwrap();
    let _ = slow("fifth", "slow2").await.unwrap().unwrap();
    assert_eq!(get(&backend, "slow2"), None, "the fourth may come after the fifth");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_of_what_is_overwritten_meanwhile_leaves_its_target_unknown() {
    let (entered, wait) = std::sync::mpsc::channel();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let backend = ledger_over(Memory::new().with_hook(move |event| {
        if event.moment == Moment::Before && event.operation == "rename" {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap();
        }
        Verdict::Pass
    }));
    put(&backend, "a", "one").await;
    let moving = {
        let backend = backend.clone();
        tokio::spawn(async move { backend.rename(&key("a"), &key("b"), &RenameOptions::default()).await })
    };
    wait.recv().unwrap();
    put(&backend, "a", "two").await;
    go.send(()).unwrap();
    assert!(matches!(moving.await.unwrap().unwrap(), Outcome::Applied(_)));
    assert_eq!(content(&backend, "b").await, b"two");
    assert_eq!((get(&backend, "a"), get(&backend, "b")), (None, None));
}

#[tokio::test]
async fn it_is_bounded() {
    let backend = AsyncLedgerBackend::with_entries_max(memory(), 3);
    for (number, name) in (0..).zip(["a", "b", "c", "d", "a", "e"]) {
        put(&backend, name, format!("{number}")).await;
    }
    let known: Vec<_> = ["a", "b", "c", "d", "e"].into_iter().filter(|name| get(&backend, name).is_some()).collect();
    assert_eq!(known, ["a", "d", "e"]);
    assert_eq!(get(&backend, "a"), noted("4"));

    // More changes of unknown end than it can remember: it knows nothing any more.
    let lossy = Memory::new().with_hook(|event| match event.key.starts_with("lost") {
        true => Verdict::Unknown,
        false => Verdict::Pass,
    });
    let backend = AsyncLedgerBackend::with_entries_max(Arc::new(SyncBackendAdapter::new(Arc::new(lossy))), 3);
    put(&backend, "a", "one").await;
    for number in 0..4 {
        assert_eq!(get(&backend, "a"), noted("one"));
        let _ = backend.write(&key(&format!("lost{number}")), "x".into(), &WriteOptions::default()).await.unwrap();
    }
    put(&backend, "b", "two").await;
    assert!(backend.ledger().is_empty());
}
