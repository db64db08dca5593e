//! What is left over: found, removed, and never missed by a manifest.

use std::time::Duration;

use worldstore_core::{Error, ErrorKind};
use worldstore_dataset::{Dataset, DatasetReadOptions, LeftoverKind};

use super::{all, by_city, dataset, expected, kind, plain, rows, store};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Fails after its first rows are in a file.
fn fail_once(dataset: &Dataset) {
    let broken =
        [Ok(rows(&[(Some("x"), 1)])), Ok(rows(&[(Some("y"), 1)])), Err(Error::new(ErrorKind::Unavailable, "gone"))];
    let result = dataset.append_from(rows(&[]).schema(), broken, &by_city().with_open_files(1));
    assert_eq!(kind(result), ErrorKind::Unavailable);
}

/// A moment, so that what comes next is later by the clock.
fn tick() {
    std::thread::sleep(Duration::from_millis(3));
}

#[test]
fn leftovers_are_found_and_removed_when_they_are_old_enough() {
    let store = store();
    let dataset = Dataset::open(&store, "d").unwrap();
    dataset.append(&[rows(&[(Some("a"), 1)])], &by_city()).unwrap();
    fail_once(&dataset);
    dataset.write(&[rows(&[(Some("b"), 2)])], &plain()).unwrap();
    store.write("d/data/foreign.parquet", "mine").unwrap();
    tick();
    let kinds = |older_than: Duration| {
        let found = dataset.garbage(older_than).unwrap();
        let mut kinds: Vec<_> = found.iter().map(|leftover| (leftover.kind, leftover.is_collected)).collect();
        kinds.sort_by_key(|(kind, _)| format!("{kind:?}"));
        kinds
    };
    use LeftoverKind::*;
    assert_eq!(kinds(DAY), [(Foreign, false), (Orphan, false), (Retired, false)]);
    assert_eq!(kinds(Duration::ZERO), [(Foreign, false), (Orphan, true), (Retired, true)]);
    assert_eq!(dataset.manifest().unwrap().sequence(), 2, "to look changes nothing");

    assert_eq!(dataset.collect(DAY).unwrap().files, 0);
    let collected = dataset.collect(Duration::ZERO).unwrap();
    assert!(collected.files == 2 && collected.bytes > 0 && collected.failed.is_empty(), "{collected:?}");
    assert_eq!(kinds(Duration::ZERO), [(Foreign, false)]);
    assert!(dataset.manifest().unwrap().retired().is_empty(), "what is gone is forgotten");
    assert_eq!(store.read_text("d/data/foreign.parquet").unwrap(), "mine");
    assert_eq!(all(&dataset), expected(&[(Some("b"), 2)]));
}

#[test]
fn a_writer_whose_files_were_collected_is_refused() {
    for is_there in [true, false] {
        let dataset = dataset();
        if is_there {
            dataset.append(&[rows(&[(Some("a"), 1)])], &by_city()).unwrap();
        }
        let slow = dataset.clone();
        let batches = (0..3).map(|number| {
            // Between two batches of the writer somebody collects all that is not committed.
            tick();
            slow.collect(Duration::ZERO).unwrap();
            Ok(rows(&[(Some(if number == 0 { "x" } else { "y" }), number)]))
        });
        let result = dataset.append_from(rows(&[]).schema(), batches, &by_city().with_open_files(1));
        assert_eq!(kind(result), ErrorKind::Conflict);
        let there: Vec<_> = if is_there { vec![(Some("a"), 1)] } else { Vec::new() };
        if is_there {
            assert_eq!(all(&dataset), expected(&there), "the manifest names nothing that is gone");
        } else {
            assert!(!dataset.exists().unwrap());
        }
        dataset.append(&[rows(&[(Some("b"), 2)])], &by_city()).unwrap();
        assert_eq!(all(&dataset).len(), there.len() + 1, "who writes again succeeds");
    }
}

#[test]
fn readers_of_what_was_replaced_have_time() {
    let dataset = dataset();
    dataset.write(&[rows(&[(Some("a"), 1)])], &plain()).unwrap();
    let reader = dataset.read(&DatasetReadOptions::default()).unwrap();
    let late = dataset.read(&DatasetReadOptions::default()).unwrap();
    dataset.write(&[rows(&[(Some("b"), 2)])], &plain()).unwrap();
    tick();
    assert_eq!(dataset.collect(DAY).unwrap().files, 0, "it was replaced just now, however old it is");
    assert_eq!(super::of_batches(reader), expected(&[(Some("a"), 1)]));
    assert_eq!(dataset.collect(Duration::ZERO).unwrap().files, 1);
    let kinds: Vec<_> = late.map(|batch| batch.map_err(|error| error.kind())).collect();
    assert!(matches!(kinds[..], [Err(ErrorKind::NotFound)]), "{kinds:?}");
}

#[test]
fn what_is_deleted_is_gone_and_can_be_made_anew() {
    let store = store();
    let dataset = Dataset::open(&store, "d").unwrap();
    assert_eq!(kind(dataset.delete()), ErrorKind::NotFound);
    dataset.append(&[rows(&[(Some("a"), 1)])], &by_city()).unwrap();
    dataset.write(&[rows(&[(Some("b"), 2)])], &by_city()).unwrap();
    fail_once(&dataset);
    tick();
    let deleted = dataset.delete().unwrap();
    assert_eq!((deleted.files, deleted.failed.len()), (3, 0));
    let left: Vec<_> = store.list("").map(|meta| meta.unwrap().key.to_string()).collect();
    assert_eq!(left, ["d/_manifest.json"]);
    assert!(!dataset.exists().unwrap());
    assert_eq!(kind(dataset.manifest()), ErrorKind::NotFound);
    assert_eq!(kind(dataset.delete()), ErrorKind::NotFound);
    tick();
    let other = super::batch(vec![("only", std::sync::Arc::new(arrow::array::Int64Array::from(vec![1])) as _)]);
    dataset.append(&[other], &plain()).unwrap();
    let manifest = dataset.manifest().unwrap();
    assert_eq!((manifest.sequence(), manifest.partition_by().len(), manifest.schema().fields().len()), (4, 0, 1));
}

#[test]
fn a_writer_at_work_does_not_bring_back_what_was_deleted() {
    let dataset = dataset();
    dataset.append(&[rows(&[(Some("a"), 1)])], &plain()).unwrap();
    let other = dataset.clone();
    let batches = (0..2).map(|number| {
        if number == 1 {
            tick();
            other.delete().unwrap();
        }
        Ok(rows(&[(Some("b"), number)]))
    });
    assert_eq!(kind(dataset.append_from(rows(&[]).schema(), batches, &plain())), ErrorKind::Conflict);
    assert!(!dataset.exists().unwrap());
}
