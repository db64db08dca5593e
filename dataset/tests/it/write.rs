//! What is written: where it lies, what fits, what is refused.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray, StructArray,
    UInt64Array, UnionArray,
};
use arrow::array::{TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{DataType, Field, UnionFields};
use worldstore_core::{Error, ErrorKind, Store};
use worldstore_dataset::{Dataset, DatasetReadOptions, DatasetWriteOptions};

use super::rigged::Rigged;
use super::{all, batch, by_city, dataset, error, expected, kind, of_batches, plain, rows, store};

#[test]
fn what_is_written_is_read() {
    let dataset = dataset();
    assert!(!dataset.exists().unwrap());
    assert_eq!(kind(dataset.manifest()), ErrorKind::NotFound);
    assert_eq!(kind(dataset.read(&DatasetReadOptions::default())), ErrorKind::NotFound);
    let commit = dataset.write(&[rows(&[(Some("a"), 1), (None, 2), (Some("a"), 3)])], &by_city()).unwrap();
    assert_eq!((commit.sequence, commit.files, commit.rows, commit.attempts), (1, 2, 3, 1));
    dataset.append(&[rows(&[(Some("b"), 4)]), rows(&[(Some("a"), 5)])], &plain()).unwrap();
    let wanted = [(Some("a"), 1), (None, 2), (Some("a"), 3), (Some("b"), 4), (Some("a"), 5)];
    assert_eq!(all(&dataset), expected(&wanted));
    let manifest = dataset.manifest().unwrap();
    assert_eq!((manifest.sequence(), manifest.rows(), manifest.files().len()), (2, 5, 4));
    assert_eq!(
        (manifest.partition_by(), manifest.schema().field(0).name().as_str()),
        (&["city".to_owned()][..], "city")
    );

    let commit = dataset.write(&[rows(&[(Some("z"), 9)])], &plain()).unwrap();
    assert_eq!(commit.sequence, 3);
    assert_eq!(all(&dataset), expected(&[(Some("z"), 9)]));
    assert_eq!(dataset.manifest().unwrap().retired().len(), 4);
    assert_eq!(dataset.manifest().unwrap().partition_by(), ["city"], "kept unless it is said otherwise");
}

#[test]
fn partitions_lie_where_hive_looks_for_them() {
    let store = store();
    let dataset = Dataset::open(&store, "d").unwrap();
    let texts = ["a/b=c%", "", "__HIVE_DEFAULT_PARTITION__", "ü \u{7f}", "..", "'quoted'"];
    let mut wanted: Vec<(Option<&str>, i64)> =
        texts.iter().zip(1..).map(|(text, number)| (Some(*text), number)).collect();
    wanted.push((None, 0));
    dataset.append(&[rows(&wanted)], &by_city()).unwrap();
    assert_eq!(all(&dataset), expected(&wanted));
    let paths: Vec<_> = store.list("d/data").map(|meta| meta.unwrap().key.parent().to_string()).collect();
    assert!(paths.contains(&"d/data/city=a%2Fb%3Dc%25".to_owned()), "{paths:?}");
    assert!(paths.contains(&"d/data/city=__HIVE_DEFAULT_PARTITION__".to_owned()), "{paths:?}");
    for file in dataset.manifest().unwrap().files() {
        let key = worldstore_core::Key::new(&file.path).unwrap();
        let told = worldstore_core::hive::of_key(&key).unwrap();
        assert_eq!(told, [("city".to_owned(), file.partition[0].clone())], "path and manifest say the same");
    }
}

#[test]
fn every_type_comes_back() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("big", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("small", Arc::new(Int32Array::from(vec![-5, 7]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("day", Arc::new(Date32Array::from(vec![19782, -1]))),
        ("float", Arc::new(Float64Array::from(vec![f64::NAN, -0.0]))),
        ("when", Arc::new(TimestampMicrosecondArray::from(vec![1, 2]).with_timezone("UTC"))),
        ("nothing", new_null_array(&DataType::Utf8, 2)),
    ];
    let written = batch(columns);
    let by = DatasetWriteOptions::default().with_partition_by(["day", "big", "flag", "small"]);
    for options in [plain(), by] {
        let dataset = dataset();
        dataset.write(std::slice::from_ref(&written), &options).unwrap();
        let read: Vec<_> = dataset.read(&DatasetReadOptions::default()).unwrap().map(Result::unwrap).collect();
        let mut read = arrow::compute::concat_batches(&written.schema(), &read).unwrap();
        if read.column(1).slice(0, 1).as_ref() != written.column(1).slice(0, 1).as_ref() {
            let turned = arrow::array::UInt32Array::from(vec![1, 0]);
            read = arrow::compute::take_record_batch(&read, &turned).unwrap();
        }
        assert_eq!(read.schema(), written.schema());
        for (column, field) in written.schema().fields().iter().enumerate().filter(|(_, field)| field.name() != "float")
        {
            assert_eq!(read.column(column), written.column(column), "{}", field.name());
        }
    }
}

#[test]
fn rows_that_do_not_fit_name_the_column() {
    let dataset = dataset();
    dataset.write(&[rows(&[(Some("a"), 1)])], &by_city()).unwrap();
    let city: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let n: ArrayRef = Arc::new(Int64Array::from(vec![Some(2)]));
    let cases: Vec<(Vec<(&str, ArrayRef)>, &str)> = vec![
        (vec![("city", city.clone())], "n"),
        (vec![("city", city.clone()), ("n", Arc::new(Int32Array::from(vec![1])))], "n"),
        (vec![("city", city.clone()), ("n", n.clone()), ("more", n.clone())], "more"),
        (vec![("city", city.clone()), ("n", Arc::new(Int64Array::from(vec![None])))], "n"),
        (vec![("city", n.clone()), ("n", n.clone())], "city"),
    ];
    for (columns, column) in cases {
        let error = error(dataset.append(&[batch(columns)], &plain()));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.context().any(|pair| pair == ("column", column)), "{error} names {column}");
    }
    let turned = batch(vec![("n", n), ("city", city)]);
    dataset.append(&[turned], &plain()).unwrap();
    assert_eq!(all(&dataset), expected(&[(Some("a"), 1), (Some("a"), 2)]), "another order fits");
    assert_eq!(
        kind(dataset.append(&[rows(&[])], &DatasetWriteOptions::default().with_partition_by(["n"]))),
        ErrorKind::Invalid
    );
}

#[test]
fn unions_are_refused() {
    let part = Field::new("part", DataType::Int64, true);
    let fields = UnionFields::try_new([0], [part]).unwrap();
    let values: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let union = UnionArray::try_new(fields, vec![0].into(), None, vec![values]).unwrap();
    let field = Arc::new(Field::new("either", union.data_type().clone(), false));
    let nested = StructArray::try_new(vec![field].into(), vec![Arc::new(union.clone())], None).unwrap();
    for column in [Arc::new(union) as ArrayRef, Arc::new(nested)] {
        let error = error(dataset().write(&[batch(vec![("u", column)])], &plain()));
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.context().any(|pair| pair == ("column", "u")), "{error}");
    }
}

#[test]
fn layouts_that_cannot_be_are_refused() {
    let float: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let columns = batch(vec![("float", float), ("text", text)]);
    for (by, column) in [(vec!["none"], "none"), (vec!["float"], "float"), (vec!["text", "text"], "text")] {
        let result =
            dataset().write(std::slice::from_ref(&columns), &DatasetWriteOptions::default().with_partition_by(by));
        let error = error(result);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.context().any(|pair| pair == ("column", column)), "{error}");
    }
    let only = DatasetWriteOptions::default().with_partition_by(["city", "n"]);
    assert_eq!(
        kind(dataset().write(&[rows(&[(None, 1)])], &only)),
        ErrorKind::Invalid,
        "nothing is left for the files"
    );
    assert_eq!(kind(dataset().write(&[], &plain())), ErrorKind::Invalid);
    assert_eq!(kind(Dataset::open(&store(), "../up")), ErrorKind::Invalid);
}

