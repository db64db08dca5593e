//! A circuit over a live view of a graph: what changes in the rows of a query is a step.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_graph::{Graph, LiveEvent, Subscription, Value};
use worldstore_zset::store::{Mode, Store};
use worldstore_zset::{Builder, Cache, Changes, Circuit, Deltas, Engine, Input, Row, Stream, Time};

use super::cells;
use super::steps::Steps;

/// Rows that came, or went where the number is negative.
type Diffs = Vec<(Vec<Value>, i64)>;

/// Adds rows with these columns to the changes of an input.
type Weigh = Box<dyn Fn(Changes, &[String], &Diffs) -> Result<Changes> + Send + Sync>;

/// The rows of a live view, as an input of a circuit.
pub struct LiveFeed {
    weigh: Weigh,
    followed: Input<Followed>,
    /// One row, once something has flowed in.
    known: Cache<Followed>,
}

/// What a state follows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Followed {
    /// What the view asks.
    definition: String,
    /// True if the state's time is a sequence number of a world, and not a count that ends with its process.
    is_lasting: bool,
}

impl fmt::Debug for LiveFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveFeed").finish_non_exhaustive()
    }
}

impl LiveFeed {
    /// Adds an input to a circuit, and gives its stream. The row type is a struct whose fields are columns of the view by
    /// name (`RETURN f.delay AS delay`), columns without a field are left out; or a tuple of all columns in their order. Times and
    /// durations are texts, floats a [`Real`](super::Real), what may be null an `Option`.
    ///
    /// With the input come another one and a cache, named `…_followed` and `…_known`: they hold what the view asks and what its
    /// times are, so that the state of one query never goes on with the changes of another.
    pub fn new<'b, T: Row>(builder: &'b Builder, name: &str) -> (Self, Stream<'b, T>) {
        let (input, rows) = builder.input::<T>(name);
        let (followed, all_followed) = builder.input::<Followed>(&format!("{name}_followed"));
        let known = all_followed.cache(&format!("{name}_known"));
        let weigh: Weigh = Box::new(move |changes, columns, diffs| {
            let row = |(row, diff): &(Vec<Value>, i64)| Ok((cells::row::<T>(columns, row)?, *diff));
            let rows = diffs.iter().map(row).collect::<std::result::Result<Vec<_>, serde::de::value::Error>>();
            let rows = rows.map_err(|error| {
                let wrong = Error::invalid("rows of the live view are not of the type of the input");
                wrong.with("columns", columns.join(", ")).caused_by(error)
            })?;
            Ok(changes.weigh(&input, rows))
        });
        (Self { weigh, followed, known }, rows)
    }
}

/// What changed in a live view at a time changed this at the outputs.
#[derive(Debug)]
#[non_exhaustive]
pub struct LiveDeltas {
    /// The time of the live view.
    pub time: u64,
    /// The changes.
    pub deltas: Deltas,
}

/// A circuit whose input is a live view of a graph, advanced with it.
///
/// Its state, the time of the view included, is in the circuit's store, and each change is applied once. Where the view reads
/// tables of one world only, its times are sequence numbers of the world, and a circuit that is opened again, also in another
/// process, goes on behind its own. Times of other views only count: a circuit over one begins with an empty store each time
/// that it is opened, and whenever the view is declared anew.
#[derive(Debug)]
pub struct LiveCircuit {
    steps: Steps,
    feed: LiveFeed,
    graph: Graph,
    view: String,
    /// The view of which the state is, once that is known.
    incarnation: Option<u64>,
}

/// Where a state is.
struct Reached {
    time: i64,
    followed: Option<Followed>,
}

