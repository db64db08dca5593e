//! Upkeep of tables in memory, checked value by value: the other formats are compared with it.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use super::*;
use crate::table::predicate::Predicate;

fn rows(values: &[Option<i64>]) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("n", DataType::Int64, true)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from(values.to_vec()))]).unwrap()
}

/// Three commits: 1; 2 and null; 3.
fn tables() -> (MemoryTables, TableName) {
    let (tables, name) = (MemoryTables::new(), TableName::new("t").unwrap());
    tables.create(&name, &CreateOptions::new(rows(&[]).schema())).unwrap();
    for (seq, values) in [&[Some(1)][..], &[Some(2), None], &[Some(3)]].iter().enumerate() {
        let options = AppendOptions::exactly_once(seq as u64, seq as u64 + 1).with_epoch(5);
        let _ = tables.append(&name, vec![rows(values)], &options).unwrap();
    }
    (tables, name)
}

/// The first column of a version, sorted, null first.
fn read(tables: &MemoryTables, name: &TableName, version: Option<u64>) -> Result<Vec<Option<i64>>> {
    let mut scan = Scan::all();
    scan.version = version;
    let mut values = Vec::new();
    for batch in tables.scan(name, &scan)?.batches {
        values.extend(batch?.column(0).as_primitive::<Int64Type>().iter());
    }
    values.sort_unstable();
    Ok(values)
}

#[test]
fn compaction_drops_what_is_true_and_keeps_what_is_unknown() {
    let (tables, name) = tables();
    let drop = CompactOptions::default().with_drop(Predicate::ge("n", 2_i64));
    let done = tables.compact(&name, &drop).unwrap();
    assert_eq!((done.version, done.files_before, done.files_after, done.dropped_rows), (4, 3, 1, 2));
    assert_eq!(read(&tables, &name, None).unwrap(), [None, Some(1)]);
    assert_eq!(read(&tables, &name, Some(3)).unwrap(), [None, Some(1), Some(2), Some(3)]);
    let info = tables.describe(&name, &DescribeOptions::default()).unwrap();
    assert_eq!((info.watermark, info.epoch, info.rows), (3, 5, 2));
    // One file, and nothing to drop: no new version.
    assert_eq!(tables.compact(&name, &drop).unwrap().version, 4);
    assert!(tables.compact(&name, &CompactOptions::default().with_file_rows(0)).is_err());
}

#[test]
fn expiry_forgets_versions_and_their_rows_alone() {
    let (tables, name) = tables();
    tables.compact(&name, &CompactOptions::default()).unwrap();
    let options = ExpireOptions::default().with_retain([2]);
    assert_eq!(tables.expire(&name, &options.clone().dry_run()).unwrap().versions, [0, 1, 3]);
    assert_eq!(read(&tables, &name, Some(3)).unwrap().len(), 4);
    assert_eq!(tables.expire(&name, &options).unwrap().versions, [0, 1, 3]);
    assert!(read(&tables, &name, Some(3)).unwrap_err().is_not_found());
    assert_eq!(read(&tables, &name, Some(2)).unwrap(), [None, Some(1), Some(2)]);
    assert_eq!(tables.expire(&name, &ExpireOptions::default()).unwrap().versions, [2]);
    assert_eq!(read(&tables, &name, None).unwrap(), [None, Some(1), Some(2), Some(3)]);
    let versions = tables.history(&name, &HistoryOptions::default()).unwrap();
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [4]);
    // What only expired versions had is released.
    assert!(tables.lock().tables[&name].commits[..3].iter().all(|commit| commit.rows.batches().is_empty()));
}

#[test]
fn expiry_keeps_what_is_young() {
    let (tables, name) = tables();
    let hour_ago = SystemTime::now() - std::time::Duration::from_secs(3600);
    assert!(tables.expire(&name, &ExpireOptions::default().with_since(hour_ago)).unwrap().versions.is_empty());
    assert_eq!(tables.expire(&name, &ExpireOptions::default().with_keep(2)).unwrap().versions, [0, 1]);
}

#[test]
fn columns_change_for_old_rows_too() {
    let (tables, name) = tables();
    tables.evolve(&name, &EvolveOptions::rename("n", "number")).unwrap();
    let added = Field::new("text", DataType::Utf8, true);
    let info = tables.evolve(&name, &EvolveOptions::add(vec![added])).unwrap();
    let names: Vec<&str> = info.schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!((names.as_slice(), info.rows, info.watermark, info.epoch), (&["number", "text"][..], 4, 3, 5));
    let batch = tables.scan(&name, &Scan::all()).unwrap().batches.next().unwrap().unwrap();
    assert_eq!(batch.column(1).null_count(), batch.num_rows());
    assert_eq!(read(&tables, &name, Some(3)).unwrap(), [None, Some(1), Some(2), Some(3)]);
    assert!(tables.append(&name, vec![rows(&[Some(9)])], &AppendOptions::default()).is_err());
}