#[test]
fn a_write_that_fails_changes_nothing() {
    let dataset = dataset();
    dataset.write(&[rows(&[(Some("a"), 1)])], &plain()).unwrap();
    let before = dataset.manifest().unwrap().sequence();
    let broken = [Ok(rows(&[(Some("b"), 2)])), Err(Error::new(ErrorKind::Unavailable, "source is gone"))];
    let schema = rows(&[]).schema();
    assert_eq!(kind(dataset.write_from(schema, broken, &by_city())), ErrorKind::Unavailable);
    assert_eq!((dataset.manifest().unwrap().sequence(), all(&dataset)), (before, expected(&[(Some("a"), 1)])));

    let backend = Arc::new(Rigged::default());
    let full = Dataset::open(&Store::new(backend.clone()), "d").unwrap();
    full.write(&[rows(&[(Some("a"), 1)])], &plain()).unwrap();
    backend.refuses_data.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(kind(full.append(&[rows(&[(Some("b"), 2)])], &plain())), ErrorKind::StorageFull);
    assert_eq!(all(&full), expected(&[(Some("a"), 1)]));
}

#[test]
fn without_compare_and_swap_nothing_is_written_and_all_is_read() {
    let backend = Arc::new(Rigged { without_if_match: true, ..Rigged::default() });
    let store = Store::new(backend);
    let dataset = Dataset::open(&store, "d").unwrap();
    let batch = rows(&[(Some("a"), 1)]);
    assert_eq!(kind(dataset.append(std::slice::from_ref(&batch), &plain())), ErrorKind::Unsupported);
    assert_eq!(kind(dataset.write(std::slice::from_ref(&batch), &plain())), ErrorKind::Unsupported);
    assert_eq!(kind(dataset.delete()), ErrorKind::Unsupported);
    assert_eq!(kind(dataset.collect(std::time::Duration::ZERO)), ErrorKind::Unsupported);
    assert_eq!(store.list("").count(), 0);

    let source = super::store();
    Dataset::open(&source, "d").unwrap().write(&[batch], &by_city()).unwrap();
    source.sync_folder("d", &store, "d", &worldstore_core::transfer::SyncOptions::default()).unwrap();
    assert_eq!(all(&dataset), expected(&[(Some("a"), 1)]));
}

