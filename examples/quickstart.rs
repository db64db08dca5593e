//! A world in memory: recorded tick by tick, forked, counted.
//!
//! `cargo run --example quickstart` keeps it in memory. `cargo run --example quickstart --features lance -- ADDRESS` keeps it: an
//! address is a folder, or what a feature brings, as `s3://bucket/folder`.
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use worldstore::arrow::array::{ArrayRef, Float64Array, RecordBatch, UInt64Array};
use worldstore::{World, WorldOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "memory:".to_owned());
    let world = World::create(&address, &WorldOptions::default()).await?;
    let run = world.run("main").await?;
    for tick in 1..=10 {
        let entity: ArrayRef = Arc::new(UInt64Array::from(vec![7, 8]));
        let x: ArrayRef = Arc::new(Float64Array::from(vec![f64::from(tick as i32), -1.0]));
        let rows = RecordBatch::try_from_iter([("entity", entity), ("x", x)])?;
        println!("tick {tick}: {:?}", run.append(tick, "position", &rows).await?.level);
    }
    let what_if = run.fork("what-if", 5).await?;
    println!("main: {} rows, what-if: {}", run.now().count("position").await?, what_if.now().count("position").await?);
    println!("main as of tick 3: {}", run.as_of(3).count("position").await?);
    world.shutdown().await?;
    Ok(())
}
