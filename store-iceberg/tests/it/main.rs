//! Iceberg tables on backends in memory and on disk, against the tables in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod basics;
mod catalog;
mod conformance;
mod deletes;
mod fault;
mod foreign;
mod neighbours;
mod orphans;
mod partition;
mod postgres;
#[path = "../../../adapters/postgres/tests/it/proxy.rs"]
mod proxy;
mod pruning;
mod pyiceberg;
mod race;
mod random;
#[cfg(feature = "rest")]
mod rest;
mod trouble;
mod types;
mod upkeep;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use futures::TryStreamExt;
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::{AsyncBackend, SyncBackendAdapter};
use worldstore_core::table::{Scan, TableName};
use worldstore_core::{Key, ListOptions, Local, Memory, Outcome, Prefix, ReadOptions, Result, WriteOptions};
use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables};

/// The URI that tests give to the backend's root; nothing else ever reads there.
pub(crate) const LOCATION: &str = "test://root";

/// Tables with the backend that holds them.
pub(crate) struct Fixture {
    pub(crate) tables: IcebergTables,
    pub(crate) backend: Arc<dyn AsyncBackend>,
    pub(crate) folder: Option<tempfile::TempDir>,
}

pub(crate) fn memory_backend() -> Arc<dyn AsyncBackend> {
    Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())))
}

pub(crate) async fn in_memory() -> Fixture {
    let backend = memory_backend();
    let tables = IcebergTables::open(backend.clone(), IcebergConfig::new(CatalogLocation::Memory, LOCATION)).await;
    Fixture { tables: tables.unwrap(), backend, folder: None }
}

pub(crate) async fn on_disk() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let backend: Arc<dyn AsyncBackend> =
        Arc::new(SyncBackendAdapter::new(Arc::new(Local::new(folder.path().join("data")).unwrap())));
    let tables = open(&backend, folder.path()).await;
    Fixture { tables, backend, folder: Some(folder) }
}

/// Both kinds.
pub(crate) async fn fixtures() -> [Fixture; 2] {
    [in_memory().await, on_disk().await]
}

/// Another handle on the same tables, whose catalog is in this folder.
pub(crate) async fn open(backend: &Arc<dyn AsyncBackend>, folder: &Path) -> IcebergTables {
    let location = CatalogLocation::File(folder.join("catalog.db"));
    let config = IcebergConfig::new(location, format!("{LOCATION}/")).with_prefix(Prefix::new("tables").unwrap());
    IcebergTables::open(backend.clone(), config).await.unwrap()
}

/// Tables of their own on copies of some of a fixture's files, each at the newest of its metadata files.
pub(crate) async fn twin(fixture: &Fixture, keys: &BTreeSet<String>) -> Fixture {
    let copy = if fixture.folder.is_some() { on_disk().await } else { in_memory().await };
    for key in keys {
        let key = Key::new(key).unwrap();
        let body = bytes_of(&fixture.backend, &key).await;
        let outcome = copy.backend.write(&key, body.into(), &WriteOptions::if_absent()).await.unwrap();
        assert!(matches!(outcome, Outcome::Applied(_)));
    }
    assert!(copy.tables.recover_catalog().await.unwrap().unclear.is_empty());
    copy
}

pub(crate) async fn bytes_of(backend: &Arc<dyn AsyncBackend>, key: &Key) -> Vec<u8> {
    let reply = backend.read(key, &ReadOptions::default()).await.unwrap();
    reply.body.try_collect::<Vec<Bytes>>().await.unwrap().concat()
}

pub(crate) fn name(text: &str) -> TableName {
    TableName::new(text).unwrap()
}

/// A table of three columns: `id` never null, `note`, and `big` beyond what Iceberg has as a type.
pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("note", DataType::Utf8, true),
        Field::new("big", DataType::UInt64, true),
    ]))
}

/// Rows with these ids; every third has no note.
pub(crate) fn rows(ids: impl IntoIterator<Item = i64>) -> RecordBatch {
    let ids: Vec<i64> = ids.into_iter().collect();
    let notes = ids.iter().map(|id| (id % 3 != 0).then(|| format!("note {id}")));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids.clone())),
        Arc::new(notes.collect::<StringArray>()),
        Arc::new(UInt64Array::from_iter(ids.iter().map(|id| u64::try_from(*id).ok()))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

pub(crate) async fn read(tables: &dyn AsyncTableBackend, table: &TableName, scan: &Scan) -> Result<Vec<RecordBatch>> {
    let found = tables.scan(table, scan).await?;
    let batches: Vec<RecordBatch> = found.batches.try_collect().await?;
    assert!(batches.iter().all(|batch| batch.schema() == found.schema));
    Ok(batches)
}

/// Rows as sorted text.
pub(crate) fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let mut lines = Vec::new();
    for batch in batches {
        // Names of time zones are not compiled in; times are shown as their numbers.
        let plain = |column: &ArrayRef| match column.data_type() {
            DataType::Timestamp(..) => arrow::compute::cast(column, &DataType::Int64).unwrap(),
            _ => column.clone(),
        };
        let columns: Vec<ArrayRef> = batch.columns().iter().map(plain).collect();
        let columns: Vec<_> = columns.iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            lines.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    lines.sort();
    lines
}

/// The column `id` of all rows, sorted.
pub(crate) async fn ids(tables: &dyn AsyncTableBackend, table: &TableName, scan: &Scan) -> Vec<i64> {
    let mut ids: Vec<i64> = Vec::new();
    for batch in read(tables, table, &scan.clone().with_columns(["id"])).await.unwrap() {
        ids.extend(batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values());
    }
    ids.sort_unstable();
    ids
}

/// Keys of all objects.
pub(crate) async fn objects(backend: &Arc<dyn AsyncBackend>) -> Vec<String> {
    let (mut keys, mut options) = (Vec::new(), ListOptions::default());
    loop {
        let page = backend.list(&Prefix::root(), &options).await.unwrap();
        keys.extend(page.objects.iter().map(|object| object.key.to_string()));
        match page.next {
            Some(token) => options = ListOptions::default().with_token(token),
            None => return keys,
        }
    }
}
