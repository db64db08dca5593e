//! An Iceberg table on any backend, with its catalog in memory: appended to exactly once, read back.
//!
//! `cargo run -p worldstore-iceberg --example iceberg`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use futures::TryStreamExt;
use worldstore_async::SyncBackendAdapter;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::Memory;
use worldstore_core::table::{AppendOptions, CreateOptions, Scan, TableName};
use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())));
    // For a folder that others read: `CatalogLocation::File`, and its address as `file:///…`.
    let tables = IcebergTables::open(backend, IcebergConfig::new(CatalogLocation::Memory, "memory://here")).await?;

    let rows = RecordBatch::try_from_iter([("tick", Arc::new(Int64Array::from(vec![1, 2])) as _)])?;
    let name = TableName::new("ticks")?;
    tables.create(&name, &CreateOptions::new(rows.schema())).await?;
    let once = AppendOptions::exactly_once(0, 1);
    println!("{:?}", tables.append(&name, vec![rows.clone()], &once).await?);
    // The same step again has happened.
    if let Err(error) = tables.append(&name, vec![rows], &once).await {
        println!("{error}");
    }

    let batches: Vec<RecordBatch> = tables.scan(&name, &Scan::all()).await?.batches.try_collect().await?;
    println!("{} rows", batches.iter().map(RecordBatch::num_rows).sum::<usize>());
    Ok(())
}
