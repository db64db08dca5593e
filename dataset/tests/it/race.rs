//! Many writers, and answers that are lost: every row is there, once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use worldstore_core::{Ability, Backend, ErrorKind, Local, Memory, Store};
use worldstore_dataset::{Dataset, DatasetReadOptions};

use super::rigged::{Lost, Rigged};
use super::{all, by_city, error, expected, kind, plain, rows};

const WRITERS: i64 = 8;
const APPENDS: i64 = 25;

#[test]
fn all_rows_of_all_writers_are_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let backends: [Arc<dyn Backend>; 2] = [Arc::new(Memory::new()), Arc::new(Local::new(folder.path()).unwrap())];
    for backend in backends {
        let store = Store::new(Arc::clone(&backend));
        if !store.supports(Ability::WriteIfMatch) {
            let dataset = Dataset::open(&store, "sets/raced").unwrap();
            assert_eq!(kind(dataset.append(&[rows(&[(None, 1)])], &plain())), ErrorKind::Unsupported);
            assert_eq!(store.list("").count(), 0, "nothing was written");
            continue;
        }
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let dataset = Dataset::open(&store, "sets/raced").unwrap();
                scope.spawn(move || {
                    for append in 0..APPENDS {
                        let (first, second) = (writer * 1000 + append * 2, writer * 1000 + append * 2 + 1);
                        dataset.append(&[rows(&[(Some("a"), first), (None, second)])], &by_city()).unwrap();
                        let seen = all(&dataset);
                        assert!(seen.iter().any(|row| row.1 == second), "who has written sees it");
                    }
                });
            }
        });
        let dataset = Dataset::open(&store, "sets/raced").unwrap();
        let numbers = |writer: i64| (0..APPENDS * 2).map(move |number| writer * 1000 + number);
        let mut expected: Vec<i64> = (0..WRITERS).flat_map(numbers).collect();
        expected.sort();
        let mut got: Vec<i64> = all(&dataset).into_iter().map(|row| row.1).collect();
        got.sort();
        assert_eq!(got, expected);
        assert_eq!(dataset.manifest().unwrap().sequence(), (WRITERS * APPENDS) as u64);
        assert!(dataset.garbage(std::time::Duration::ZERO).unwrap().is_empty(), "nobody has written in vain");
    }
}

#[test]
fn an_answer_that_is_lost_is_found_again() {
    for lost in [vec![Lost::Applied], vec![Lost::Dropped], vec![Lost::Applied, Lost::Dropped, Lost::Dropped]] {
        let backend = Arc::new(Rigged::default());
        let dataset = Dataset::open(&Store::new(backend.clone()), "d").unwrap();
        dataset.append(&[rows(&[(Some("a"), 1)])], &plain()).unwrap();
        *backend.lost.lock().unwrap() = lost.clone();
        dataset.append(&[rows(&[(Some("b"), 2)])], &plain()).unwrap();
        assert!(backend.lost.lock().unwrap().is_empty());
        assert_eq!(all(&dataset), expected(&[(Some("a"), 1), (Some("b"), 2)]), "{lost:?}");
        assert_eq!(dataset.manifest().unwrap().sequence(), 2, "{lost:?}");
    }
}

#[test]
fn what_cannot_be_found_again_is_unknown() {
    let backend = Arc::new(Rigged::default());
    let dataset = Dataset::open(&Store::new(backend.clone()), "d").unwrap();
    dataset.append(&[rows(&[(Some("a"), 1)])], &plain()).unwrap();
    backend.goes_away.store(true, Ordering::SeqCst);
    backend.lost.lock().unwrap().push(Lost::Applied);
    let result = dataset.append(&[rows(&[(Some("b"), 2)])], &plain());
    assert_eq!(error(result).kind(), ErrorKind::OutcomeUnknown, "that the service is away tells nothing");
    backend.is_away.store(false, Ordering::SeqCst);
    assert_eq!(all(&dataset).len(), 2);
}

#[test]
fn whoever_reads_while_all_is_replaced_sees_the_old_or_the_new() {
    let store = super::store();
    let dataset = Dataset::open(&store, "d").unwrap();
    dataset.write(&[rows(&[(Some("a"), 0), (Some("b"), 0)])], &by_city()).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 1..30 {
                dataset.write(&[rows(&[(Some("a"), number), (Some("b"), number)])], &by_city()).unwrap();
            }
        });
        while !writer.is_finished() {
            let seen = all(&dataset);
            assert!(seen.len() == 2 && seen[0].1 == seen[1].1, "{seen:?}");
        }
    });
    let reader = dataset.read(&DatasetReadOptions::default()).unwrap();
    dataset.write(&[rows(&[(None, 7)])], &plain()).unwrap();
    let old: Vec<_> = super::of_batches(reader);
    assert_eq!(old, expected(&[(Some("a"), 29), (Some("b"), 29)]), "a reader keeps what it has begun with");
    assert_eq!(all(&dataset), expected(&[(None, 7)]));
}
