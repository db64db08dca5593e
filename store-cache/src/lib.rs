//! A write-behind cache over any table backend.
//!
//! Appends go to a memtable per table and reach the table in larger commits. Nothing is lost or doubled by that:
//! - A read is the union of memory and table **at one sequence**: [`TableCache`] pins the memtables and the version of
//!   the table that they continue in one step, so a flush that ends in between changes nothing for it.
//! - A flush freezes the memtable first and forgets it only after the table's commit. The commit carries the sequence
//!   number that it ends at, so a repeated flush is refused by the table instead of doubling rows.
//! - A failed flush keeps its rows, is tried again with growing pauses, and shows in [`CacheStats`].
//!
//! Rows that are only buffered are lost if the process is killed; a [`Receipt`](worldstore_core::table::Receipt) says
//! which they are, and [`TableCache::wait`] makes them committed.
//!
//! ```
//! # use std::sync::Arc;
//! # use arrow::array::{Int64Array, RecordBatch};
//! # use arrow::datatypes::{DataType, Field, Schema};
//! use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
//! use worldstore_cache::{CacheConfig, TableCache};
//! use worldstore_core::table::*;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tables = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
//! let cache = TableCache::open(tables, CacheConfig::default().with_flush_rows(1_000)).await?;
//!
//! let table = TableName::new("events")?;
//! let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
//! cache.create(&table, &CreateOptions::new(schema.clone())).await?;
//! let batch = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![1, 2, 3]))])?;
//! let receipt = cache.append(&table, vec![batch], &AppendOptions::default()).await?;
//! assert_eq!(receipt.level, Level::Buffered);
//! assert_eq!(cache.describe(&table, &DescribeOptions::default()).await?.rows, 3);
//!
//! let receipt = cache.wait(&receipt, Level::Committed).await?;
//! assert_eq!(receipt.version, Some(1));
//! cache.shutdown(&ShutdownOptions::default()).await?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod cache;
mod config;
mod flush;
mod idle;
mod memtable;
mod read;
mod state;
mod stats;
mod upkeep;

pub use cache::TableCache;
pub use config::{CacheConfig, Durability};
pub use stats::{CacheStats, TableStats};
