//! Standing queries: `CREATE LIVE VIEW name AS query`, and what changes in its rows from one time to the next.
//!
//! A view is brought up to date when a subscription asks: by what was appended meanwhile, where its query has nothing but
//! conditions, projections, joins and counts over tables of one world; else its query is run again, and the difference
//! of the two results is one step. Steps are kept, so that a subscription can begin in the past. What a subscription has got so far adds up,
//! at every progress mark, to the rows that the query gives at that time.

mod incremental;
mod rows;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::lock::Mutex;
use worldstore_core::{Error, Result};
use worldstore_cypher::ast::{CreateLiveView, Name, Query};
use worldstore_cypher_runtime::Value;
use worldstore_datafusion::{Moment, Roomy};

use crate::bind::unknown;
use crate::catalog::{Declared, Dropped, Record};
use crate::error::QueryError;
use crate::execute::QueryResult;
use crate::graph::Graph;
use crate::options::QueryOptions;
use crate::value::Parameters;
use rows::{Changes, Rows, apply, difference, rows_of};

/// Changes that a view keeps for subscriptions that begin in the past; older ones are forgotten.
const KEPT_CHANGES_MAX: usize = 1 << 20;

/// What a subscription gets.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LiveEvent {
    /// A row came so many times, or went so many times if the number is negative.
    Row {
        /// When.
        time: u64,
        /// How often; never 0.
        diff: i64,
        /// The row: a value for each column.
        row: Vec<Value>,
    },
    /// Nothing more comes of this time or of one before it.
    Progress {
        /// The time. A later subscription can begin here.
        time: u64,
    },
}

/// A standing query.
#[derive(Debug)]
pub(crate) struct LiveView {
    pub query: Query,
    parameters: Parameters,
    /// Another number for each declaration in this process.
    incarnation: u64,
    /// None until it is asked for the first time.
    state: Mutex<Option<State>>,
    is_incremental: AtomicBool,
}

impl LiveView {
    /// A view that was not run yet.
    pub fn declared(query: Query, parameters: Parameters) -> Self {
        static DECLARED: AtomicU64 = AtomicU64::new(1);
        let incarnation = DECLARED.fetch_add(1, Ordering::Relaxed);
        Self { query, parameters, incarnation, state: Mutex::new(None), is_incremental: AtomicBool::new(false) }
    }

    /// What it knows: its rows as they are now, if it is asked for the first time.
    async fn state<'view>(
        graph: &Graph,
        view: &Self,
        state: &'view mut Option<State>,
    ) -> Result<&'view mut State, QueryError> {
        if let Some(state) = state {
            return Ok(state);
        }
        let made = State::new(graph, &view.query, &view.parameters, &QueryOptions::default()).await?;
        Ok(state.insert(made))
    }

    /// How it was brought up to date the last time.
    pub fn stage(&self) -> &'static str {
        match self.is_incremental.load(Ordering::Relaxed) {
            true => "incremental",
            false => "recomputed",
        }
    }
}

/// What a view knows.
#[derive(Debug)]
struct State {
    columns: Vec<String>,
    rows: Rows,
    time: u64,
    /// All that was read are tables of one world, and times are its sequence numbers.
    is_by_sequence: bool,
    /// How what it reads was declared, where it can be told what is appended to it.
    definition: Option<String>,
    /// Changes, the oldest first.
    steps: VecDeque<Kept>,
    kept: usize,
    /// What was at this time, and what has changed since, is known.
    oldest: u64,
}

/// What has changed behind one time, up to another one: in between, nothing is known.
#[derive(Debug)]
struct Kept {
    after: u64,
    time: u64,
    changes: Changes,
}

