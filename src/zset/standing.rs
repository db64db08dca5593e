//! A circuit over a run: each tick is a step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use tokio::runtime::Handle;
use worldstore_core::table::{Level, TableName};
use worldstore_core::{Error, ErrorKind, Result, Retry};
use worldstore_zset::store::{Mode, Store};
use worldstore_zset::{Changes, Circuit, Deltas, Engine, Time};

use super::steps::Steps;
use super::{Feed, Sink};
use crate::Run;
use crate::world::Tick;

/// A standing view: a circuit whose inputs are tables of a world, advanced over a run from tick to tick.
///
/// Its state, the last tick included, is in the circuit's store. Opened again, it goes on behind that tick; each tick is
/// applied once, whatever was cut short. On a fork it begins with the history that the fork shares, or goes on from the state
/// that another run left, as long as that is the fork's history too. Ticks that the fork shares cannot be written: sinks get
/// rows from the fork's first tick on.
#[derive(Debug)]
pub struct Standing {
    steps: Steps,
    feeds: Vec<Feed>,
    sinks: Arc<[Sink]>,
}

/// How many ticks are a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Each,
    AtOnce,
}

/// What is done with the changes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sinking {
    /// They are appended to the sinks.
    Append,
    /// They are of ticks that the run shares with another: they cannot be appended.
    Leave,
    /// A step that was cut short has appended them, as so many rows.
    Appended(u64),
    /// A step that was cut short went on to this tick, and has appended at its end what it changed: nothing, up to here.
    Nothing(i64),
}

/// The ticks of a step, and where it ends; open is that of a step that takes all there is.
struct Group {
    end: Option<i64>,
    last: i64,
    changes: Changes,
}

/// What a tick changed at the outputs.
#[derive(Debug)]
#[non_exhaustive]
pub struct TickDeltas {
    /// The tick.
    pub tick: i64,
    /// The changes.
    pub deltas: Deltas,
}

