//! Replay: the history of a run as a stream of ticks.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use worldstore_core::table::{Scan, TableInfo, TableName};
use worldstore_core::{Error, Result};

use super::fold::{Base, is_overflow, pieces};
use super::windows::windows;
use super::{Run, View};

/// All rows of one tick.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tick {
    /// The tick.
    pub tick: i64,
    /// The tables that have rows in it, sorted by name, with all columns; the rows in the order in which they were
    /// appended.
    pub tables: Vec<(TableName, Vec<RecordBatch>)>,
}

impl Tick {
    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.tables.iter().flat_map(|(_, batches)| batches).map(|batch| batch.num_rows() as u64).sum()
    }
}

/// How a history is replayed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReplayOptions {
    /// Rows that are held at a time, in whole ticks: a larger tick is held whole. Default 262,144.
    pub window_rows: u64,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self { window_rows: 1 << 18 }
    }
}

impl ReplayOptions {
    /// Sets how many rows are held at a time.
    #[must_use]
    pub fn with_window_rows(mut self, rows: u64) -> Self {
        self.window_rows = rows;
        self
    }
}

/// Ticks in ascending order, those that have rows. After an error it ends.
pub type Ticks = BoxStream<'static, Result<Tick>>;

impl Run {
    /// Replays ticks in order, those of the runs that it was forked from included. What is appended later is not part of
    /// it. Memory holds one window of ticks at a time.
    ///
    /// # Errors
    /// `Invalid` for an empty range; those of the byte store, now and in the stream.
    pub async fn replay(&self, ticks: RangeInclusive<i64>) -> Result<Ticks> {
        self.replay_with(ticks, &ReplayOptions::default()).await
    }

    /// As [`replay`](Self::replay), with options.
    ///
    /// # Errors
    /// As for [`replay`](Self::replay).
    pub async fn replay_with(&self, ticks: RangeInclusive<i64>, options: &ReplayOptions) -> Result<Ticks> {
        if ticks.is_empty() {
            return Err(Error::invalid("no tick is in an empty range")
                .with("from", ticks.start())
                .with("to", ticks.end()));
        }
        let view = self.now().pinned().await?.between(ticks);
        let tables = self.world().world_tables().await?;
        let mut counts = BTreeMap::new();
        for info in &tables {
            for count in view.ticks(info.name.as_str()).await? {
                *counts.entry(count.tick).or_insert(0) += count.rows;
            }
        }
        let windows = windows(counts, options.window_rows).into();
        let replay = Replay { view, tables, windows, ready: VecDeque::new() };
        Ok(stream::try_unfold(replay, |mut replay| async move { Ok(replay.next().await?.map(|tick| (tick, replay))) })
            .boxed())
    }
}

/// A replay under way.
struct Replay {
    view: View,
    tables: Vec<TableInfo>,
    windows: VecDeque<RangeInclusive<i64>>,
    /// Ticks of the window that was read last.
    ready: VecDeque<Tick>,
}

impl Replay {
    async fn next(&mut self) -> Result<Option<Tick>> {
        loop {
            if let Some(tick) = self.ready.pop_front() {
                return Ok(Some(tick));
            }
            let Some(window) = self.windows.pop_front() else { return Ok(None) };
            self.ready = self.read(window).await?;
        }
    }

    async fn read(&self, window: RangeInclusive<i64>) -> Result<VecDeque<Tick>> {
        let view = self.view.between(window);
        let mut ticks: BTreeMap<i64, Vec<(TableName, Vec<RecordBatch>)>> = BTreeMap::new();
        for info in &self.tables {
            let scan = view.scan(info.name.as_str(), &Scan::all()).await?;
            let schema = Arc::clone(&scan.schema);
            let batches: Vec<RecordBatch> = scan.batches.try_collect().await?;
            let rows = match concat_batches(&schema, &batches) {
                Ok(rows) => vec![rows],
                // More than a column of one batch holds.
                Err(error) if is_overflow(&error) => batches,
                Err(source) => return Err(Error::unexpected("rows could not be put in order").caused_by(source)),
            };
            for (tick, rows) in by_tick(&rows, &schema)? {
                ticks.entry(tick).or_default().push((info.name.clone(), rows));
            }
        }
        Ok(ticks.into_iter().map(|(tick, tables)| Tick { tick, tables }).collect())
    }
}

/// The rows of each tick, in the order of sequence number and position.
fn by_tick(batches: &[RecordBatch], schema: &SchemaRef) -> Result<Vec<(i64, Vec<RecordBatch>)>> {
    let mut order: Vec<(i64, u64, usize, usize)> = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        let Base { tick, seq, .. } = Base::of(batch)?;
        order.extend((0..batch.num_rows()).map(|row| (tick.value(row), seq.value(row), number, row)));
    }
    order.sort_unstable();
    let of_tick = |rows: &[(i64, u64, usize, usize)]| {
        let number = rows.first().map_or(0, |(tick, ..)| *tick);
        let places: Vec<_> = rows.iter().map(|(_, _, batch, row)| (*batch, *row)).collect();
        Ok((number, pieces(batches, &places, schema, places.len())?))
    };
    order.chunk_by(|one, other| one.0 == other.0).map(of_tick).collect()
}

#[cfg(test)]
mod tests;
