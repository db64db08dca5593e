//! What is read: no more than is wanted, and nothing that is not what it should be.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{ArrayRef, AsArray, Date32Array, Int64Array, RecordBatch, StringArray};
use worldstore_core::{ErrorKind, Missing, Store, WriteOptions};
use worldstore_dataset::{CompareOp, Dataset, DatasetReadOptions, DatasetWriteOptions, Predicate};

use super::rigged::Rigged;
use super::{all, batch, by_city, dataset, error, expected, kind, of_batches, plain, rows};

fn options() -> DatasetReadOptions {
    DatasetReadOptions::default()
}

#[test]
fn partitions_that_are_ruled_out_are_not_opened() {
    let backend = Arc::new(Rigged::default());
    let dataset = Dataset::open(&Store::new(backend.clone()), "d").unwrap();
    dataset.append(&[rows(&[(Some("a"), 1), (Some("b"), 2), (Some("c"), 3), (None, 4)])], &by_city()).unwrap();
    let read = |predicate: Predicate| {
        let before = backend.reads.load(Ordering::SeqCst);
        let mut reader = dataset.read(&options().with_partitions(predicate)).unwrap();
        let pruned = reader.stats().files_pruned;
        let got: Vec<i64> = of_batches(reader.by_ref()).into_iter().map(|row| row.1).collect();
        let stats = reader.stats();
        assert_eq!((stats.files, stats.files_opened), (4, 4 - pruned));
        assert_eq!(backend.reads.load(Ordering::SeqCst) - before, 1 + stats.files_opened, "manifest and footers");
        got
    };
    assert_eq!(read(Predicate::eq("city", "b")), [2]);
    assert_eq!(read(Predicate::ge("city", "b")), [2, 3]);
    assert_eq!(read(Predicate::compare("city", CompareOp::NotEq, "b")), [1, 3], "missing is not unequal");
    assert_eq!(read(Predicate::IsNull("city".into())), [4]);
    assert_eq!(read(Predicate::Or(vec![Predicate::eq("city", "a"), Predicate::IsNull("city".into())])), [4, 1]);
    assert_eq!(read(Predicate::eq("city", "none")), Vec::<i64>::new());
    for wrong in [Predicate::eq("n", 1_i64), Predicate::eq("none", "a")] {
        let error = error(dataset.read(&options().with_partitions(wrong)));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    assert_eq!(kind(dataset.read(&options().with_partitions(Predicate::eq("city", 1_i64)))), ErrorKind::Invalid);
}

#[test]
fn typed_partitions_are_compared_by_their_type() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![2, 10, 9]));
    let days: ArrayRef = Arc::new(Date32Array::from(vec![0, 19782, 19783]));
    let values: ArrayRef = Arc::new(StringArray::from(vec!["two", "ten", "nine"]));
    let dataset = dataset();
    let by = DatasetWriteOptions::default().with_partition_by(["number", "day"]);
    dataset.write(&[batch(vec![("number", numbers), ("day", days), ("value", values)])], &by).unwrap();
    let read = |predicate: Predicate| {
        let reader = dataset.read(&options().with_columns(["value"]).with_partitions(predicate)).unwrap();
        let mut all = Vec::new();
        for batch in reader.map(Result::unwrap) {
            all.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        all.sort();
        all
    };
    assert_eq!(read(Predicate::ge("number", 9_i64)), ["nine", "ten"], "not as texts");
    assert_eq!(read(Predicate::le("day", "2024-02-29")), ["ten", "two"]);
    let both = Predicate::And(vec![Predicate::le("day", "2024-02-29"), Predicate::ge("number", 5_i64)]);
    assert_eq!(read(both), ["ten"]);
}

/// Rows with a small column and a large one that does not compress.
fn wide(rows: i64) -> RecordBatch {
    let numbers: Int64Array = (0..rows).collect();
    let mut state = 1_u64;
    let texts: StringArray = (0..rows)
        .map(|_| {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                text.push_str(&format!("{:016x}", state));
            }
            Some(text)
        })
        .collect();
    batch(vec![("number", Arc::new(numbers) as ArrayRef), ("text", Arc::new(texts))])
}

#[test]
fn only_the_wanted_columns_are_read_one_row_group_at_a_time() {
    let backend = Arc::new(Rigged::default());
    let dataset = Dataset::open(&Store::new(backend.clone()), "d").unwrap();
    let commit = dataset.write(&[wide(10_000)], &plain().with_row_group_rows(1000)).unwrap();
    let before = backend.bytes_read.load(Ordering::SeqCst);
    let mut reader = dataset.read(&options().with_columns(["number"]).with_batch_rows(300)).unwrap();
    let mut seen = Vec::new();
    let first = reader.next().unwrap().unwrap();
    seen.extend(first.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec());
    assert_eq!(reader.stats().row_groups, 1, "nothing is read ahead");
    for batch in reader.by_ref() {
        let batch = batch.unwrap();
        assert!(batch.num_rows() <= 300 && batch.num_columns() == 1);
        seen.extend(batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec());
    }
    assert_eq!(seen, (0..10_000).collect::<Vec<_>>());
    let stats = reader.stats();
    assert_eq!((stats.row_groups, backend.range_reads.load(Ordering::SeqCst)), (10, 10));
    assert!(stats.bytes < commit.bytes / 4, "{} of {} bytes", stats.bytes, commit.bytes);
    assert!(backend.bytes_read.load(Ordering::SeqCst) - before < commit.bytes / 3, "the backend counts the same");

    let both = dataset.read(&options().with_columns(["text", "number"])).unwrap();
    assert_eq!(both.schema().field(0).name(), "text");
    let both: Vec<_> = both.map(Result::unwrap).collect();
    let both = arrow::compute::concat_batches(&both[0].schema(), &both).unwrap();
    assert_eq!(both, wide(10_000).project(&[1, 0]).unwrap(), "in the order that is asked for");
}

