//! Many keys: an answer for each, in the order given; as few requests as possible; nothing after a stop.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use worldstore_core::transfer::{BatchOptions, BatchResult, OnError, Removal};
use worldstore_core::{CopyOptions, ErrorKind, Missing, Store};

use super::broken::Broken;
use super::{for_each_store, kind};

/// What came of each key, in words.
fn words<Value: std::fmt::Debug>(results: &[BatchResult<Value>]) -> Vec<String> {
    let word = |result: &BatchResult<Value>| match result {
        BatchResult::Done(value) => format!("{value:?}"),
        BatchResult::Failed(error) => error.kind().to_string(),
        BatchResult::Skipped => "skipped".to_owned(),
    };
    results.iter().map(word).collect()
}

#[test]
fn deletes_answer_for_each_key_in_order() {
    for_each_store(|store| {
        for key in ["a", "b", "folder/c", "folder/stays", "kept"] {
            store.write(key, key.to_owned()).unwrap();
        }
        let keys = ["b", "none", "../up", "folder", "a", "", "folder/c"];
        let expected = ["Deleted", "not found", "invalid", "invalid", "Deleted", "invalid", "Deleted"];
        let results = store.delete_many(&keys, Missing::Refuse, &BatchOptions::default()).unwrap();
        assert_eq!(words(&results), expected, "{store}");
        let left: Vec<_> = store.list("").map(|meta| meta.unwrap().key.to_string()).collect();
        assert_eq!(left, ["folder/stays", "kept"]);
        let results = store.delete_many(&["b", "kept"], Missing::Ignore, &BatchOptions::default()).unwrap();
        assert!(matches!(results[..], [BatchResult::Done(Removal::Missing), BatchResult::Done(Removal::Deleted)]));
        assert!(store.delete_many(&[], Missing::Refuse, &BatchOptions::default()).unwrap().is_empty());
    });
}

#[test]
fn deletes_go_in_batches_and_stop_between_them() {
    let broken = Arc::new(Broken::default());
    let store = Store::new(broken.clone());
    let keys: Vec<String> = (0..2500).map(|number| format!("{number:04}")).collect();
    for key in &keys {
        store.write(key, "x").unwrap();
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let results = store.delete_many(&keys, Missing::Refuse, &BatchOptions::default()).unwrap();
    assert!(results.len() == 2500 && results.iter().all(BatchResult::is_done));
    let mut sizes = std::mem::take(&mut *broken.deletes.lock().unwrap());
    sizes.sort();
    assert_eq!(sizes, [500, 1000, 1000]);

    let stop = BatchOptions::default().with_concurrency(1).with_on_error(OnError::Stop);
    store.write("2400", "x").unwrap();
    let mut with_failure = keys.clone();
    with_failure[5] = "unreachable";
    let results = store.delete_many(&with_failure, Missing::Ignore, &stop).unwrap();
    assert_eq!(results[0].error().unwrap().kind(), ErrorKind::Unavailable, "the request has failed for all its keys");
    assert!(results[0].error().unwrap().to_string().contains("0000"), "{:?}", results[0]);
    assert!(results[1000..].iter().all(|result| matches!(result, BatchResult::Skipped)));
    assert!(store.is_file("2400").unwrap(), "what was skipped was not done");

    broken.deletes.lock().unwrap().clear();
    let results = store.delete_many(&["2400", "wrong//key"], Missing::Refuse, &stop).unwrap();
    assert_eq!(words(&results), ["skipped", "invalid"]);
    assert!(broken.deletes.lock().unwrap().is_empty(), "a wrong key is found before anything is sent");
}

#[test]
fn copies_and_questions_answer_for_each_key_in_order() {
    for_each_store(|store| {
        store.write("a", "1").unwrap();
        store.write("taken", "2").unwrap();
        let pairs = [("a", "b"), ("none", "c"), ("a", "taken"), ("a", "d/e"), ("a", "x//y")];
        let results = store.copy_many(&pairs, &CopyOptions::if_absent(), &BatchOptions::default()).unwrap();
        let kinds: Vec<_> = results.iter().map(|result| result.error().map(|error| error.kind())).collect();
        let expected =
            [None, Some(ErrorKind::NotFound), Some(ErrorKind::AlreadyExists), None, Some(ErrorKind::Invalid)];
        assert_eq!(kinds, expected);
        assert_eq!(store.read_text("d/e").unwrap(), "1");
        assert_eq!(store.read_text("taken").unwrap(), "2");
        let results = store.exists_many(&["a", "d", "nowhere", "b", "/"], &BatchOptions::default()).unwrap();
        assert_eq!(words(&results), ["true", "true", "false", "true", "invalid"]);
    });
}

#[test]
fn a_stop_leaves_the_rest_undone_and_concurrency_is_bounded() {
    let broken = Arc::new(Broken::default());
    let store = Store::new(broken.clone());
    store.write("a", "1").unwrap();
    let targets: Vec<String> = (0..60).map(|number| format!("to/{number}")).collect();
    let pairs: Vec<_> = targets.iter().map(|target| ("a", target.as_str())).collect();
    let three = BatchOptions::default().with_concurrency(3);
    let results = store.copy_many(&pairs, &CopyOptions::default(), &three).unwrap();
    assert!(results.iter().all(BatchResult::is_done));
    let most = broken.at_work.1.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{most} at once");

    let stop = BatchOptions::default().with_concurrency(1).with_on_error(OnError::Stop);
    let pairs = [("a", "one"), ("none", "two"), ("a", "three")];
    let results = store.copy_many(&pairs, &CopyOptions::default(), &stop).unwrap();
    assert!(results[0].is_done() && results[1].error().is_some());
    assert!(matches!(results[2], BatchResult::Skipped));
    assert!(!store.exists("three").unwrap());
}

#[test]
fn what_cannot_be_is_refused_as_a_whole() {
    let store = Store::new(Arc::new(Broken { without_copy: true, ..Broken::default() }));
    assert_eq!(
        kind(store.copy_many(&[("a", "b")], &CopyOptions::default(), &BatchOptions::default())),
        ErrorKind::Unsupported
    );
    store.close();
    assert_eq!(kind(store.delete_many(&["a"], Missing::Ignore, &BatchOptions::default())), ErrorKind::Poisoned);
    assert_eq!(kind(store.exists_many(&["a"], &BatchOptions::default())), ErrorKind::Poisoned);
}
