//! Partitioned tables: one file for each partition, found again without opening others.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array};
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::{AsyncBackend, CountingBackend};
use worldstore_core::table::*;
use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables, MetadataCompression, Partitioning};

use crate::{LOCATION, lines, memory_backend, name, objects, read, rows, schema};

/// Rows of these runs and ticks, one entity each.
pub(crate) fn world(rows: &[(&str, i64)], seq: u64) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["w"; rows.len()])),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(run, _)| run))),
        Arc::new(UInt64Array::from(vec![1; rows.len()])),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, tick)| *tick))),
        Arc::new(BooleanArray::from(vec![true; rows.len()])),
        Arc::new(UInt64Array::from(vec![seq; rows.len()])),
    ];
    let schema = base::with_base(&arrow::datatypes::Schema::empty()).unwrap();
    RecordBatch::try_new(schema, columns).unwrap()
}

async fn partitioned(partitioning: Partitioning) -> (IcebergTables, CountingBackend, TableName) {
    let backend = CountingBackend::new(memory_backend());
    let shared: Arc<dyn AsyncBackend> = Arc::new(backend.clone());
    let config = IcebergConfig::new(CatalogLocation::Memory, LOCATION).with_partitioning(partitioning);
    let tables = IcebergTables::open(shared, config).await.unwrap();
    let table = name("units");
    tables.create(&table, &CreateOptions::new(world(&[], 0).schema())).await.unwrap();
    (tables, backend, table)
}

fn ticks(width: u32) -> Partitioning {
    Partitioning::RunsAndTicks(NonZeroU32::new(width).unwrap())
}

async fn data_files(tables: &IcebergTables, table: &TableName) -> usize {
    let files = tables.files(table, &FilesOptions::default()).await.unwrap();
    files.iter().filter(|file| file.role == FileRole::Data).count()
}

async fn found(tables: &IcebergTables, table: &TableName, scan: &Scan) -> Vec<String> {
    lines(&read(tables, table, &scan.clone().with_columns(["run", "tick"])).await.unwrap())
}

/// The data files that a scan opens: each is read in ranges, manifests are not.
async fn opened(tables: &IcebergTables, backend: &CountingBackend, table: &TableName, scan: &Scan) -> (u64, usize) {
    let before = backend.counts();
    let rows = found(tables, table, scan).await.len();
    let counts = backend.counts() - before;
    (counts.range_reads, rows)
}

#[tokio::test]
async fn an_append_has_a_file_for_each_partition() {
    // Names of runs that no path may hold, and ticks below zero.
    let mixed = [("main", 0), ("a/../b", 5), ("main", 99), ("main", 100), ("main", -1), ("ü ", 5), ("main", -100)];
    for (partitioning, files) in [(Partitioning::None, 1), (Partitioning::Runs, 3), (ticks(100), 5)] {
        let (tables, backend, table) = partitioned(partitioning).await;
        let _ =
            tables.append(&table, vec![world(&mixed, 1), world(&mixed, 1)], &AppendOptions::default()).await.unwrap();
        assert_eq!(data_files(&tables, &table).await, files, "{partitioning:?}");
        let all = found(&tables, &table, &Scan::all()).await;
        assert_eq!(all.len(), 14);
        let (one, rows) =
            opened(&tables, &backend, &table, &Scan::all().with_predicate(Predicate::eq("run", "ü "))).await;
        let (whole, _) = opened(&tables, &backend, &table, &Scan::all()).await;
        assert_eq!((whole, rows), (one * files as u64, 2), "{partitioning:?}");
        for (bound, rows) in [(-100_i64, 14), (-99, 12), (0, 10), (99, 4), (100, 2), (101, 0)] {
            let scan = Scan::all().with_predicate(Predicate::ge("tick", bound));
            assert_eq!(found(&tables, &table, &scan).await.len(), rows, "{partitioning:?} {bound}");
        }
    }
}

#[tokio::test]
async fn a_manifest_of_other_partitions_is_not_read() {
    for (partitioning, manifests) in [(Partitioning::None, 8), (Partitioning::Runs, 1)] {
        let (tables, backend, table) = partitioned(partitioning).await;
        for run in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let _ = tables.append(&table, vec![world(&[(run, 1)], 1)], &AppendOptions::default()).await.unwrap();
        }
        let before = backend.counts();
        let scan = Scan::all().with_segments(vec![Segment::run("w", "c")]);
        assert_eq!(found(&tables, &table, &scan).await, ["c|1"]);
        let counts = backend.counts() - before;
        // The list, what it names, and the ends of one data file.
        assert_eq!(counts.reads, 1 + manifests + 2, "{partitioning:?} {counts:?}");
    }
}

