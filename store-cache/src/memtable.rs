//! Rows of one table in memory, in the order of their sequence numbers.

use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use tokio::time::Instant;
use worldstore_core::table::schema::widen;
use worldstore_core::{Error, Result};

/// Batches of one table that no commit contains yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memtable {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    last_seq: u64,
    oldest: Option<Instant>,
}

impl Memtable {
    /// Adds the rows of one append. Sequence numbers only grow.
    pub fn push(&mut self, batches: Vec<RecordBatch>, seq: u64, now: Instant) {
        self.rows += rows_of(&batches);
        self.bytes += bytes_of(&batches);
        self.last_seq = seq;
        self.oldest.get_or_insert(now);
        self.batches.extend(batches);
    }

    /// Gives the rows the columns that their table has now.
    pub fn widen(&mut self, schema: &SchemaRef) -> Result<()> {
        let widened: Vec<_> = self.batches.iter().map(|batch| widen(batch, schema)).collect::<Result<_>>()?;
        self.bytes = bytes_of(&widened);
        self.batches = widened;
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that the arrays hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The sequence number of the newest row.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// When the oldest row came.
    pub fn oldest(&self) -> Option<Instant> {
        self.oldest
    }

    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// All rows as one batch, so that a commit of many small appends writes few large pages.
    pub fn coalesce(&self, schema: &SchemaRef) -> Result<RecordBatch> {
        concat_batches(schema, &self.batches)
            .map_err(|source| Error::unexpected("buffered batches do not fit together").caused_by(source))
    }
}

pub(crate) fn rows_of(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

pub(crate) fn bytes_of(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::get_array_memory_size).sum()
}
