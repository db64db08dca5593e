//! Small appends become few commits; reads see memory and table as one.
//!
//! `cargo run -p worldstore-cache --example cache`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_cache::{CacheConfig, TableCache};
use worldstore_core::table::{
    AppendOptions, CreateOptions, DescribeOptions, Level, MemoryTables, ShutdownOptions, TableName,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Any table format: `LanceTables`, `IcebergTables`, one of your own.
    let tables = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
    let cache = TableCache::open(tables.clone(), CacheConfig::default().with_flush_rows(1_000)).await?;

    let name = TableName::new("events")?;
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    cache.create(&name, &CreateOptions::new(schema.clone())).await?;
    let batch = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![1, 2, 3]))])?;
    let mut receipt = cache.append(&name, vec![batch.clone()], &AppendOptions::default()).await?;
    for _ in 1..100 {
        receipt = cache.append(&name, vec![batch.clone()], &AppendOptions::default()).await?;
    }
    println!("{:?}: {} rows", receipt.level, cache.describe(&name, &DescribeOptions::default()).await?.rows);

    let receipt = cache.wait(&receipt, Level::Committed).await?;
    let table = tables.describe(&name, &DescribeOptions::default()).await?;
    println!("{:?}: {} rows in version {} of the table", receipt.level, table.rows, table.version);
    cache.shutdown(&ShutdownOptions::default()).await?;
    Ok(())
}
