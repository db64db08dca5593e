//! The tables of a world as a source for queries, as a view shows them.

use std::sync::Arc;

use async_trait::async_trait;
use worldstore_core::table::{DescribeOptions, Segment, TableInfo, TableName};
use worldstore_core::{Error, Result};
use worldstore_datafusion::{Moment, PinnedTable, TablePin, TableSelection, TableSnapshot, TableSource};

use super::travel::SeqAt;
use super::view::View;

/// The tables of a world. A selection may ask for another run or tick than the view's.
#[derive(Debug)]
pub(super) struct WorldTables(View);

impl WorldTables {
    pub fn new(view: View) -> Self {
        Self(view)
    }

    async fn view(&self, selection: &TableSelection) -> Result<View> {
        let mut tick = selection.as_of.unwrap_or(self.0.tick());
        if let Some(Moment::Tick(asked)) = selection.at {
            tick = tick.min(asked);
        }
        match &selection.run {
            Some(name) => Ok(self.0.run().world().run(name).await?.as_of(tick)),
            None => self.0.run().expect_there().map(|()| self.0.run().as_of(tick)),
        }
    }

    /// Refuses a state that is still to come: later appends would change it.
    async fn check_reached(&self, seq: u64) -> Result<()> {
        let tables = self.0.run().world().world_tables().await?;
        let newest = tables.iter().map(|info| info.watermark).max().unwrap_or_default();
        match seq <= newest {
            true => Ok(()),
            false => {
                let error = Error::not_found("the world has not come to this sequence number");
                Err(error.with("seq", seq).with("newest", newest))
            }
        }
    }

    /// The sequence number of a state in the past; none if the newest is meant.
    async fn seq(&self, at: Option<&Moment>) -> Result<Option<u64>> {
        let world = self.0.run().world();
        match at {
            None | Some(Moment::Tick(_)) => Ok(None),
            Some(Moment::Sequence(seq)) => Ok(Some(*seq)),
            Some(Moment::Time(time)) => world.seq_at(*time).await.map(Some),
            Some(Moment::Snapshot(name)) => {
                if let Some(TableSnapshot::Sequence(seq)) = TableSnapshot::parse(name) {
                    return Ok(Some(seq));
                }
                let states = world.states().await?;
                let found = states.iter().find(|state| state.pins.contains(name)).map(|state| state.seq);
                let missing = || Error::not_found("no snapshot has this name").with("snapshot", name);
                found.ok_or_else(missing).map(Some)
            }
            Some(_) => Err(Error::unsupported("a world cannot be read at such a moment")),
        }
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
        let mut found: Vec<(TableInfo, View, Option<u64>)> = Vec::with_capacity(selections.len());
        for selection in selections {
            let table = TableName::new(&selection.table)?;
            let info = tables.describe(&table, &DescribeOptions::default()).await?;
            found.push((info, self.view(selection).await?, self.seq(selection.at.as_ref()).await?));
        }
        // Rows of all tables are numbered in one sequence and become readable in its order: the greatest number that was
        // seen is a moment of the world, after everything that was acknowledged before the call. Up to it, no table
        // changes any more.
        let newest = found.iter().map(|(info, ..)| info.watermark).max().unwrap_or_default();
        if let Some(asked) = found.iter().filter_map(|(.., asked)| *asked).max().filter(|asked| *asked > newest) {
            self.check_reached(asked).await?;
        }
        let pin = |(info, view, asked): (TableInfo, View, Option<u64>)| -> Arc<dyn PinnedTable> {
            let seq = asked.unwrap_or(newest);
            let cut =
                |segment: &Segment| segment.clone().with_seq_max(segment.seq_max.map_or(seq, |before| before.min(seq)));
            let segments = view.segments().iter().map(cut).collect();
            Arc::new(TablePin::of_segments(Arc::clone(&tables), info, segments).with_sequence(seq))
        };
        Ok(found.into_iter().map(pin).collect())
    }
}
