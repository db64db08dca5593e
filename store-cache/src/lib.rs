//! A write-behind cache over any table backend.
//!
//! Appends go to a memtable per table and reach the table in larger commits. Nothing is lost or doubled by that:
//! - A read is the union of memory and table **at one sequence**: [`TableCache`] pins the memtables and the version of
//!   the table that they continue in one step, so a flush that ends in between changes nothing for it.
//! - A flush freezes the memtable first and forgets it only after the table's commit. The commit carries the sequence
//!   number that it ends at, so a repeated flush is refused by the table instead of doubling rows.
//! - A failed flush keeps its rows, is tried again with growing pauses, and shows in [`CacheStats`].
//!
//! # Log
//! With a log ([`CacheBuilder::with_log`]) an append is one record, and so is one of several tables
//! ([`TableCache::append_all`]): all of it is there after a crash, or none. [`Durability`] says what an append waits for and
//! what is read. A flush takes only what is durable in the log, or a crash could leave half of a step. Opening reads the
//! log back: rows above the watermark of their table are in memory again, those below are in the table already. Records
//! are forgotten when nothing needs them.
//!
//! A record holds a version (`u8`, 1), the sequence number (`u64`), the number of tables (`u32`), and for each the length
//! (`u16`) and text of its name, and the length (`u32`) and bytes of an Arrow IPC stream; numbers are little endian. Before a table is
//! created, a record of kind 2 (version, length and text of the name) says that older rows of that name are not its.
//!
//! A large append of one table is direct ([`CacheConfig::direct_mb`]): a record of kind 3 (version, sequence number, length
//! and text of the name) notes its number, and the commit of its rows to their table makes it durable.
//!
//! Without a log, rows that are only buffered are lost if the process is killed. A
//! [`Receipt`](worldstore_core::table::Receipt) says how safe rows are, and [`TableCache::wait`] makes them safer.
//!
//! # Publication
//! With a publisher ([`CacheBuilder::with_publisher`]) the state of all tables at one sequence number, a [`Cut`], is
//! published after flushes, and rows are committed when a cut holds them. Every commit carries the publisher's epoch:
//! once another writer has taken over, nothing is appended or committed any more.
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

mod append;
mod backend;
mod builder;
mod cache;
mod config;
mod direct;
mod fence;
mod fit;
mod flush;
mod idle;
mod journal;
mod memtable;
#[cfg(feature = "manifests")]
mod pinned;
mod publication;
mod publish;
mod read;
mod record;
mod recovery;
mod retry;
mod size;
mod spans;
mod state;
mod stats;
mod ticks;
mod trace;
mod upkeep;
mod wait;
mod waiting;
mod withdrawal;

pub use builder::CacheBuilder;
pub use cache::TableCache;
pub use config::{CacheConfig, Durability};
pub use fence::FenceTables;
pub use fit::{KeepUnfit, UnfitRows};
#[cfg(feature = "manifests")]
pub use pinned::PinnedTables;
pub use publish::{Cut, CutTable, Publish};
#[cfg(feature = "manifests")]
pub use publish::{
    ExpireTablesOptions, ExpiredTables, FileCheck, ManifestPublisher, PublisherOptions, Retained, expire_tables,
    manifest_appended, manifest_seq, manifest_tables, retained, verify_manifest, verify_retained,
};
pub use recovery::{CacheRecovery, TableRecovery};
pub use stats::{CacheStats, TableStats};
pub use waiting::Waiting;