impl Graph {
    /// Declares a standing query, and runs it for the first time.
    pub(crate) async fn create_live_view(
        &self,
        create: &CreateLiveView,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<QueryResult, QueryError> {
        self.refresh().await?;
        let name = &create.name;
        let is_taken = self.read().views.contains_key(&name.text);
        crate::catalog::check_free("live view", name, is_taken)?;
        if create.query.as_of.is_some() || options.at.is_some() {
            return Err(Error::invalid("what is asked of one state never changes").with("view", &name.text).into());
        }
        let state = State::new(self, &create.query, parameters, options).await?;
        let record = Record::of_view(create, parameters)?;
        let view =
            LiveView { state: Mutex::new(Some(state)), ..LiveView::declared(create.query.clone(), parameters.clone()) };
        self.declare(Declared::View(name.text.clone(), Arc::new(view)), &record).await?;
        Ok(QueryResult::none())
    }

    /// Forgets a standing query. Subscriptions of it go on.
    pub(crate) async fn drop_live_view(&self, name: &Name) -> Result<QueryResult, QueryError> {
        self.refresh().await?;
        if !self.read().views.contains_key(&name.text) {
            return Err(unknown("live view", name, self.read().views.keys().map(String::as_str)).into());
        }
        self.undeclare(Dropped::View, &name.text).await?;
        Ok(QueryResult::none())
    }

    /// Follows a standing query: from its rows as they are now, or, if a time is given, from what changed after it.
    ///
    /// A time is one of the view's progress marks. Where a view reads tables of one world only, times are sequence numbers
    /// of the world, and any of them will do, in this process or a later one. Otherwise they count the changes of the
    /// view, and are good as long as the graph lives.
    ///
    /// # Errors
    /// `NotFound` if there is no such view, or nothing is known of the time any more; those of the query.
    pub async fn subscribe(&self, view: &str, after: Option<u64>) -> Result<Subscription, QueryError> {
        self.refresh().await?;
        let found = self.read().views.get(view).cloned();
        let view = found.ok_or_else(|| Error::not_found("there is no such live view").with("view", view))?;
        let mut pending = Vec::new();
        let mut held = view.state.lock().await;
        let state = LiveView::state(self, &view, &mut held).await?;
        state.advance(self, &view).await?;
        let columns = state.columns.clone();
        let cursor = match after {
            Some(time) => state.since(self, &view, time, &mut pending).await?,
            None => {
                let all = state.rows.iter().map(|(row, diff)| (row.clone(), *diff));
                pending.extend(all.map(|(row, diff)| LiveEvent::Row { time: state.time, diff, row }));
                state.time
            }
        };
        pending.push(LiveEvent::Progress { time: cursor });
        let is_lasting = state.is_by_sequence;
        drop(held);
        Ok(Subscription { graph: self.clone(), view, columns, is_lasting, cursor, pending })
    }
}

/// Follows a standing query.
#[derive(Debug)]
pub struct Subscription {
    graph: Graph,
    view: Arc<LiveView>,
    columns: Vec<String>,
    is_lasting: bool,
    cursor: u64,
    pending: Vec<LiveEvent>,
}

impl Subscription {
    /// True if times are sequence numbers of a world, as of the last call: then any of them will do in a later process, too.
    /// Others are good as long as the graph lives.
    pub fn is_lasting(&self) -> bool {
        self.is_lasting
    }

    /// A number of the view that is another one if it is dropped and declared anew: times that only count go on as long as it
    /// is the same. Of no use in another process.
    pub fn incarnation(&self) -> u64 {
        self.view.incarnation
    }

