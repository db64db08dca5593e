//! SQL over tables of any format, all of them at one moment; nothing can be changed by it.
//!
//! `cargo run -p worldstore-datafusion --example datafusion`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, RecordBatch};
use arrow::util::pretty::pretty_format_batches;
use futures::TryStreamExt;
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_core::table::{AppendOptions, CreateOptions, MemoryTables, TableName};
use worldstore_datafusion::{BackendTables, SqlOptions, SqlSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tables: Arc<dyn AsyncTableBackend> = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
    let rows = RecordBatch::try_from_iter([
        ("tick", Arc::new(Int64Array::from(vec![1, 2, 3])) as _),
        ("speed", Arc::new(Float64Array::from(vec![10.0, 12.5, 11.0])) as _),
    ])?;
    let cars = TableName::new("cars")?;
    tables.create(&cars, &CreateOptions::new(rows.schema())).await?;
    println!("{:?}", tables.append(&cars, vec![rows], &AppendOptions::default()).await?);

    let session =
        SqlSession::new(Arc::new(BackendTables::new(tables))).with_options(SqlOptions::default().with_rows_max(100));
    let answer = session.sql("select max(speed) as fastest from cars where tick >= 2").await?;
    let batches: Vec<RecordBatch> = answer.batches.try_collect().await?;
    println!("{}", pretty_format_batches(&batches)?);
    if let Err(error) = session.sql("delete from cars").await {
        println!("{error}");
    }
    Ok(())
}
