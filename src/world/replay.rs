//! Replay: the history of a run as a stream of ticks.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use worldstore_core::table::{Scan, TableInfo, TableName};
use worldstore_core::{Error, Result};

use super::fold::Base;
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
            let rows = concat_batches(&schema, &batches).map_err(failed)?;
            for (tick, rows) in by_tick(&rows)? {
                ticks.entry(tick).or_default().push((info.name.clone(), vec![rows]));
            }
        }
        Ok(ticks.into_iter().map(|(tick, tables)| Tick { tick, tables }).collect())
    }
}

/// The rows of each tick, in the order of sequence number and position.
fn by_tick(rows: &RecordBatch) -> Result<Vec<(i64, RecordBatch)>> {
    let Base { tick, seq, .. } = Base::of(rows)?;
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.sort_by_key(|row| (tick.value(*row as usize), seq.value(*row as usize)));
    let of_tick = |rows_of_tick: &[u32]| {
        let number = tick.value(rows_of_tick.first().copied().unwrap_or(0) as usize);
        let taken = take_record_batch(rows, &UInt32Array::from(rows_of_tick.to_vec())).map_err(failed)?;
        Ok((number, taken))
    };
    order.chunk_by(|one, other| tick.value(*one as usize) == tick.value(*other as usize)).map(of_tick).collect()
}

fn failed(source: arrow::error::ArrowError) -> Error {
    Error::unexpected("rows could not be put in order").caused_by(source)
}

#[cfg(test)]
mod tests;