#[test]
fn what_the_path_says_needs_no_file() {
    let backend = Arc::new(Rigged::default());
    let dataset = Dataset::open(&Store::new(backend.clone()), "d").unwrap();
    dataset.write(&[rows(&[(Some("a"), 1), (Some("a"), 2), (None, 3)])], &by_city()).unwrap();
    let mut reader = dataset.read(&options().with_columns(["city"])).unwrap();
    let mut cities: Vec<Option<String>> = Vec::new();
    for batch in reader.by_ref() {
        let batch = batch.unwrap();
        let column = batch.column(0).as_string::<i32>();
        cities.extend(column.iter().map(|city| city.map(str::to_owned)));
    }
    cities.sort();
    assert_eq!(cities, [None, Some("a".to_owned()), Some("a".to_owned())]);
    assert_eq!((reader.stats().files_opened, reader.stats().bytes), (0, 0));
    let counted = dataset.read(&options().with_columns(Vec::<String>::new()).with_batch_rows(1)).unwrap();
    let counted: Vec<usize> = counted.map(|batch| batch.unwrap().num_rows()).collect();
    assert_eq!(counted, [1, 1, 1], "rows without columns");
    for wrong in [vec!["none"], vec!["n", "n"]] {
        assert_eq!(kind(dataset.read(&options().with_columns(wrong))), ErrorKind::Invalid);
    }
}

/// The file, with a footer in which what begins behind the first four bytes begins as far before the file.
fn displaced(file: &[u8]) -> Vec<u8> {
    let (mut bytes, end) = (file.to_vec(), file.len() - 8);
    let length = u32::from_le_bytes(file[end..end + 4].try_into().unwrap()) as usize;
    for at in end - length..end - 1 {
        // In Thrift a number of 64 bits, two fields behind the one before, that is 4.
        if bytes[at..at + 2] == [0x26, 8] {
            bytes[at + 1] = 7;
        }
    }
    bytes
}

#[test]
fn files_that_are_not_what_the_manifest_says_are_told() {
    let store = super::store();
    let dataset = Dataset::open(&store, "d").unwrap();
    dataset.write(&[wide(2000)], &plain()).unwrap();
    let path = format!("d/{}", dataset.manifest().unwrap().files()[0].path);
    let good = store.read_bytes(&path).unwrap();
    let read = || -> Vec<ErrorKind> {
        let reader = dataset.read(&options()).unwrap();
        reader.filter_map(|batch| batch.err().map(|error| error.kind())).collect()
    };
    assert!(read().is_empty());
    let replace = |bytes: Vec<u8>| store.write_with(&path, bytes, &WriteOptions::default()).unwrap();
    replace(good[..good.len() - 1].to_vec());
    assert_eq!(read(), [ErrorKind::Corrupt], "another length");
    let mut damaged = good.to_vec();
    let last = damaged.len() - 20;
    damaged[last..].fill(0);
    replace(damaged);
    assert_eq!(read(), [ErrorKind::Corrupt], "no footer");
    replace(displaced(&good));
    assert_eq!(read(), [ErrorKind::Corrupt], "a column before the file");
    let other = Dataset::open(&store, "other").unwrap();
    other.write(&[wide(1999)], &plain()).unwrap();
    store.delete(&path, Missing::Refuse).unwrap();
    assert_eq!(read(), [ErrorKind::NotFound], "gone");
    replace(good.to_vec());
    assert!(read().is_empty());
    // A manifest that is damaged is no dataset that is empty.
    let manifest = store.read_text("d/_manifest.json").unwrap().replace("\"rows\":2000", "\"rows\":2001");
    store.write_with("d/_manifest.json", manifest, &WriteOptions::default()).unwrap();
    assert_eq!(kind(dataset.read(&options())), ErrorKind::Corrupt);
    assert_eq!(kind(dataset.append(&[wide(1)], &plain())), ErrorKind::Corrupt);
    assert_eq!(kind(dataset.exists()), ErrorKind::Corrupt);
    assert_eq!(kind(dataset.garbage(std::time::Duration::ZERO)), ErrorKind::Corrupt);
}

#[test]
fn readers_can_go_to_other_threads() {
    let dataset = dataset();
    dataset.write(&[rows(&[(Some("a"), 1)])], &plain()).unwrap();
    let mut reader = dataset.read(&options().with_batch_rows(1)).unwrap();
    let rest = std::thread::spawn(move || of_batches(reader.by_ref())).join().unwrap();
    assert_eq!(rest, expected(&[(Some("a"), 1)]));
}

#[test]
fn a_dataset_at_the_root_and_one_beside_it_are_two() {
    let store = super::store();
    let root = Dataset::open(&store, "").unwrap();
    let other = Dataset::open(&store, "other").unwrap();
    root.append(&[rows(&[(Some("a"), 1)])], &plain()).unwrap();
    other.append(&[rows(&[(Some("b"), 2)])], &plain()).unwrap();
    assert_eq!(all(&root), expected(&[(Some("a"), 1)]));
    assert_eq!(all(&other), expected(&[(Some("b"), 2)]));
    assert!(root.garbage(std::time::Duration::ZERO).unwrap().is_empty());
}