impl Standing {
    /// Opens a circuit on its store.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open(
        circuit: Circuit,
        store: impl Store + 'static,
        mode: Mode,
        feeds: Vec<Feed>,
        sinks: Vec<Sink>,
    ) -> Result<Self> {
        Ok(Self { steps: Steps::open(circuit, store, mode)?, feeds, sinks: sinks.into() })
    }

    /// The engine, to read caches and indexes of the circuit.
    ///
    /// # Errors
    /// `Poisoned` after a step panicked; `Unavailable` while a step whose caller has gone away is under way:
    /// [`advance`](Self::advance) waits for it.
    pub fn engine(&mut self) -> Result<&mut Engine> {
        self.steps.engine()
    }

    /// The last tick that was applied; -1 before the first.
    ///
    /// # Errors
    /// Those of the circuit's store.
    pub fn tick(&mut self) -> Result<i64> {
        self.engine()?.time()
    }

    /// Applies the ticks behind the last one up to and including this one, each as one step, and appends what the steps
    /// change to the sinks. Ticks count as complete: rows that come to them later are noticed at the next call.
    ///
    /// # Errors
    /// `Conflict` if rows were appended to ticks that had been applied, if the run has another history, or if the sinks have
    /// rows that this view would not have appended; `Invalid` for rows that do not fit an input, and for rows at ticks below
    /// 0; those of the world and of the circuit's store. Ticks before the one that failed have been applied.
    pub async fn advance(&mut self, run: &Run, until: i64) -> Result<Vec<TickDeltas>> {
        self.follow(run, until, Pace::Each).await
    }

    /// Applies the ticks behind the last one up to and including this one in one step: the same state, sooner. To the sinks
    /// all changes are appended at the last tick. They are more steps than one behind a call that was cut short after it had
    /// appended, and on a fork, where what it shares is a step of its own.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub async fn catch_up(&mut self, run: &Run, until: i64) -> Result<Vec<TickDeltas>> {
        self.follow(run, until, Pace::AtOnce).await
    }

    async fn follow(&mut self, run: &Run, until: i64, pace: Pace) -> Result<Vec<TickDeltas>> {
        let reached = self.ready(run).await?;
        let mut done = Vec::new();
        if reached >= until {
            return Ok(done);
        }
        let mut ahead = self.appended_behind(run, reached).await?;
        let mut ticks = run.replay(first(reached)..=until).await?;
        let mut group: Option<Group> = None;
        while let Some(tick) = ticks.try_next().await? {
            if !self.has_rows(&tick)? {
                continue;
            }
            let end = end_of(tick.tick, pace, run.first_tick(), &ahead);
            if let Some(ended) = group.take_if(|group| group.end != end) {
                done.push(self.close(run, ended, &mut ahead).await?);
            }
            let before = group.take().map_or_else(Changes::new, |group| group.changes);
            group = Some(Group { end, last: tick.tick, changes: self.insert(before, &tick)? });
        }
        if let Some(last) = group {
            done.push(self.close(run, last, &mut ahead).await?);
        }
        match ahead.first_key_value() {
            Some((tick, _)) if *tick <= until => Err(strange(*tick)),
            _ => self.reach(until).map(|()| done),
        }
    }

    /// The last tick that was applied, after a look for rows that came too late.
    async fn ready(&mut self, run: &Run) -> Result<i64> {
        let engine = self.steps.settled().await?;
        // Appends whose callers have gone away, those of a view among them.
        run.world().settled().await?;
        let reached = engine.time()?;
        for feed in self.feeds.iter().filter(|_| reached >= 0) {
            let seen = feed.seen(engine)?;
            let there = rows_until(run, feed.table(), reached).await?;
            if seen != there {
                let message = "rows were appended to ticks that the view has passed, or the run has another history";
                let error = Error::new(ErrorKind::Conflict, message).with("table", feed.table());
                return Err(error.with("tick", reached).with("applied", seen).with("there", there));
            }
        }
        Ok(reached)
    }

    /// How many rows the sinks have at the ticks behind the last one that the run may write: those of a step that came to its
    /// append and not to its commit. It ended at that tick.
    async fn appended_behind(&self, run: &Run, reached: i64) -> Result<BTreeMap<i64, u64>> {
        let view = run.now().between(reached.saturating_add(1).max(run.first_tick())..=i64::MAX);
        let tables: BTreeSet<&TableName> = self.sinks.iter().map(Sink::table).collect();
        let mut ahead = BTreeMap::new();
        for table in tables {
            let counts = match view.ticks(table.as_str()).await {
                Err(error) if error.is_not_found() => continue,
                counts => counts?,
            };
            for count in counts {
                *ahead.entry(count.tick).or_insert(0) += count.rows;
            }
        }
        Ok(ahead)
    }

    /// Whether a tick has rows for a feed.
    fn has_rows(&self, tick: &Tick) -> Result<bool> {
        let has_rows = self.feeds.iter().any(|feed| tick.tables.iter().any(|(table, _)| table == feed.table()));
        match has_rows && tick.tick < 0 {
            true => Err(Error::invalid("a standing view begins at tick 0").with("tick", tick.tick)),
            false => Ok(has_rows),
        }
    }

    /// The changes with those of a tick.
    fn insert(&self, changes: Changes, tick: &Tick) -> Result<Changes> {
        self.feeds.iter().try_fold(changes, |changes, feed| feed.insert(changes, tick))
    }

    /// Makes a step of ticks.
    async fn close(&mut self, run: &Run, group: Group, ahead: &mut BTreeMap<i64, u64>) -> Result<TickDeltas> {
        let Group { last, changes, .. } = group;
        let sinking = match ahead.first_key_value() {
            Some((tick, _)) if *tick < last => return Err(strange(*tick)),
            Some((tick, rows)) if *tick == last => Sinking::Appended(*rows),
            _ if last < run.first_tick() => Sinking::Leave,
            Some((tick, _)) => Sinking::Nothing(*tick),
            None => Sinking::Append,
        };
        let done = self.step(run, last, changes, sinking).await?;
        ahead.remove(&last);
        Ok(done)
    }

    /// One step, with the appends to the sinks between its last operator and its commit.
    async fn step(&mut self, run: &Run, tick: i64, changes: Changes, sinking: Sinking) -> Result<TickDeltas> {
        let (sinks, run, handle) = (Arc::clone(&self.sinks), run.clone(), Handle::current());
        let retry = Arc::new(OnceLock::new());
        let noted = Arc::clone(&retry);
        let sink = move |deltas: &Deltas| {
            let sunk = rows_of(&sinks, deltas).and_then(|rows| match sinking {
                Sinking::Leave => Ok(()),
                Sinking::Append => handle.block_on(append(&run, tick, &rows)),
                Sinking::Appended(count) => check_appended(&rows, count, tick),
                Sinking::Nothing(end) => check_none(&rows, end),
            });
            // The engine gives up the time of a step that can never succeed. This one can, once the world takes its rows.
            sunk.map_err(|error| {
                let _first = noted.set(error.retry());
                error.retry_as(Retry::Later)
            })
        };
        let step = move |engine: &mut Engine| engine.step_then(changes, Time::at(tick), sink);
        match self.steps.work(step).await {
            Ok(deltas) => Ok(TickDeltas { tick, deltas }),
            Err(error) => Err(match retry.get() {
                Some(retry) => error.retry_as(*retry),
                None => error,
            }),
        }
    }

    /// Notes that there is nothing in the ticks up to this one.
    fn reach(&mut self, until: i64) -> Result<()> {
        // "All that there is" is no tick to go on behind.
        if until == i64::MAX { Ok(()) } else { self.engine()?.release(Time::at(until)) }
    }
}

