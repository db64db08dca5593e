//! Tables in memory, and a count of what is read of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::util::pretty::pretty_format_batches;
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_core::table::{AppendOptions, CreateOptions, MemoryTables, TableName};
use worldstore_core::{Error, Result};
use worldstore_datafusion::{BackendTables, ScanObserver, SqlOptions, SqlSession};

/// What scans have read.
#[derive(Debug, Default)]
pub struct Read {
    pub scans: AtomicUsize,
    pub rows: AtomicUsize,
}

impl Read {
    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::SeqCst)
    }
}

impl ScanObserver for Read {
    fn scan_opened(&self) {
        self.scans.fetch_add(1, Ordering::SeqCst);
    }

    fn rows_read(&self, rows: usize) {
        self.rows.fetch_add(rows, Ordering::SeqCst);
    }
}

pub fn name(text: &str) -> TableName {
    TableName::new(text).unwrap()
}

pub fn memory() -> Arc<dyn AsyncTableBackend> {
    Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())))
}

/// Appends to a table, which its first rows create.
pub async fn append(tables: &Arc<dyn AsyncTableBackend>, table: &str, rows: RecordBatch) {
    tables.create(&name(table), &CreateOptions::new(rows.schema()).or_keep()).await.unwrap();
    let _ = tables.append(&name(table), vec![rows], &AppendOptions::default()).await.unwrap();
}

pub fn cars(first: u64, ticks: &[i64], speeds: &[Option<f64>], roads: &[&str]) -> RecordBatch {
    let entities = (first..).take(ticks.len()).collect::<Vec<_>>();
    RecordBatch::try_from_iter_with_nullable([
        ("entity", Arc::new(UInt64Array::from(entities)) as ArrayRef, false),
        ("tick", Arc::new(Int64Array::from(ticks.to_vec())) as ArrayRef, false),
        ("speed", Arc::new(Float64Array::from(speeds.to_vec())) as ArrayRef, true),
        ("road", Arc::new(StringArray::from(roads.to_vec())) as ArrayRef, true),
    ])
    .unwrap()
}

/// Three cars and two roads.
pub async fn town() -> Arc<dyn AsyncTableBackend> {
    let tables = memory();
    append(&tables, "cars", cars(1, &[10, 10, 11], &[Some(1.5), None, Some(9.0)], &["a", "b", "a"])).await;
    let roads = RecordBatch::try_from_iter([
        ("road", Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef),
        ("Lanes", Arc::new(Int64Array::from(vec![2, 4])) as ArrayRef),
    ]);
    append(&tables, "Roads", roads.unwrap()).await;
    tables
}

pub async fn session() -> SqlSession {
    SqlSession::new(Arc::new(BackendTables::new(town().await)))
}

pub async fn limited(options: SqlOptions) -> SqlSession {
    session().await.with_options(options)
}

pub async fn rows(session: &SqlSession, text: &str) -> Result<Vec<String>> {
    let batches = session.sql(text).await?.collect().await?;
    let shown = pretty_format_batches(&batches).unwrap().to_string();
    let lines = shown.lines().filter(|line| line.starts_with('|')).skip(1);
    Ok(lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join("|")).collect())
}

/// The error of a query that must fail, at its start or on its way.
pub async fn error(session: &SqlSession, text: &str) -> Error {
    match session.sql(text).await {
        Ok(rows) => rows.collect().await.err().unwrap_or_else(|| panic!("{text} was answered")),
        Err(error) => error,
    }
}
