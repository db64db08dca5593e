//! A circuit over a run: each tick is a step.

use futures::TryStreamExt;
use tokio::runtime::Handle;
use worldstore_core::table::{Level, TableName};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_zset::store::{Mode, Store};
use worldstore_zset::{Changes, Circuit, Deltas, Engine, Time};

use super::{Feed, Sink};
use crate::Run;
use crate::world::Tick;

/// A standing view: a circuit whose inputs are tables of a world, advanced over a run from tick to tick.
///
/// Its state, the last tick included, is in the circuit's store. Opened again, it goes on behind that tick; each tick is
/// applied once, whatever was cut short. On a fork it begins with the history that the fork shares, or goes on from the state
/// that another run left, as long as that is the fork's history too.
#[derive(Debug)]
pub struct Standing {
    /// `None` after a step panicked.
    engine: Option<Engine>,
    feeds: Vec<Feed>,
    sinks: Vec<Sink>,
    /// Whether the rows of the next tick may be in the sinks already.
    appended: Appended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Appended {
    Maybe,
    No,
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
        let engine = Some(Engine::open(circuit, store, mode)?);
        Ok(Self { engine, feeds, sinks, appended: Appended::Maybe })
    }

    /// The engine, to read caches and indexes of the circuit.
    ///
    /// # Errors
    /// `Poisoned` after a step panicked.
    pub fn engine(&mut self) -> Result<&mut Engine> {
        self.engine.as_mut().ok_or_else(poisoned)
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
    /// `Conflict` if rows were appended to ticks that had been applied, or if the run has another history; `Invalid` for
    /// rows that do not fit an input, and for rows at ticks below 0; those of the world and of the circuit's store. Ticks
    /// before the one that failed have been applied.
    pub async fn advance(&mut self, run: &Run, until: i64) -> Result<Vec<TickDeltas>> {
        let reached = self.ready(run).await?;
        let mut all = Vec::new();
        if reached >= until {
            return Ok(all);
        }
        let mut ticks = run.replay(first(reached)..=until).await?;
        while let Some(tick) = ticks.try_next().await? {
            let changes = self.insert(Changes::new(), &tick)?;
            if let Some(changes) = changes {
                all.push(self.step(run, tick.tick, changes).await?);
            }
        }
        self.reach(until)?;
        Ok(all)
    }

    /// Applies the ticks behind the last one up to and including this one in one step: the same state, sooner. To the sinks
    /// all changes are appended at the last tick.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub async fn catch_up(&mut self, run: &Run, until: i64) -> Result<Option<TickDeltas>> {
        let reached = self.ready(run).await?;
        if reached >= until {
            return Ok(None);
        }
        let mut ticks = run.replay(first(reached)..=until).await?;
        let (mut changes, mut last) = (Changes::new(), None);
        while let Some(tick) = ticks.try_next().await? {
            let (number, inserted) = (tick.tick, self.insert(changes, &tick)?);
            last = if inserted.is_some() { Some(number) } else { last };
            changes = inserted.unwrap_or_default();
        }
        let deltas = match last {
            Some(tick) => Some(self.step(run, tick, changes).await?),
            None => None,
        };
        self.reach(until)?;
        Ok(deltas)
    }

    /// The last tick that was applied, after a look for rows that came too late.
    async fn ready(&mut self, run: &Run) -> Result<i64> {
        let engine = self.engine.as_mut().ok_or_else(poisoned)?;
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

    /// The changes with those of a tick; `None` if no feed has rows in it and there were none before.
    fn insert(&self, changes: Changes, tick: &Tick) -> Result<Option<Changes>> {
        let has_rows = self.feeds.iter().any(|feed| tick.tables.iter().any(|(table, _)| table == feed.table()));
        if !has_rows {
            return Ok(if changes.is_empty() { None } else { Some(changes) });
        }
        if tick.tick < 0 {
            return Err(Error::invalid("a standing view begins at tick 0").with("tick", tick.tick));
        }
        self.feeds.iter().try_fold(changes, |changes, feed| feed.insert(changes, tick)).map(Some)
    }

    /// One step, with the appends to the sinks between its last operator and its commit.
    async fn step(&mut self, run: &Run, tick: i64, changes: Changes) -> Result<TickDeltas> {
        let is_there = self.appended == Appended::Maybe && self.is_appended(run, tick).await?;
        self.appended = Appended::Maybe;
        let (mut engine, sinks) = (self.engine.take().ok_or_else(poisoned)?, std::mem::take(&mut self.sinks));
        let (run, handle) = (run.clone(), Handle::current());
        // Stores block; the append waits for the world on a thread that may.
        let work = tokio::task::spawn_blocking(move || {
            let result = engine.step_then(changes, Time::at(tick), |deltas| {
                if is_there { Ok(()) } else { handle.block_on(append(&run, tick, &sinks, deltas)) }
            });
            (engine, sinks, result)
        });
        let (engine, sinks, result) = work.await.map_err(|error| poisoned().caused_by(error))?;
        (self.engine, self.sinks) = (Some(engine), sinks);
        let deltas = result?;
        self.appended = Appended::No;
        Ok(TickDeltas { tick, deltas })
    }

    /// True if the sinks have rows of this tick: the step before came to its append and not to its commit.
    async fn is_appended(&self, run: &Run, tick: i64) -> Result<bool> {
        for sink in &self.sinks {
            if rows_until(run, sink.table(), tick).await? > rows_until(run, sink.table(), tick - 1).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes that there is nothing in the ticks up to this one.
    fn reach(&mut self, until: i64) -> Result<()> {
        // "All that there is" is no tick to go on behind.
        if until == i64::MAX { Ok(()) } else { self.engine()?.release(Time::at(until)) }
    }
}

/// The first tick to apply. Rows below 0 are asked for, so that they are not passed over.
fn first(reached: i64) -> i64 {
    if reached < 0 { i64::MIN } else { reached + 1 }
}

fn poisoned() -> Error {
    Error::new(ErrorKind::Poisoned, "a step of the view panicked; open it again")
}

async fn append(run: &Run, tick: i64, sinks: &[Sink], deltas: &Deltas) -> Result<()> {
    let mut writer = run.tick(tick);
    let mut has_rows = false;
    for sink in sinks {
        if let Some(rows) = sink.rows(deltas)? {
            writer = writer.append(sink.table().as_str(), &rows)?;
            has_rows = true;
        }
    }
    if !has_rows {
        return Ok(());
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