/// The tick at which the step of a tick ends: where the one ended that was cut short, and at the last tick that a fork shares.
fn end_of(tick: i64, pace: Pace, first: i64, ahead: &BTreeMap<i64, u64>) -> Option<i64> {
    let ended = ahead.range(tick..).next().map(|(tick, _)| *tick);
    match pace {
        Pace::Each if tick < first => Some(tick),
        Pace::AtOnce if tick < first => Some(first - 1),
        Pace::Each => ended.or(Some(tick)),
        Pace::AtOnce => ended,
    }
}

/// The first tick to apply. Rows below 0 are asked for, so that they are not passed over.
fn first(reached: i64) -> i64 {
    if reached < 0 { i64::MIN } else { reached + 1 }
}

fn strange(tick: i64) -> Error {
    let message = "the sinks have rows that this view has not appended, or its inputs have changed since";
    Error::new(ErrorKind::Conflict, message).with("tick", tick)
}

/// Rows for a sink.
type Rows = (TableName, RecordBatch);

fn rows_of(sinks: &[Sink], deltas: &Deltas) -> Result<Vec<Rows>> {
    let rows = |sink: &Sink| Ok(sink.rows(deltas)?.map(|rows| (sink.table().clone(), rows)));
    sinks.iter().filter_map(|sink| rows(sink).transpose()).collect()
}

fn check_appended(rows: &[Rows], count: u64, tick: i64) -> Result<()> {
    let made: u64 = rows.iter().map(|(_, batch)| batch.num_rows() as u64).sum();
    match made == count {
        true => Ok(()),
        false => Err(strange(tick).with("rows", count).with("expected", made)),
    }
}

fn check_none(rows: &[Rows], end: i64) -> Result<()> {
    match rows.is_empty() {
        true => Ok(()),
        false => {
            let message =
                "a step that was cut short had appended what it changed up to a later tick: go on to that one";
            Err(Error::new(ErrorKind::Conflict, message).with("tick", end))
        }
    }
}

async fn append(run: &Run, tick: i64, rows: &[Rows]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut writer = run.tick(tick);
    for (table, rows) in rows {
        writer = writer.append(table.as_str(), rows)?;
    }
    let receipt = writer.commit().await?;
    // A view that is ahead of its sinks would never append these rows again.
    if receipt.receipts.iter().any(|receipt| receipt.level == Level::Buffered) {
        run.world().flush().await?;
    }
    Ok(())
}

/// How many rows a table has up to a tick; none if it is not there.
async fn rows_until(run: &Run, table: &TableName, tick: i64) -> Result<u64> {
    match run.as_of(tick).count(table.as_str()).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        count => count,
    }
}

#[cfg(test)]
mod tests;
