//! A dataset of Parquet files in memory: written by partition, appended to, read in part.
//!
//! `cargo run -p worldstore-dataset --example dataset`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use worldstore_core::{Memory, Store};
use worldstore_dataset::{Dataset, DatasetReadOptions, DatasetWriteOptions, Predicate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::new(Arc::new(Memory::new()));
    let flights = Dataset::open(&store, "flights")?;
    let rows = RecordBatch::try_from_iter([
        ("airport", Arc::new(StringArray::from(vec!["CGN", "ORY", "CGN"])) as _),
        ("minutes", Arc::new(Int64Array::from(vec![75, 120, 80])) as _),
    ])?;
    flights.write(std::slice::from_ref(&rows), &DatasetWriteOptions::default().with_partition_by(["airport"]))?;
    flights.append(&[rows], &DatasetWriteOptions::default())?;
    for meta in store.list("flights") {
        println!("{}", meta?.key);
    }

    let chosen =
        DatasetReadOptions::default().with_columns(["minutes"]).with_partitions(Predicate::eq("airport", "CGN"));
    let mut reader = flights.read(&chosen)?;
    println!("{} files left out unopened", reader.stats().files_pruned);
    let mut count = 0;
    for batch in reader.by_ref() {
        count += batch?.num_rows();
    }
    println!("{count} rows of CGN");
    Ok(())
}
