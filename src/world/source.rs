//! The tables of a world as a source for queries, as a view shows them.

use std::sync::Arc;

use async_trait::async_trait;
use worldstore_core::table::{DescribeOptions, Segment, TableInfo, TableName};
use worldstore_core::{Error, Result};
use worldstore_datafusion::{PinnedTable, TablePin, TableSelection, TableSource};

use super::view::View;

/// The tables of a world. A selection may ask for another run or tick than the view's.
#[derive(Debug)]
pub(super) struct WorldTables(View);

impl WorldTables {
    pub fn new(view: View) -> Self {
        Self(view)
    }

    async fn view(&self, selection: &TableSelection) -> Result<View> {
        let tick = selection.as_of.unwrap_or(self.0.tick());
        Ok(match &selection.run {
            Some(name) => self.0.run().world().run(name).await?.as_of(tick),
            None => self.0.run().as_of(tick),
        })
    }
}

#[async_trait]
impl TableSource for WorldTables {
    async fn tables(&self) -> Result<Vec<String>> {
        let tables = self.0.run().world().tables().await?;
        Ok(tables.iter().map(ToString::to_string).collect())
    }

    async fn pin(&self, selection: &TableSelection) -> Result<Arc<dyn PinnedTable>> {
        let pinned = self.pin_all(std::slice::from_ref(selection)).await?;
        pinned.into_iter().next().ok_or_else(|| Error::unexpected("no table was pinned"))
    }

    async fn pin_all(&self, selections: &[TableSelection]) -> Result<Vec<Arc<dyn PinnedTable>>> {
        let tables = self.0.run().world().table_backend();
        let mut found: Vec<(TableInfo, View)> = Vec::with_capacity(selections.len());
        for selection in selections {
            let table = TableName::new(&selection.table)?;
            let info = tables.describe(&table, &DescribeOptions::default()).await?;
            found.push((info, self.view(selection).await?));
        }
        // Rows of all tables are numbered in one sequence and become readable in its order: the greatest number that was
        // seen is a moment of the world, after everything that was acknowledged before the call. Up to it, no table
        // changes any more.
        let seq = found.iter().map(|(info, _)| info.watermark).max().unwrap_or_default();
        let pin = |(info, view): (TableInfo, View)| -> Arc<dyn PinnedTable> {
            let cut =
                |segment: &Segment| segment.clone().with_seq_max(segment.seq_max.map_or(seq, |before| before.min(seq)));
            let segments = view.segments().iter().map(cut).collect();
            Arc::new(TablePin::of_segments(Arc::clone(&tables), info, segments))
        };
        Ok(found.into_iter().map(pin).collect())
    }
}
