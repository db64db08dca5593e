//! Spans of what the cache does: level debug, target `worldstore`.

use tracing::Span;
use tracing::field::Empty;
use worldstore_core::table::TableName;

/// Of an append: from the call to the receipt.
pub(crate) fn append(tables: usize, rows: usize) -> Span {
    tracing::debug_span!(
        target: "worldstore", "cache.append", worldstore.tables = tables, worldstore.rows = rows,
        worldstore.seq = Empty, worldstore.level = Empty,
        "error.type" = Empty, "error.message" = Empty, otel.status_code = Empty,
    )
}

/// Of the wait until the log has synced the record of an append.
pub(crate) fn log() -> Span {
    tracing::debug_span!(
        target: "worldstore", "cache.log", "error.type" = Empty, "error.message" = Empty, otel.status_code = Empty,
    )
}

/// Of one commit of buffered rows to their table.
pub(crate) fn flush(table: &TableName, rows: usize) -> Span {
    tracing::debug_span!(
        target: "worldstore", "cache.flush", db.collection.name = %table, worldstore.rows = rows,
        "error.type" = Empty, "error.message" = Empty, otel.status_code = Empty,
    )
}

/// Of the publication of a state.
pub(crate) fn publish(seq: u64, tables: usize) -> Span {
    tracing::debug_span!(
        target: "worldstore", "cache.publish", worldstore.seq = seq, worldstore.tables = tables,
        "error.type" = Empty, "error.message" = Empty, otel.status_code = Empty,
    )
}

/// Of reading the log when a cache is opened.
pub(crate) fn recover() -> Span {
    tracing::debug_span!(
        target: "worldstore", "cache.recover", "error.type" = Empty, "error.message" = Empty, otel.status_code = Empty,
    )
}
