//! What the cache holds and how its flushes went.

use std::time::Duration;

use worldstore_core::table::TableName;
use worldstore_core::wal::WalStats;

use crate::state::{State, TableState};

/// A look into a cache.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CacheStats {
    /// The last sequence number given out.
    pub last_seq: u64,
    /// Rows up to this sequence number are read.
    pub visible_seq: u64,
    /// Appends up to this sequence number are in the log, synced; 0 without a log.
    pub durable_seq: u64,
    /// Appends up to this sequence number are in the tables.
    pub committed_seq: u64,
    /// Appends up to this sequence number are in a published cut; 0 before the first of this cache.
    pub published_seq: u64,
    /// The manifest that holds that cut.
    pub manifest: Option<u64>,
    /// Figures of the log.
    pub log: Option<WalStats>,
    /// Why the log took or forgot no record the last time, or takes none any more.
    pub log_failure: Option<String>,
    /// Cuts that were published since the cache was opened.
    pub publications: u64,
    /// Publications that failed since the cache was opened.
    pub failed_publications: u64,
    /// Why the last publication failed, if it did.
    pub publication_failure: Option<String>,
    /// Why nothing is taken or committed any more, if another writer has taken over.
    pub fenced: Option<String>,
    /// Rows in memory that no table has yet.
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
    /// Rows in memory that the table does not have yet.
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
        let journal = state.journal.as_ref();
        let publication = &state.publication;
        let log_failure = journal.and_then(|journal| journal.fatal.as_ref().or(journal.failure.as_ref()));
        Self {
            last_seq: state.last_seq,
            visible_seq: state.visible(),
            durable_seq: journal.map_or(0, |journal| journal.durable(state.last_seq)),
            committed_seq: state.committed(),
            published_seq: publication.last.as_ref().map_or(0, |(cut, _)| cut.seq),
            manifest: publication.last.as_ref().map(|(_, manifest)| *manifest),
            log: journal.map(|journal| journal.wal.stats()),
            log_failure: log_failure.map(ToString::to_string),
            publications: publication.count,
            failed_publications: publication.failed,
            publication_failure: publication.failure.as_ref().map(|(error, _, _)| error.to_string()),
            fenced: state.fenced.as_ref().map(ToString::to_string),
            buffered_rows: state.tables.values().map(TableState::buffered_rows).sum(),
            buffered_bytes: state.bytes,
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
