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

mod backend;
mod cache;
mod config;
mod flush;
mod idle;
mod memtable;
mod read;
mod state;
mod stats;

pub use cache::TableCache;
pub use config::CacheConfig;
pub use stats::{CacheStats, TableStats};
