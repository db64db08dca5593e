//! A world as a graph: each table is a label, read as of one run and tick.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_core::Result;
use worldstore_core::table::{DescribeOptions, Scan, Segment, TableName, TableScan};
use worldstore_graph::{Graph, PinnedTable, TableSelection, TableSource};

use super::{MAIN_RUN, World};
use crate::world::View;

impl World {
    /// The world as a graph: each table is a label of its own name, with the rows of run `main` at the time of the
    /// query, buffered rows included.
    ///
    /// # Errors
    /// Those of opening the run.
    pub async fn graph(&self) -> Result<Graph> {
        Ok(self.run(MAIN_RUN).await?.now().graph())
    }
}

impl View {
    /// The world as a graph: each table is a label of its own name, with the rows of this run up to this tick. A label
    /// may ask for another run or tick.
    pub fn graph(&self) -> Graph {
        Graph::new().with_tables(Arc::new(WorldTables(self.clone())))
    }
}

/// The tables of a world, as a view shows them.
#[derive(Debug)]
struct WorldTables(View);

#[async_trait]
impl TableSource for WorldTables {
    async fn tables(&self) -> Result<Vec<String>> {
        let tables = self.0.run().world().tables().await?;
        Ok(tables.iter().map(ToString::to_string).collect())
    }

    async fn pin(&self, selection: &TableSelection) -> Result<Arc<dyn PinnedTable>> {
        let table = TableName::new(&selection.table)?;
        let tick = selection.as_of.unwrap_or(self.0.tick());
        let world = self.0.run().world();
        let view = match &selection.run {
            Some(name) => world.run(name).await?.as_of(tick),
            None => self.0.run().as_of(tick),
        };
        let tables = world.table_backend();
        // Rows are numbered and become readable in one step: up to this number, the table never changes.
        let info = tables.describe(&table, &DescribeOptions::default()).await?;
        let cut = |segment: &Segment| {
            let seq = segment.seq_max.map_or(info.watermark, |seq| seq.min(info.watermark));
            segment.clone().with_seq_max(seq)
        };
        let segments = view.segments().iter().map(cut).collect();
        Ok(Arc::new(Pinned { tables, table, schema: info.schema.clone(), segments }))
    }
}

/// A table up to one sequence number.
struct Pinned {
    tables: Arc<dyn AsyncTableBackend>,
    table: TableName,
    schema: SchemaRef,
    segments: Vec<Segment>,
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").field("table", &self.table).field("segments", &self.segments).finish_non_exhaustive()
    }
}

#[async_trait]
impl PinnedTable for Pinned {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    async fn scan(&self, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        let mut scan = scan.clone().with_segments(self.segments.clone());
        scan.version = None;
        self.tables.scan(&self.table, &scan).await
    }
}
