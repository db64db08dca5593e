//! What the cache holds and how its flushes went.

use std::time::Duration;

use worldstore_core::table::TableName;

use crate::state::{State, TableState};

/// A look into a cache.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CacheStats {
    /// The last sequence number given out.
    pub last_seq: u64,
    /// Rows in memory only.
    pub buffered_rows: usize,
    /// Bytes that they take.
    pub buffered_bytes: usize,
    /// Commits made since the cache was opened.
    pub flushes: u64,
    /// Rows in those commits.
    pub flushed_rows: u64,
    /// Flushes that failed since the cache was opened.
    pub failed_flushes: u64,
    /// Each table, sorted by name.
    pub tables: Vec<TableStats>,
}

/// A look at one table of a cache.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TableStats {
    /// The table.
    pub table: TableName,
    /// The newest committed version.
    pub version: u64,
    /// The last sequence number in it.
    pub watermark: u64,
    /// Rows in memory only.
    pub buffered_rows: usize,
    /// Bytes that they take.
    pub buffered_bytes: usize,
    /// Age of the oldest of them.
    pub oldest: Option<Duration>,
    /// Why the last flush failed, if it did.
    pub failure: Option<String>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FlushCounters {
    pub flushes: u64,
    pub rows: u64,
    pub failed: u64,
}

impl CacheStats {
    pub(crate) fn of(state: &State) -> Self {
        Self {
            last_seq: state.last_seq,
            buffered_rows: state.tables.values().map(TableState::buffered_rows).sum(),
            buffered_bytes: state.buffered_bytes(),
            flushes: state.counters.flushes,
            flushed_rows: state.counters.rows,
            failed_flushes: state.counters.failed,
            tables: state.tables.iter().map(|(name, table)| TableStats::of(name, table)).collect(),
        }
    }
}

impl TableStats {
    fn of(name: &TableName, table: &TableState) -> Self {
        Self {
            table: name.clone(),
            version: table.version,
            watermark: table.watermark,
            buffered_rows: table.buffered_rows(),
            buffered_bytes: table.buffered_bytes(),
            oldest: table.oldest().map(|oldest| oldest.elapsed()),
            failure: table.failure.as_ref().map(|failure| failure.error.to_string()),
        }
    }
}
