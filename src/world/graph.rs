//! A world as a graph: each table is a label, read as of one run and tick.

use std::sync::Arc;

use worldstore_core::Result;
use worldstore_graph::Graph;

use super::source::WorldTables;
use super::{MAIN_RUN, World};
use crate::formats::with_table_formats;
use crate::registry::Registry;
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
    /// may ask for another run or tick. Labels over tables of the formats that are compiled in can be declared: see
    /// [`formats`](crate::formats).
    pub fn graph(&self) -> Graph {
        let graph = Graph::new().with_tables(Arc::new(WorldTables::new(self.clone())));
        with_table_formats(graph, &Registry::compiled_in())
    }
}
