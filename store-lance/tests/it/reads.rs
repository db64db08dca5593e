//! What goes through the backend when tables are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use worldstore_async::CountingBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::ErrorKind;
use worldstore_core::table::{AppendOptions, DescribeOptions, HistoryOptions, ListTablesOptions, Predicate, Scan};

use crate::support::{append, counting, create, local, name, numbers, objects, open, rows, scan, wide_rows};

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_goes_through_the_backend() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Arc::new(CountingBackend::new(local(&folder)));
    let tables = open(backend.clone());
    create(&tables).await;
    for part in 0..4 {
        let _ = append(&tables, wide_rows(part * 1_000..(part + 1) * 1_000, 200)).await.unwrap();
    }
    let written = backend.counts();
    let stored: u64 = objects(&*backend).await.iter().map(|(_, size)| size).sum();
    assert!(stored > 800_000);
    assert_eq!(written.bytes_written - stored, 0, "bytes that went elsewhere or were written twice: {written:?}");

    let fresh = open(backend.clone());
    assert_eq!(numbers(scan(&fresh, &Scan::all()).await).await.len(), 4_000);
    let read = backend.counts() - written;
    assert!(read.bytes_read > 800_000, "{read:?}");
    assert_eq!((read.writes, read.deletes, read.moves), (0, 0, 0), "reading changes nothing: {read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_not_found_and_not_made() {
    let backend = counting();
    let tables = open(backend.clone());
    let missing = name("missing");
    let describe = tables.describe(&missing, &DescribeOptions::default()).await.unwrap_err();
    let scan = tables.scan(&missing, &Scan::all()).await.err().unwrap();
    let history = tables.history(&missing, &HistoryOptions::default()).await.unwrap_err();
    let append = tables.append(&missing, vec![rows(0..1)], &AppendOptions::exactly_once(0, 1)).await.unwrap_err();
    for error in [describe, scan, history, append] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
        assert!(error.to_string().contains("table: missing"), "{error}");
    }
    assert_eq!(tables.list(&ListTablesOptions::default()).await.unwrap(), []);
    assert_eq!((backend.counts().writes, objects(&*backend).await.len()), (0, 0));
}

/// A table of five fragments, 5 MB of text and 40 KB of numbers.
async fn wide() -> (Arc<CountingBackend>, impl AsyncTableBackend) {
    let backend = counting();
    let tables = open(backend.clone());
    create(&tables).await;
    for part in 0..5 {
        let _ = append(&tables, wide_rows(part * 1_000..(part + 1) * 1_000, 1_000)).await.unwrap();
    }
    (backend, tables)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_projected_columns_are_read() {
    let (backend, tables) = wide().await;
    let before = backend.counts();
    let only = Scan::all().with_columns(["n"]);
    assert_eq!(numbers(scan(&tables, &only).await).await, (0..5_000).collect::<Vec<_>>());
    let narrow = backend.counts() - before;
    assert!(narrow.bytes_read < 500_000, "{} bytes for a column of 40 KB", narrow.bytes_read);

    let before = backend.counts();
    let filtered = only.with_predicate(Predicate::ge("n", 4_990_i64));
    assert_eq!(numbers(scan(&tables, &filtered).await).await, (4_990..5_000).collect::<Vec<_>>());
    let narrow = backend.counts() - before;
    assert!(narrow.bytes_read < 500_000, "{} bytes for a filter on a column of 40 KB", narrow.bytes_read);

    let before = backend.counts();
    let whole: Vec<RecordBatch> = scan(&tables, &Scan::all()).await.batches.try_collect().await.unwrap();
    assert_eq!(whole.iter().map(RecordBatch::num_rows).sum::<usize>(), 5_000);
    assert!((backend.counts() - before).bytes_read > 4_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_reads_little_and_a_count_nothing() {
    let (backend, tables) = wide().await;
    let before = backend.counts();
    assert_eq!(numbers(scan(&tables, &Scan::all().with_limit(5)).await).await.len(), 5);
    let limited = backend.counts() - before;
    assert!(limited.bytes_read < 2_500_000, "{} of 5,000,000 bytes for 5 rows", limited.bytes_read);

    let before = backend.counts();
    let count = scan(&tables, &Scan::all().with_columns([""; 0])).await;
    let counted: Vec<RecordBatch> = count.batches.try_collect().await.unwrap();
    assert_eq!(counted.iter().map(RecordBatch::num_rows).sum::<usize>(), 5_000);
    let counts = backend.counts() - before;
    assert_eq!((counts.reads, counts.range_reads, counts.bytes_read), (0, 0, 0), "the manifest knows: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_reads_no_data_before_it_is_asked() {
    let (backend, tables) = wide().await;
    let before = backend.counts();
    let opened = scan(&tables, &Scan::all()).await;
    let planned = backend.counts() - before;
    assert_eq!((planned.reads, planned.range_reads), (0, 0), "{planned:?}");
    drop(opened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_counts_the_bytes_that_it_reads() {
    let (backend, tables) = wide().await;
    let only = Scan::all().with_columns(["n"]);
    for wanted in [Scan::all(), only.clone(), only.with_predicate(Predicate::ge("n", 4_990_i64)), Scan::all()] {
        let (before, bytes) = (backend.counts(), Arc::new(AtomicU64::new(0)));
        assert!(!numbers(scan(&tables, &wanted.with_bytes_read(Arc::clone(&bytes))).await).await.is_empty());
        let read = (backend.counts() - before).bytes_read;
        assert_eq!(bytes.load(Ordering::Relaxed), read);
        assert!(read > 0);
    }
}