impl LiveCircuit {
    /// Opens a circuit on its store, to follow this view of the graph.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open(
        circuit: Circuit,
        store: impl Store + 'static,
        mode: Mode,
        feed: LiveFeed,
        graph: &Graph,
        view: &str,
    ) -> Result<Self> {
        let steps = Steps::open(circuit, store, mode)?;
        Ok(Self { steps, feed, graph: graph.clone(), view: view.to_owned(), incarnation: None })
    }

    /// The engine, to read caches and indexes of the circuit.
    ///
    /// # Errors
    /// `Poisoned` after a step panicked; `Unavailable` while a step whose caller has gone away is under way:
    /// [`advance`](Self::advance) waits for it.
    pub fn engine(&mut self) -> Result<&mut Engine> {
        self.steps.engine()
    }

    /// Brings the view up to date, and applies what has changed in its rows since the last call: all of its rows at the first
    /// one. Each time of the view at which something changed is a step.
    ///
    /// A step that fails changes nothing, and is tried again by the next call: also one with a row that does not fit, or a sum
    /// that leaves its range.
    ///
    /// # Errors
    /// `NotFound` if there is no such view, or nothing is known any more of what changed since; `Conflict` if the view asks
    /// something else than the state is of; `ConditionFailed` if another circuit has gone on with the same store meanwhile;
    /// `Unsupported` if the state is of times that have ended; `Invalid` for rows that do not fit the input; those of the
    /// query and of the circuit's store. Changes before those that failed have been applied.
    pub async fn advance(&mut self) -> Result<Vec<LiveDeltas>> {
        let known = self.feed.known.clone();
        let look = move |engine: &mut Engine| {
            let (time, followed) = (engine.time()?, engine.read(&known)?.all()?);
            Ok(Reached { time, followed: followed.into_iter().next().map(|(followed, _)| followed) })
        };
        let mut reached = self.steps.work(look).await?;
        let after = u64::try_from(reached.time).ok();
        let mut subscription = self.graph.subscribe(&self.view, after).await.map_err(Error::from)?;
        self.check(&subscription, &reached)?;
        let (by_time, progress) = by_time(subscription.next().await.map_err(Error::from)?);
        self.incarnation = Some(subscription.incarnation());
        let now = Followed { definition: subscription.definition(), is_lasting: subscription.is_lasting() };
        let mut done = Vec::new();
        for (time, diffs) in by_time {
            let changes = (self.feed.weigh)(Changes::new(), subscription.columns(), &diffs)?;
            let deltas = self.step(changes, time, &now, &mut reached).await?;
            done.push(LiveDeltas { time, deltas });
        }
        if let Some(time) = progress {
            self.reach(time, &now, &mut reached).await?;
        }
        Ok(done)
    }

    /// One step, right behind the time that was reached.
    async fn step(&mut self, changes: Changes, time: u64, now: &Followed, reached: &mut Reached) -> Result<Deltas> {
        let (mut changes, time) = (changes, at(time)?.with_after(reached.time));
        // Once times only count, they never become sequence numbers again.
        let is_lasting = now.is_lasting && reached.followed.as_ref().is_none_or(|before| before.is_lasting);
        let now = Followed { is_lasting, ..now.clone() };
        if reached.followed.as_ref() != Some(&now) {
            let before = reached.followed.take().map(|before| (before, -1));
            changes = changes.weigh(&self.feed.followed, before.into_iter().chain([(now.clone(), 1)]));
        }
        let deltas = self.steps.work(move |engine| engine.step(changes, time)).await?;
        *reached = Reached { time: time.input_time, followed: Some(now) };
        Ok(deltas)
    }

    /// Notes that nothing more comes up to this time, and what the view asks, if no row has come yet.
    async fn reach(&mut self, time: u64, now: &Followed, reached: &mut Reached) -> Result<()> {
        let until = at(time)?.with_after(reached.time);
        match reached.followed {
            None => self.step(Changes::new(), time, now, reached).await.map(drop),
            Some(_) if until.input_time == reached.time => Ok(()),
            Some(_) => self.steps.work(move |engine| engine.release(until)).await,
        }
    }

    /// Refuses changes that are not those of the state.
    fn check(&self, subscription: &Subscription, reached: &Reached) -> Result<()> {
        let Some(before) = &reached.followed else {
            let is_empty = reached.time < 0;
            let error = || Error::new(ErrorKind::Conflict, "the state has a time, and is of no live view");
            return if is_empty { Ok(()) } else { Err(error().with("time", reached.time)) };
        };
        let asked = subscription.definition();
        if before.definition != asked {
            let error = Error::new(ErrorKind::Conflict, "the live view asks something else than the state is of");
            let error = error.with("view", &self.view).with("state", &before.definition);
            return Err(error.with("asked", asked));
        }
        let is_same = self.incarnation == Some(subscription.incarnation());
        match is_same || (before.is_lasting && subscription.is_lasting()) {
            true => Ok(()),
            false => Err(Error::unsupported("the times of this state have ended: begin anew with an empty store")
                .with("view", &self.view)),
        }
    }
}

/// The changes of each time, and the last progress mark.
fn by_time(events: Vec<LiveEvent>) -> (BTreeMap<u64, Diffs>, Option<u64>) {
    let (mut by_time, mut progress) = (BTreeMap::<u64, Diffs>::new(), None);
    for event in events {
        match event {
            LiveEvent::Row { time, diff, row } => by_time.entry(time).or_default().push((row, diff)),
            LiveEvent::Progress { time } => progress = Some(time),
            _ => {}
        }
    }
    (by_time, progress)
}

fn at(time: u64) -> Result<Time> {
    match i64::try_from(time) {
        Ok(time) => Ok(Time::at(time)),
        Err(error) => Err(Error::invalid("the time of the live view is too late").with("time", time).caused_by(error)),
    }
}
