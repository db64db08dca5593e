//! Rows and reads that the tests share.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_cache::{CacheConfig, TableCache};
use worldstore_core::table::{
    AppendOptions, CreateOptions, DescribeOptions, FlushOptions, Receipt, Scan, TableInfo, TableName, TableScan, base,
};
use worldstore_core::{Error, Result};

/// Columns `n`, `seq` and `text`.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, false),
        Field::new(base::SEQ, DataType::UInt64, false),
        Field::new("text", DataType::Utf8, true),
    ]))
}

/// Rows with these numbers; the sequence number is for the cache to give.
pub fn rows(numbers: impl IntoIterator<Item = i64>) -> RecordBatch {
    wide_rows(numbers, 0)
}

/// Rows with these numbers, each with a text of so many bytes.
pub fn wide_rows(numbers: impl IntoIterator<Item = i64>, bytes: usize) -> RecordBatch {
    let numbers: Int64Array = numbers.into_iter().map(Some).collect();
    let count = numbers.len();
    let text = "x".repeat(bytes);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(numbers),
        Arc::new(UInt64Array::from_value(0, count)),
        Arc::new(StringArray::from_iter_values((0..count).map(|_| &text))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

pub fn name(table: &str) -> TableName {
    TableName::new(table).unwrap()
}

/// Triggers that no test reaches by accident.
pub fn calm() -> CacheConfig {
    CacheConfig::default().with_idle_sec(3600.0).with_direct_mb(CacheConfig::MB_MOST)
}

pub async fn open(inner: &Arc<impl AsyncTableBackend>, config: CacheConfig) -> TableCache {
    TableCache::open(inner.clone(), config).await.unwrap()
}

pub async fn create(tables: &dyn AsyncTableBackend, table: &str) {
    create_table(tables, table).await.unwrap();
}

pub async fn create_table(tables: &dyn AsyncTableBackend, table: &str) -> Result<TableInfo> {
    tables.create(&name(table), &CreateOptions::new(schema())).await
}

pub async fn append(cache: &TableCache, table: &str, batch: RecordBatch) -> Result<Receipt> {
    cache.append(&name(table), vec![batch], &AppendOptions::default()).await
}

pub async fn flush(cache: &TableCache, table: &str) -> Result<()> {
    cache.flush(&FlushOptions::table(name(table))).await
}

/// The numbers that a scan reads, in order.
pub async fn collect(scan: TableScan<AsyncBatches>) -> Vec<i64> {
    let batches: Vec<RecordBatch> = scan.batches.try_collect().await.unwrap();
    let numbers = |batch: &RecordBatch| batch["n"].as_primitive::<Int64Type>().values().to_vec();
    let mut all: Vec<i64> = batches.iter().flat_map(numbers).collect();
    all.sort_unstable();
    all
}

pub async fn read(tables: &dyn AsyncTableBackend, table: &str) -> Vec<i64> {
    collect(tables.scan(&name(table), &Scan::all()).await.unwrap()).await
}

/// Reads a table in every way and checks that each number is seen once.
pub async fn check(tables: &dyn AsyncTableBackend, table: &str, expected: impl IntoIterator<Item = i64>) {
    let expected: Vec<i64> = expected.into_iter().collect();
    assert_eq!(read(tables, table).await, expected, "rows of {table}");
    let count = tables.scan(&name(table), &Scan::all().with_columns([""; 0])).await.unwrap();
    let counted: Vec<RecordBatch> = count.batches.try_collect().await.unwrap();
    assert_eq!(counted.iter().map(RecordBatch::num_rows).sum::<usize>(), expected.len(), "rows counted in {table}");
    let info = tables.describe(&name(table), &DescribeOptions::default()).await.unwrap();
    assert_eq!(info.rows, expected.len() as u64, "rows described of {table}");
    let limited = tables.scan(&name(table), &Scan::all().with_limit(2)).await.unwrap();
    assert_eq!(collect(limited).await.len(), expected.len().min(2), "rows under a limit of {table}");
}

/// All messages of an error and its causes.
pub fn whole(error: &Error) -> String {
    format!("{error:?}")
}

/// Waits until something holds that the background does.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..4_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(holds(), "{what} did not come");
}

/// The outcome of what must not wait for ever: then it fails.
pub async fn within<Value>(work: impl Future<Output = Value>) -> Value {
    tokio::time::timeout(std::time::Duration::from_secs(20), work).await.unwrap()
}