    /// What the view asks, and its parameters, as one text: another one if the view was dropped and declared to ask something
    /// else.
    pub fn definition(&self) -> String {
        let parameters = self.view.parameters.clone().into_iter();
        let parameters = parameters.map(|(name, value)| format!(" ${name} = {value}"));
        std::iter::once(self.view.query.to_string()).chain(parameters).collect()
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Brings the view up to date, and gives what has happened since the last call, in the order of time: changes, and a
    /// progress mark at last. At the first call that is what the subscription begins with.
    ///
    /// # Errors
    /// Those of the query: nothing is lost, the next call tries again. `NotFound` if the subscription was away for so long
    /// that changes which it has not seen are forgotten.
    pub async fn next(&mut self) -> Result<Vec<LiveEvent>, QueryError> {
        if !self.pending.is_empty() {
            return Ok(std::mem::take(&mut self.pending));
        }
        let mut held = self.view.state.lock().await;
        let state = LiveView::state(&self.graph, &self.view, &mut held).await?;
        state.advance(&self.graph, &self.view).await?;
        let mut events = Vec::new();
        self.cursor = state.since(&self.graph, &self.view, self.cursor, &mut events).await?;
        self.is_lasting = state.is_by_sequence;
        events.push(LiveEvent::Progress { time: self.cursor });
        Ok(events)
    }
}

impl State {
    async fn new(
        graph: &Graph,
        query: &Query,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<Self, QueryError> {
        let result = graph.ask(query, parameters, options).await?;
        let sequence = sequence(&result);
        let columns = result.schema.fields().iter().map(|field| field.name().clone()).collect();
        let time = sequence.unwrap_or(1);
        Ok(Self {
            columns,
            rows: rows_of(&result)?,
            time,
            is_by_sequence: sequence.is_some(),
            definition: None,
            steps: VecDeque::new(),
            kept: 0,
            oldest: time,
        })
    }

    /// Runs the query again, and keeps what has changed.
    async fn advance(&mut self, graph: &Graph, view: &LiveView) -> Result<(), QueryError> {
        let before = self.time;
        if self.is_by_sequence {
            let (definition, rows) = (&mut self.definition, &self.rows);
            let (query, parameters) = (&view.query, &view.parameters);
            let added = incremental::added(graph, query, parameters, definition, self.time, rows);
            let added = Roomy::new(added).await?;
            view.is_incremental.store(added.is_some(), Ordering::Relaxed);
            if let Some((time, changes)) = added {
                self.time = time;
                apply(&mut self.rows, &changes);
                self.keep(before, changes);
                return Ok(());
            }
        }
        let result = graph.ask(&view.query, &view.parameters, &QueryOptions::default()).await?;
        let (rows, sequence) = (rows_of(&result)?, sequence(&result));
        let changes = difference(&self.rows, &rows);
        let time = match sequence {
            Some(seq) if self.is_by_sequence && (seq > self.time || changes.is_empty()) => seq.max(self.time),
            _ => {
                // Something changed that has no sequence numbers: from now on times only count.
                self.is_by_sequence &= changes.is_empty() && sequence.is_some();
                self.time + u64::from(!changes.is_empty())
            }
        };
        view.is_incremental.store(false, Ordering::Relaxed);
        (self.time, self.rows) = (time, rows);
        self.keep(before, changes);
        Ok(())
    }

    /// Keeps what has changed behind a time, up to the one that the view has come to.
    fn keep(&mut self, after: u64, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        self.kept += changes.len();
        self.steps.push_back(Kept { after, time: self.time, changes });
        while self.kept > KEPT_CHANGES_MAX {
            let Some(Kept { time, changes, .. }) = self.steps.pop_front() else { break };
            (self.kept, self.oldest) = (self.kept - changes.len(), time);
        }
    }

    /// What has changed after a time; answers up to when.
    async fn since(
        &self,
        graph: &Graph,
        view: &LiveView,
        after: u64,
        events: &mut Vec<LiveEvent>,
    ) -> Result<u64, QueryError> {
        if after > self.time {
            let error = Error::not_found("the view has not come to this time").with("time", after);
            return Err(error.with("newest", self.time).into());
        }
        let is_within = |step: &Kept| step.after < after && after < step.time;
        if after >= self.oldest && !self.steps.iter().any(is_within) {
            for Kept { time, changes, .. } in self.steps.iter().filter(|step| step.time > after) {
                let rows = changes.iter().cloned();
                events.extend(rows.map(|(row, diff)| LiveEvent::Row { time: *time, diff, row }));
            }
            return Ok(self.time);
        }
        if !self.is_by_sequence {
            let error = Error::not_found("what has changed since is forgotten").with("time", after);
            return Err(error.with("oldest", self.oldest).into());
        }
        let then = QueryOptions::default().with_at(Moment::Sequence(after));
        let before = rows_of(&graph.ask(&view.query, &view.parameters, &then).await?)?;
        let changes = difference(&before, &self.rows).into_iter();
        events.extend(changes.map(|(row, diff)| LiveEvent::Row { time: self.time, diff, row }));
        Ok(self.time)
    }
}

/// The sequence number at which a query has read, if it read nothing but tables of one world.
fn sequence(result: &QueryResult) -> Option<u64> {
    let mut all = result.snapshots.iter().map(|snapshot| snapshot.sequence());
    let first = all.next()??;
    all.all(|other| other == Some(first)).then_some(first)
}
