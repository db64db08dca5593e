//! Reading: one pinned state of memory and table, streamed as their union.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use worldstore_async::table::AsyncBatches;
use worldstore_core::Result;
use worldstore_core::table::{Reader, Scan, TableInfo, TableName, TableScan};

use crate::cache::TableCache;
use crate::memtable::Chunk;

/// A table at one sequence: the version, and the appends that continue it.
struct Pin {
    info: TableInfo,
    chunks: Vec<Arc<Chunk>>,
}

impl TableCache {
    /// Takes version and memory in one step. Whatever is flushed later, this state stays readable as it is.
    fn pin(&self, name: &TableName) -> Result<Pin> {
        let mut state = self.state();
        state.settle();
        let visible = state.visible();
        let table = state.table(name)?;
        let chunks: Vec<_> = table.memtables().flat_map(|memtable| memtable.through(visible)).cloned().collect();
        let rows = table.rows + chunks.iter().map(|chunk| chunk.rows as u64).sum::<u64>();
        let last_seq = chunks.last().map_or(table.watermark, |chunk| chunk.seq);
        let info = TableInfo::new(name.clone(), table.schema.clone(), table.version, last_seq, rows);
        Ok(Pin { info, chunks })
    }

    pub(crate) async fn describe_pinned(&self, name: &TableName) -> Result<TableInfo> {
        self.load(name).await?;
        Ok(self.pin(name)?.info)
    }

    pub(crate) async fn scan_pinned(&self, name: &TableName, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        self.load(name).await?;
        let Pin { info, chunks } = self.pin(name)?;
        let table = self.shared.inner.scan(name, &scan.clone().with_version(info.version)).await?;
        let memory = Reader::new(scan, &info.schema)?;
        let batches = chunks.into_iter().flat_map(|chunk| chunk.batches.clone());
        let memory = stream::iter(batches).map(move |batch| memory.read(&batch));
        let batches = cut(table.batches.chain(memory).boxed(), scan.limit);
        Ok(TableScan::new(table.schema, info.version, info.watermark, batches))
    }
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