#[test]
fn none_counts_as_one() {
    let dataset = dataset();
    let wanted = [(Some("a"), 1), (Some("b"), 2), (Some("a"), 3)];
    let mut options = by_city();
    (options.row_group_rows, options.row_group_bytes, options.open_files) = (0, 0, 0);
    let commit = dataset.write(&[rows(&wanted)], &options).unwrap();
    assert_eq!((commit.files, commit.rows), (2, 3));
    let mut reader = dataset.read(&DatasetReadOptions::default().with_batch_rows(0)).unwrap();
    assert_eq!(of_batches(reader.by_ref()), expected(&wanted));
    assert_eq!(reader.stats().row_groups, 3, "one row each");
}

#[test]
fn few_files_are_open_at_once_and_nothing_is_lost() {
    let dataset = dataset();
    let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let wanted: Vec<(Option<&str>, i64)> =
        (0..200).map(|row| (Some(names[(row * 7 % 10) as usize].as_str()), row)).collect();
    let batches: Vec<_> = wanted.chunks(20).map(rows).collect();
    let commit = dataset.append(&batches, &by_city().with_open_files(3)).unwrap();
    assert!(commit.files > 10, "{commit:?}");
    assert_eq!(all(&dataset), expected(&wanted));
    let commit = dataset.write_from(rows(&[]).schema(), [], &plain()).unwrap();
    assert_eq!((commit.files, commit.rows), (0, 0));
    assert!(dataset.exists().unwrap() && all(&dataset).is_empty(), "columns and no rows");
}
