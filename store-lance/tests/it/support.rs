//! Backends, rows and reads that the tests share.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, UInt64Type};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_async::{AsyncBackend, CountingBackend, SyncBackendAdapter};
use worldstore_core::table::{
    AppendOptions, CreateOptions, DescribeOptions, Receipt, Scan, TableName, TableScan, base,
};
use worldstore_core::{Backend, ListOptions, Local, Memory, Prefix, Result};
use worldstore_lance::{LanceConfig, LanceTables};

pub fn adapt(backend: impl Backend) -> Arc<dyn AsyncBackend> {
    Arc::new(SyncBackendAdapter::new(Arc::new(backend)))
}

pub fn memory() -> Arc<dyn AsyncBackend> {
    adapt(Memory::new())
}

pub fn local(folder: &tempfile::TempDir) -> Arc<dyn AsyncBackend> {
    adapt(Local::new(folder.path()).unwrap())
}

pub fn counting() -> Arc<CountingBackend> {
    Arc::new(CountingBackend::new(memory()))
}

pub fn open(backend: Arc<dyn AsyncBackend>) -> LanceTables {
    LanceTables::open(backend, LanceConfig::default()).unwrap()
}

pub fn name(table: &str) -> TableName {
    TableName::new(table).unwrap()
}

/// Columns `n` and `text`.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false), Field::new("text", DataType::Utf8, true)]))
}

pub fn rows(numbers: impl IntoIterator<Item = i64>) -> RecordBatch {
    wide_rows(numbers, 3)
}

/// Rows with these numbers, each with a text of so many bytes that do not compress well.
pub fn wide_rows(numbers: impl IntoIterator<Item = i64>, bytes: usize) -> RecordBatch {
    let numbers: Int64Array = numbers.into_iter().map(Some).collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b' ' + (state >> 33) as u8 % 95)
    };
    let texts = (0..numbers.len()).map(|_| (0..bytes).map(|_| letter()).collect::<String>());
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    RecordBatch::try_new(schema(), vec![Arc::new(numbers), texts]).unwrap()
}

pub async fn create(tables: &dyn AsyncTableBackend) {
    tables.create(&name("t"), &CreateOptions::new(schema())).await.unwrap();
}

pub async fn append(tables: &dyn AsyncTableBackend, batch: RecordBatch) -> Result<Receipt> {
    tables.append(&name("t"), vec![batch], &AppendOptions::default()).await
}

/// Appends rows exactly once, at this step.
pub async fn once(tables: &dyn AsyncTableBackend, expected: u64, next: u64, batch: RecordBatch) -> Result<Receipt> {
    tables.append(&name("t"), vec![batch], &AppendOptions::exactly_once(expected, next)).await
}

pub async fn scan(tables: &dyn AsyncTableBackend, scan: &Scan) -> TableScan<AsyncBatches> {
    tables.scan(&name("t"), scan).await.unwrap()
}

/// The numbers of a scan, sorted.
pub async fn numbers(opened: TableScan<AsyncBatches>) -> Vec<i64> {
    let batches: Vec<RecordBatch> = opened.batches.try_collect().await.unwrap();
    let numbers = |batch: &RecordBatch| batch["n"].as_primitive::<Int64Type>().values().to_vec();
    let mut all: Vec<i64> = batches.iter().flat_map(numbers).collect();
    all.sort_unstable();
    all
}

/// Watermark and numbers of the table, read through a new handle on the backend.
pub async fn fresh(backend: &Arc<dyn AsyncBackend>) -> (u64, Vec<i64>) {
    let tables = open(backend.clone());
    let info = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    (info.watermark, numbers(scan(&tables, &Scan::all()).await).await)
}

/// Every key of a backend and its size.
pub async fn objects(backend: &dyn AsyncBackend) -> Vec<(String, u64)> {
    let (mut options, mut all) = (ListOptions::default(), Vec::new());
    loop {
        let page = backend.list(&Prefix::root(), &options).await.unwrap();
        all.extend(page.objects.iter().map(|object| (object.key.to_string(), object.size)));
        match page.next {
            Some(token) => options = options.with_token(token),
            None => return all,
        }
    }
}

/// Base columns and a text.
pub fn world_schema() -> SchemaRef {
    base::with_base(&Schema::new(vec![Field::new("text", DataType::Utf8, true)])).unwrap()
}

/// A row of world `w` and run `r` for each entity at a tick, appended as this sequence number.
pub fn world_rows(tick: i64, seq: u64, entities: impl IntoIterator<Item = u64>) -> RecordBatch {
    let entities: UInt64Array = entities.into_iter().map(Some).collect();
    let many = entities.len();
    let texts = (0..many)
        .map(|row| format!("{tick}/{row}/{:x}", (tick as u64 * 31 + row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["w"; many])),
        Arc::new(StringArray::from(vec!["r"; many])),
        Arc::new(entities),
        Arc::new(Int64Array::from(vec![tick; many])),
        Arc::new(BooleanArray::from(vec![true; many])),
        Arc::new(UInt64Array::from(vec![seq; many])),
        Arc::new(StringArray::from_iter_values(texts)),
    ];
    RecordBatch::try_new(world_schema(), columns).unwrap()
}

pub async fn create_world(tables: &dyn AsyncTableBackend) {
    tables.create(&name("t"), &CreateOptions::new(world_schema())).await.unwrap();
}

/// Tables that index every row as soon as they are told to.
pub fn indexing(backend: Arc<dyn AsyncBackend>) -> LanceTables {
    LanceTables::open(backend, LanceConfig::default().with_unindexed_rows_max(0)).unwrap()
}

/// Tick and entity of each row, sorted.
pub async fn cells(tables: &dyn AsyncTableBackend, read: &Scan) -> Result<Vec<(i64, u64)>> {
    let opened = tables.scan(&name("t"), &read.clone().with_columns([base::TICK, base::ENTITY])).await?;
    let batches: Vec<RecordBatch> = opened.batches.try_collect().await?;
    let cells = |batch: &RecordBatch| {
        let ticks = batch[base::TICK].as_primitive::<Int64Type>().values().to_vec();
        let entities = batch[base::ENTITY].as_primitive::<UInt64Type>().values().to_vec();
        ticks.into_iter().zip(entities).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = batches.iter().flat_map(cells).collect();
    all.sort_unstable();
    Ok(all)
}
