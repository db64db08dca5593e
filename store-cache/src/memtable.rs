//! Rows of one table in memory, append by append, in the order of their sequence numbers.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use tokio::time::Instant;
use worldstore_core::table::Predicate;
use worldstore_core::table::schema::widen;
use worldstore_core::{Error, Result};

use crate::size;
use crate::spans::Spans;
use crate::ticks::Ticks;

/// Batches with fewer rows are put together before they are committed.
const SMALL_ROWS: usize = 16_384;
/// Rows at which a batch that was put together is large enough.
const LARGE_ROWS: usize = 131_072;
/// Bytes at which it is: texts of a batch have offsets of 32 bits.
const LARGE_BYTES: usize = 128 << 20;

/// The rows of one append.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub seq: u64,
    pub batches: Vec<RecordBatch>,
    pub rows: usize,
    /// Bytes that the arrays hold.
    pub bytes: usize,
    /// When they came.
    pub since: Instant,
    pub ticks: Ticks,
    spans: Spans,
}

impl Chunk {
    pub fn new(seq: u64, batches: Vec<RecordBatch>, since: Instant, ticks: Ticks) -> Self {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let bytes = size::held(&batches);
        Self { seq, batches, rows, bytes, since, ticks, spans: Spans::default() }
    }

    /// Whether the predicate is true for all rows, or for none; none if only the rows can tell.
    pub fn decide(&self, predicate: &Predicate) -> Option<bool> {
        self.spans.decide(predicate, &self.batches)
    }
}

/// Appends that no commit contains yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memtable {
    chunks: VecDeque<Arc<Chunk>>,
    rows: usize,
    bytes: usize,
}

impl Memtable {
    /// Adds the rows of an append, nearly always the newest one.
    pub fn push(&mut self, chunk: Arc<Chunk>) {
        self.rows += chunk.rows;
        self.bytes += chunk.bytes;
        let at = match self.last_seq() > chunk.seq {
            false => self.chunks.len(),
            true => self.chunks.partition_point(|other| other.seq <= chunk.seq),
        };
        self.chunks.insert(at, chunk);
    }

    /// Takes out what has come up to a sequence number.
    pub fn take_through(&mut self, seq: u64) -> Self {
        let rest = self.chunks.split_off(self.chunks.partition_point(|chunk| chunk.seq <= seq));
        let taken = Self::of(std::mem::replace(&mut self.chunks, rest));
        self.rows -= taken.rows;
        self.bytes -= taken.bytes;
        taken
    }

    /// The last append with which the rows have at most so many bytes; the first if that has more.
    pub fn seq_within(&self, bytes: usize) -> u64 {
        let mut held = 0;
        let fits = |chunk: &&Arc<Chunk>| {
            held += chunk.bytes;
            held <= bytes
        };
        self.chunks.iter().take_while(fits).last().map_or(self.first_seq(), |chunk| chunk.seq)
    }

    /// Takes back an append.
    pub fn withdraw(&mut self, seq: u64) {
        let kept = self.chunks.drain(..).filter(|chunk| chunk.seq != seq).collect();
        *self = Self::of(kept);
    }

    /// Gives the rows the columns that their table has now.
    pub fn widen(&mut self, schema: &SchemaRef) -> Result<()> {
        let widened = |chunk: &Arc<Chunk>| {
            let batches: Vec<_> = chunk.batches.iter().map(|batch| widen(batch, schema)).collect::<Result<_>>()?;
            let ticks = Ticks::of_rows(&batches);
            Ok(Arc::new(Chunk::new(chunk.seq, batches, chunk.since, ticks)))
        };
        *self = Self::of(self.chunks.iter().map(widened).collect::<Result<_>>()?);
        Ok(())
    }

    fn of(chunks: VecDeque<Arc<Chunk>>) -> Self {
        let (rows, bytes) = (chunks.iter().map(|chunk| chunk.rows).sum(), chunks.iter().map(|chunk| chunk.bytes).sum());
        Self { chunks, rows, bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn appends(&self) -> usize {
        self.chunks.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The sequence number of the oldest row; 0 without rows.
    pub fn first_seq(&self) -> u64 {
        self.chunks.front().map_or(0, |chunk| chunk.seq)
    }

    /// The sequence number of the newest row; 0 without rows.
    pub fn last_seq(&self) -> u64 {
        self.chunks.back().map_or(0, |chunk| chunk.seq)
    }

    /// When the oldest row came.
    pub fn oldest(&self) -> Option<Instant> {
        self.chunks.front().map(|chunk| chunk.since)
    }

    /// Rows of the appends up to a sequence number, and the newest of these appends; 0 without one.
    pub fn count_through(&self, seq: u64) -> (usize, u64) {
        let behind = self.chunks.iter().rev().take_while(|chunk| chunk.seq > seq);
        let (appends, rows) = behind.fold((0, 0), |(appends, rows), chunk| (appends + 1, rows + chunk.rows));
        let newest = self.chunks.len().checked_sub(appends + 1).and_then(|index| self.chunks.get(index));
        (self.rows - rows, newest.map_or(0, |chunk| chunk.seq))
    }

    /// The appends up to a sequence number.
    pub fn through(&self, seq: u64) -> impl Iterator<Item = &Arc<Chunk>> {
        // Nearly all are: those that are not stand at the end.
        let behind = self.chunks.iter().rev().take_while(|chunk| chunk.seq > seq).count();
        self.chunks.iter().take(self.chunks.len() - behind)
    }

    /// All rows as few batches, so that a commit of many small appends writes few large pages.
    pub fn coalesce(&self, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
        let mut large = Vec::new();
        let (mut small, mut rows, mut bytes) = (Vec::new(), 0, 0);
        for batch in self.chunks.iter().flat_map(|chunk| &chunk.batches) {
            let batch = match Arc::ptr_eq(batch.schema_ref(), schema) {
                true => batch.clone(),
                false => widen(batch, schema)?,
            };
            let size = size::of_rows(&batch);
            let is_large = batch.num_rows() >= SMALL_ROWS || size >= LARGE_BYTES;
            if (is_large || rows >= LARGE_ROWS || bytes + size > LARGE_BYTES) && !small.is_empty() {
                large.extend(joined_or_apart(schema, std::mem::take(&mut small)));
                (rows, bytes) = (0, 0);
            }
            match is_large {
                true => large.push(batch),
                false => {
                    (rows, bytes) = (rows + batch.num_rows(), bytes + size);
                    small.push(batch);
                }
            }
        }
        large.extend(joined_or_apart(schema, small));
        Ok(large)
    }
}

/// Small batches as one, or as they are where they do not go together: a dictionary may have no numbers left.
fn joined_or_apart(schema: &SchemaRef, batches: Vec<RecordBatch>) -> Vec<RecordBatch> {
    match batches.len() {
        0 | 1 => batches,
        _ => joined(schema, &batches).map_or(batches, |joined| vec![joined]),
    }
}

/// Small batches as one.
pub(crate) fn joined(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    concat_batches(schema, batches)
        .map_err(|source| Error::unexpected("buffered batches do not fit together").caused_by(source))
}
