//! A circuit over a live view of a graph: what changes in the rows of a query is a step.

use std::collections::BTreeMap;
use std::fmt;

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
    definition: Input<String>,
    /// What the view asked when it first flowed in.
    known: Cache<String>,
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
    /// With the input come another one and a cache, named `…_definition` and `…_known`: they hold what the view asks, so that
    /// the state of one query never goes on with the changes of another.
    pub fn new<'b, T: Row>(builder: &'b Builder, name: &str) -> (Self, Stream<'b, T>) {
        let (input, rows) = builder.input::<T>(name);
        let (definition, definitions) = builder.input::<String>(&format!("{name}_definition"));
        let known = definitions.cache(&format!("{name}_known"));
        let weigh: Weigh = Box::new(move |changes, columns, diffs| {
            let row = |(row, diff): &(Vec<Value>, i64)| Ok((cells::row::<T>(columns, row)?, *diff));
            let rows = diffs.iter().map(row).collect::<std::result::Result<Vec<_>, serde::de::value::Error>>();
            let rows = rows.map_err(|error| {
                let wrong = Error::invalid("rows of the live view are not of the type of the input");
                wrong.with("columns", columns.join(", ")).caused_by(error)
            })?;
            Ok(changes.weigh(&input, rows))
        });
        (Self { weigh, definition, known }, rows)
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
/// process, goes on behind its own. Times of other views end with the process: there the circuit begins with an empty store
/// each time.
#[derive(Debug)]
pub struct LiveCircuit {
    steps: Steps,
    feed: LiveFeed,
    graph: Graph,
    view: String,
    /// True once the state is known to be of times of this graph.
    is_begun: bool,
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
        Ok(Self { steps, feed, graph: graph.clone(), view: view.to_owned(), is_begun: false })
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
    /// # Errors
    /// `NotFound` if there is no such view, or nothing is known any more of what changed since; `Conflict` if the view asks
    /// something else than the state is of; `Unsupported` if the state is of times that ended with another process; `Invalid`
    /// for rows that do not fit the input; those of the query and of the circuit's store. Changes before those that failed
    /// have been applied.
    pub async fn advance(&mut self) -> Result<Vec<LiveDeltas>> {
        let engine = self.steps.settled().await?;
        let (reached, known) = (engine.time()?, engine.read(&self.feed.known)?.all()?);
        let after = u64::try_from(reached).ok();
        let mut subscription = self.graph.subscribe(&self.view, after).await.map_err(Error::from)?;
        let before = known.into_iter().next().map(|(definition, _)| definition);
        self.check(&subscription, before.as_deref())?;
        let (by_time, progress) = by_time(subscription.next().await.map_err(Error::from)?);
        self.is_begun = true;
        let mut first = before.is_none().then(|| subscription.definition());
        let mut done = Vec::new();
        for (time, diffs) in by_time {
            let mut changes = (self.feed.weigh)(Changes::new(), subscription.columns(), &diffs)?;
            if let Some(definition) = first.take() {
                changes = changes.insert(&self.feed.definition, [definition]);
            }
            let deltas = self.steps.step(changes, at(time)?, |_| Ok(())).await?;
            done.push(LiveDeltas { time, deltas });
        }
        self.reach(progress, first).await?;
        Ok(done)
    }

    /// Notes that nothing more comes up to this time, and what the view asks, if no row has come yet.
    async fn reach(&mut self, progress: Option<u64>, definition: Option<String>) -> Result<()> {
        let Some(time) = progress.map(at).transpose()? else { return Ok(()) };
        match definition {
            Some(definition) => {
                let changes = Changes::new().insert(&self.feed.definition, [definition]);
                self.steps.step(changes, time, |_| Ok(())).await.map(drop)
            }
            None => self.engine()?.release(time),
        }
    }

    /// Refuses changes that are not those of the state.
    fn check(&self, subscription: &Subscription, before: Option<&str>) -> Result<()> {
        let Some(before) = before else { return Ok(()) };
        let asked = subscription.definition();
        if before != asked {
            let error = Error::new(ErrorKind::Conflict, "the live view asks something else than the state is of");
            return Err(error.with("view", &self.view).with("state", before).with("asked", asked));
        }
        match self.is_begun || subscription.is_lasting() {
            true => Ok(()),
            false => Err(Error::unsupported("the times of this live view have ended with their process: begin anew")
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
