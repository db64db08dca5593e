//! Files that cannot match are not opened, and what a scan reads is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use worldstore_async::table::AsyncTableBackend;
use worldstore_async::{AsyncBackend, CountingBackend, Counts};
use worldstore_core::table::*;
use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables};

use crate::{LOCATION, ids, memory_backend, name, read, rows, schema};

const FILES: i64 = 8;

async fn counted() -> (IcebergTables, CountingBackend, TableName) {
    let backend = CountingBackend::new(memory_backend());
    let shared: Arc<dyn AsyncBackend> = Arc::new(backend.clone());
    let config = IcebergConfig::new(CatalogLocation::Memory, LOCATION);
    let tables = IcebergTables::open(shared, config).await.unwrap();
    let table = name("counted");
    tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    for file in 0..FILES {
        let ids = file * 10..file * 10 + 10;
        let _ = tables.append(&table, vec![rows(ids)], &AppendOptions::default()).await.unwrap();
    }
    (tables, backend, table)
}

/// Reads that a scan needs, those of the manifests included.
async fn cost(tables: &IcebergTables, backend: &CountingBackend, table: &TableName, scan: &Scan) -> (Counts, usize) {
    let before = backend.counts();
    let found = read(tables, table, scan).await.unwrap();
    (backend.counts() - before, found.iter().map(|batch| batch.num_rows()).sum())
}

fn calls(counts: Counts) -> u64 {
    counts.reads + counts.range_reads + counts.stats
}

#[tokio::test]
async fn a_scan_counts_the_bytes_that_it_reads() {
    let (tables, backend, table) = counted().await;
    // The first one reads manifests, those after it only data.
    for scan in [Scan::all(), Scan::all(), Scan::all().with_predicate(Predicate::eq("id", 35_i64))] {
        let bytes = Arc::new(AtomicU64::new(0));
        let (counts, _) = cost(&tables, &backend, &table, &scan.with_bytes_read(Arc::clone(&bytes))).await;
        assert_eq!(bytes.load(Ordering::Relaxed), counts.bytes_read);
        assert!(counts.bytes_read > 0);
    }
}

#[tokio::test]
async fn a_selective_scan_opens_few_files() {
    let (tables, backend, table) = counted().await;
    let none: [&str; 0] = [];
    // Manifests only: one list, and a manifest for each append.
    let (count, rows) = cost(&tables, &backend, &table, &Scan::all().with_columns(none)).await;
    let manifests = FILES as u64 + 1;
    assert_eq!((calls(count), rows), (manifests, 80));

    // They never change, and are not read again.
    let (all, rows) = cost(&tables, &backend, &table, &Scan::all()).await;
    assert_eq!(rows, 80);
    let per_file = calls(all) / FILES as u64;
    assert!(per_file >= 1 && calls(all) == per_file * FILES as u64, "{all:?}");

    let files = |counts: Counts| calls(counts).div_ceil(per_file);
    let cases = [
        (Predicate::eq("id", 35_i64), 1, 1),
        (Predicate::ge("id", 70_i64), 1, 10),
        (Predicate::compare("id", CompareOp::Gt, 79_i64), 0, 0),
        (Predicate::le("big", 19_u64), 2, 20),
        // Between "note 1" and "note 8", the bounds of the first file, too.
        (Predicate::eq("note", "note 55"), 2, 1),
        (Predicate::Not(Box::new(Predicate::ge("id", 10_i64))), 1, 10),
        (Predicate::Or(vec![Predicate::eq("id", 5_i64), Predicate::eq("id", 75.0)]), 2, 2),
        (Predicate::And(vec![Predicate::ge("id", 10_i64), Predicate::eq("big", u64::MAX)]), 0, 0),
        (Predicate::IsNull("id".to_owned()), 0, 0),
    ];
    for (predicate, opened, rows) in cases {
        let (count, found) = cost(&tables, &backend, &table, &Scan::all().with_predicate(predicate.clone())).await;
        assert_eq!((files(count), found), (opened, rows), "{predicate:?}");
    }
}

#[tokio::test]
async fn a_limit_ends_the_reading() {
    let (tables, backend, table) = counted().await;
    let (all, _) = cost(&tables, &backend, &table, &Scan::all()).await;
    let (few, rows) = cost(&tables, &backend, &table, &Scan::all().with_limit(10)).await;
    assert_eq!(rows, 10);
    assert!(few.range_reads + few.reads <= 10 + 2, "{few:?} of {all:?}");
}

#[tokio::test]
async fn planning_reads_nothing_that_is_known() {
    let (tables, backend, table) = counted().await;
    let before = backend.counts();
    let scan = tables.scan(&table, &Scan::all()).await.unwrap();
    assert_eq!(calls(backend.counts() - before), 0);
    drop(scan);
    assert_eq!(calls(backend.counts() - before), 0);
}

#[tokio::test]
async fn an_append_reads_one_list_and_writes_four_files() {
    let (tables, backend, table) = counted().await;
    let before = backend.counts();
    let _ = tables.append(&table, vec![rows(0..3)], &AppendOptions::exactly_once(0, 1)).await.unwrap();
    let counts = backend.counts() - before;
    assert_eq!((calls(counts), counts.writes, counts.deletes, counts.lists), (1, 4, 0, 0));
    assert_eq!(ids(&tables, &table, &Scan::all()).await.len(), 83);
}
