//! What can be flushed: asked before rows are acknowledged, since afterwards nobody can be told.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::max;
use arrow::datatypes::UInt64Type;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::future::BoxFuture;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::schema::check_nulls;
use worldstore_core::table::{TableName, base};
use worldstore_core::{Error, Result};

use crate::append::stamp;

/// Checks that rows can be flushed to their table.
///
/// # Errors
/// `Invalid` for a value, `Unsupported` for a type; table, column and row are named.
pub(crate) fn check(tables: &dyn AsyncTableBackend, table: &TableName, rows: &RecordBatch) -> Result<()> {
    // The cache gives the sequence number: what the rows have there does not count.
    let numbered = if has_zeros(rows) { rows.clone() } else { stamp(rows.clone(), 0)? };
    let checked = check_nulls(&numbered).and_then(|()| tables.check(table, &numbered));
    checked.map_err(|error| {
        let is_named = error.context().any(|(key, _)| key == "table");
        if is_named { error } else { error.with("table", table) }
    })
}

/// True if the sequence number is 0 in every row, as worlds leave it: then no other column of zeros is made.
fn has_zeros(rows: &RecordBatch) -> bool {
    let seqs = rows.column_by_name(base::SEQ).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    seqs.is_some_and(|seqs| seqs.null_count() == 0 && max(seqs) == Some(0))
}

/// Checks all rows of an append.
pub(crate) fn check_all(tables: &dyn AsyncTableBackend, table: &TableName, batches: &[RecordBatch]) -> Result<()> {
    for (number, batch) in batches.iter().enumerate() {
        check(tables, table, batch).map_err(|error| match batches.len() {
            1 => error,
            _ => error.with("batch", number),
        })?;
    }
    Ok(())
}

/// Rows of the log that their table cannot hold.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UnfitRows {
    /// The table.
    pub table: TableName,
    /// The sequence number of their append.
    pub seq: u64,
    /// The record of the log that has them.
    pub record: u64,
    /// How many they are.
    pub rows: u64,
    /// Why they cannot be in the table.
    pub reason: Arc<Error>,
    /// The rows, as an Arrow IPC stream.
    pub stream: Bytes,
}

/// Keeps rows that a log has and their table cannot hold.
///
/// The cache itself takes no such rows. A log may have some from a release that did not look, or from before another
/// program changed the table.
pub trait KeepUnfit: Send + Sync + fmt::Debug {
    /// Keeps rows, durably: the log forgets them later. The same rows may come again, if opening ends early.
    ///
    /// # Errors
    /// Those of the place where they are kept. The cache is not opened then, and the log still has them.
    fn keep<'keep>(&'keep self, rows: &'keep UnfitRows) -> BoxFuture<'keep, Result<()>>;
}

/// The error for rows of the log that nobody keeps.
pub(crate) fn stuck(unfit: &UnfitRows) -> Error {
    let message = "the log holds rows that their table cannot hold: they have to be set aside";
    let mut error = Error::new(unfit.reason.kind(), message).with("table", &unfit.table).with("seq", unfit.seq);
    for key in ["column", "row", "value"] {
        if let Some((_, value)) = unfit.reason.context().find(|(name, _)| *name == key) {
            error = error.with(key, value);
        }
    }
    error.with("record", unfit.record).caused_by(Arc::clone(&unfit.reason))
}
