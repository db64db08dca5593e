//! A Lance table on any backend: appended to exactly once, read back.
//!
//! `cargo run -p worldstore-lance --example lance`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use futures::TryStreamExt;
use worldstore_async::SyncBackendAdapter;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::Memory;
use worldstore_core::table::{AppendOptions, CreateOptions, Scan, TableName};
use worldstore_lance::{LanceConfig, LanceTables};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())));
    let tables = LanceTables::open(backend, LanceConfig::default())?;

    let name = TableName::new("events")?;
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    tables.create(&name, &CreateOptions::new(schema.clone())).await?;
    let rows = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![1, 2, 3]))])?;
    let once = AppendOptions::exactly_once(0, 1);
    println!("{:?}", tables.append(&name, vec![rows.clone()], &once).await?);
    // The same step again has happened.
    if let Err(error) = tables.append(&name, vec![rows], &once).await {
        println!("{error}");
    }

    let scan = tables.scan(&name, &Scan::all().with_columns(["n"]).with_limit(2)).await?;
    let batches: Vec<RecordBatch> = scan.batches.try_collect().await?;
    println!("{} rows", batches.iter().map(RecordBatch::num_rows).sum::<usize>());
    Ok(())
}
