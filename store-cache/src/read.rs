//! Reading: one pinned state of memory and table, streamed as their union.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use futures::stream;
use worldstore_async::table::AsyncBatches;
use worldstore_core::Result;
use worldstore_core::table::{Predicate, Reader, Scan, TableInfo, TableName, TableScan};

use crate::cache::TableCache;
use crate::memtable::Chunk;
use crate::state::TableState;
use crate::ticks::Ticks;

/// A table at one sequence: the version, and the appends that continue it.
struct Pin {
    info: TableInfo,
    /// True if the version has no rows.
    is_table_empty: bool,
    chunks: Vec<Arc<Chunk>>,
}

impl TableCache {
    /// Takes version and memory in one step, without appends that have no such ticks. Whatever is flushed later, this state
    /// stays readable as it is.
    fn pin(&self, name: &TableName, ticks: Ticks) -> Result<Pin> {
        let mut state = self.state();
        state.settle();
        let visible = state.visible();
        let table = state.table(name)?;
        let chunks = table.memtables().flat_map(|memtable| memtable.through(visible));
        let chunks = chunks.filter(|chunk| chunk.ticks.meets(ticks)).cloned().collect();
        Ok(Pin { info: table.info_at(name, visible), is_table_empty: table.rows == 0, chunks })
    }

    pub(crate) async fn describe_pinned(&self, name: &TableName) -> Result<TableInfo> {
        self.load(name).await?;
        let mut state = self.state();
        state.settle();
        let visible = state.visible();
        Ok(state.table(name)?.info_at(name, visible))
    }

    pub(crate) async fn scan_pinned(&self, name: &TableName, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        self.load(name).await?;
        let filter = scan.filter();
        let ticks = filter.as_ref().map_or(Ticks::ALL, Ticks::of_predicate);
        let Pin { info, is_table_empty, chunks } = self.pin(name, ticks)?;
        if is_table_empty {
            // To plan a scan of nothing costs a table format more than memory takes to read.
            let memory = memory(scan, filter, &info.schema, chunks)?;
            let schema = scan.schema(&info.schema)?;
            return Ok(TableScan::new(schema, info.version, info.watermark, cut(memory, scan.limit)));
        }
        let table = self.shared.inner.scan(name, &scan.clone().with_version(info.version)).await?;
        let memory = memory(scan, filter, &info.schema, chunks)?;
        let schema = Arc::clone(&table.schema);
        let mut parts = table.into_parts();
        // What is in memory is a part of its own, or comes behind the last one of the table.
        match parts.pop() {
            Some(last) if parts.len() + 1 >= scan.parts.most() => parts.push(last.chain(memory).boxed()),
            last => parts.extend(last.into_iter().chain([memory])),
        }
        let mut parts = parts.into_iter().map(|part| cut(part, scan.limit));
        let first = parts.next().unwrap_or_else(|| stream::empty().boxed());
        Ok(TableScan::new(schema, info.version, info.watermark, first).with_others(parts.collect()))
    }
}

impl TableState {
    /// The table with what is buffered of it up to a sequence number.
    fn info_at(&self, name: &TableName, visible: u64) -> TableInfo {
        let counts = self.memtables().map(|memtable| memtable.count_through(visible));
        let (rows, last_seq) = counts.fold((0, 0), |(rows, last), (more, seq)| (rows + more as u64, seq.max(last)));
        let last_seq = if last_seq == 0 { self.watermark } else { last_seq };
        TableInfo::new(name.clone(), self.schema.clone(), self.version, last_seq, self.rows + rows)
    }
}

/// What a scan asks for of the appends in memory. Appends that have no such row are not looked at, and those that have
/// no other are not filtered.
fn memory(scan: &Scan, filter: Option<Predicate>, schema: &SchemaRef, chunks: Vec<Arc<Chunk>>) -> Result<AsyncBatches> {
    let filtered = Reader::new(scan, schema)?;
    let Some(filter) = filter else {
        let batches = chunks.into_iter().flat_map(|chunk| chunk.batches.clone());
        return Ok(stream::iter(batches).map(move |batch| filtered.read(&batch)).boxed());
    };
    // A filter that no row can be compared with is refused, whether rows are looked at or not.
    filter.evaluate(&RecordBatch::new_empty(schema.clone()))?;
    let mut unfiltered = scan.clone();
    (unfiltered.predicate, unfiltered.segments) = (None, None);
    let whole = Reader::new(&unfiltered, schema)?;
    let batches = chunks.into_iter().flat_map(move |chunk| {
        let decided = chunk.decide(&filter);
        let batches = if decided == Some(false) { Vec::new() } else { chunk.batches.clone() };
        batches.into_iter().map(move |batch| (decided, batch))
    });
    let read = move |(decided, batch): (Option<bool>, RecordBatch)| match decided {
        Some(true) => whole.read(&batch),
        _ => filtered.read(&batch),
    };
    Ok(stream::iter(batches).map(read).boxed())
}

/// Ends the stream after `limit` rows; without one it stays as it is.
fn cut(batches: AsyncBatches, limit: Option<usize>) -> AsyncBatches {
    let Some(limit) = limit else { return batches };
    let rest = batches.scan(limit, |left, batch| {
        let step = match batch {
            _ if *left == 0 => None,
            Ok(batch) => {
                let taken = batch.num_rows().min(*left);
                *left -= taken;
                Some(Ok(batch.slice(0, taken)))
            }
            Err(error) => Some(Err(error)),
        };
        futures::future::ready(step)
    });
    rest.boxed()
}