#[tokio::test]
async fn compaction_keeps_partitions_apart() {
    let (tables, _, table) = partitioned(ticks(10)).await;
    let mut expected = Vec::new();
    for tick in 0..20 {
        let rows = [("one", tick), ("two", tick)];
        let _ = tables.append(&table, vec![world(&rows, 1)], &AppendOptions::default()).await.unwrap();
        expected.extend(rows.map(|(run, tick)| format!("{run}|{tick}")));
    }
    expected.sort();
    assert_eq!(data_files(&tables, &table).await, 40);
    let packed = tables.compact(&table, &CompactOptions::default()).await.unwrap();
    assert_eq!((packed.files_before, packed.files_after, packed.dropped_rows), (40, 4, 0));
    assert_eq!(found(&tables, &table, &Scan::all()).await, expected);
    // One small file in each partition: there is nothing to do.
    let again = tables.compact(&table, &CompactOptions::default()).await.unwrap();
    assert_eq!((again.version, again.files_after), (packed.version, 4));
    // A run that is dropped takes its files along, and those of the other stay as they are.
    let before = tables.files(&table, &FilesOptions::default()).await.unwrap();
    let dropped =
        tables.compact(&table, &CompactOptions::default().with_drop(Predicate::eq("run", "two"))).await.unwrap();
    assert_eq!((dropped.files_after, dropped.dropped_rows), (2, 20));
    let after = tables.files(&table, &FilesOptions::default()).await.unwrap();
    let kept = after.iter().filter(|file| file.role == FileRole::Data && before.contains(file)).count();
    assert_eq!(kept, 2);
    assert_eq!(found(&tables, &table, &Scan::all()).await.len(), 20);
    tables.expire(&table, &ExpireOptions::default()).await.unwrap();
    assert_eq!(found(&tables, &table, &Scan::all()).await, expected[..20]);
}

#[tokio::test]
async fn more_partitions_than_files_at_once() {
    let (tables, _, table) = partitioned(Partitioning::Runs).await;
    let runs: Vec<String> = (0..150).map(|run| format!("run{run:03}")).collect();
    let mut all: Vec<(&str, i64)> = Vec::new();
    for tick in 0..3 {
        all.extend(runs.iter().map(|run| (run.as_str(), tick)));
    }
    let batches = all.chunks(70).map(|rows| world(rows, 1)).collect();
    let receipt = tables.append(&table, batches, &AppendOptions::exactly_once(0, 1)).await.unwrap();
    assert_eq!(receipt.rows, 450);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in found(&tables, &table, &Scan::all()).await {
        *counts.entry(line.split('|').next().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!((counts.len(), counts.values().filter(|rows| **rows == 3).count()), (150, 150));
}

#[tokio::test]
async fn only_world_tables_are_partitioned() {
    let backend = memory_backend();
    let config = IcebergConfig::new(CatalogLocation::Memory, LOCATION)
        .with_partitioning(ticks(10))
        .with_metadata_compression(MetadataCompression::None);
    let tables = IcebergTables::open(backend.clone(), config).await.unwrap();
    let table = name("items");
    tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    let _ = tables.append(&table, vec![rows(0..3)], &AppendOptions::default()).await.unwrap();
    assert_eq!(data_files(&tables, &table).await, 1);
    // Metadata without compression, which is read as well.
    let metadata: Vec<String> =
        objects(&backend).await.into_iter().filter(|key| key.ends_with(".metadata.json")).collect();
    assert_eq!(metadata.len(), 2);
    assert!(metadata.iter().all(|key| !key.contains(".gz.")));
}

/// What a tick is cut to would be less than any number, or wrap around to a great one, where no reader looks for it.
#[tokio::test]
async fn a_tick_without_a_partition_is_refused() {
    for (width, least) in [(100, i64::MIN + 8), (1, i64::MIN), (7, i64::MIN + 1)] {
        let (tables, _, table) = partitioned(ticks(width)).await;
        let fits = world(&[("main", least), ("main", i64::MAX)], 1);
        tables.check(&table, &fits).unwrap();
        let _ = tables.append(&table, vec![fits], &AppendOptions::default()).await.unwrap();
        for tick in [least, i64::MAX] {
            let scan = Scan::all().with_predicate(Predicate::eq("tick", tick));
            assert_eq!(found(&tables, &table, &scan).await, [format!("main|{tick}")], "{width}");
        }
        let Some(less) = least.checked_sub(1) else { continue };
        let rows = world(&[("main", 0), ("main", less)], 1);
        let new = tables.check(&name("other"), &rows).unwrap_err();
        let known = tables.check(&table, &rows).unwrap_err();
        let late = tables.append(&table, vec![rows], &AppendOptions::default()).await.unwrap_err();
        for refused in [new, known, late] {
            assert_eq!(refused.kind(), worldstore_core::ErrorKind::Invalid, "{refused}");
            assert!(refused.to_string().contains("column: tick, row: 1"), "{refused}");
        }
        assert_eq!(found(&tables, &table, &Scan::all()).await.len(), 2);
    }
}
