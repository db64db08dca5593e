//! Queries that the planner does not turn into joins: the interpreter walks the rows.

mod answer;
mod cells;
mod edges;
mod id;
mod load;
mod narrow;
mod rows;
mod tables;
mod whole;

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::physical_plan::ExecutionPlan;
use tokio::runtime::Handle;
use worldstore_core::{Error, ErrorKind};
use worldstore_cypher::Diagnostic;
use worldstore_cypher::ast::Query;
use worldstore_cypher_runtime::{
    Answer, Cancel, ErrorClass, ErrorDetail, Limits, Options, RuntimeError, Sink, Statement, Value,
};
use worldstore_datafusion::with_room;

use self::load::Loader;
use self::tables::Tables;
use self::whole::{Keeper, Whole};
use crate::asked::Asked;
use crate::catalog::{Catalog, Mounts, Rows};
use crate::error::QueryError;
use crate::execute::QueryResult;
use crate::limits::{Limit, LimitReached, identity};
use crate::options::QueryOptions;
use crate::owned::{Created, Owned, OwnedStore, Published, has_names};
use crate::pieces::{begin, truncated, whole};
use crate::query::not_cut;
use crate::snapshot::Snapshot;
use crate::stop::OnDrop;
use crate::tier::{Minimum, TierFunctions};
use crate::value::Parameters;

pub(crate) use cells::value;

/// Bytes that the rows of a query, its sorts and its groups may each take, unless the query says less.
const MEMORY_MAX: u64 = 2 << 30;

/// What a query is run on.
#[derive(Debug, Clone)]
pub(crate) struct Interpreter {
    pub catalog: Catalog,
    /// What is declared by now.
    pub current: Arc<RwLock<Catalog>>,
    pub mounts: Mounts,
    pub owned: Owned,
    /// Where what is created is kept, if anywhere.
    pub store: Option<OwnedStore>,
    /// Set if the statement was undone because somebody else had changed something first.
    pub stale: Arc<AtomicBool>,
}

/// What a walk gave, and the limit that ended it before its end.
pub(crate) struct Walked {
    pub answer: Answer,
    pub cut: Option<(Limit, u64)>,
    plans: Vec<Arc<dyn ExecutionPlan>>,
}

impl Interpreter {
    /// Runs a query to its end, or until a limit is reached.
    pub async fn run(
        self,
        query: &Query,
        parameters: &Parameters,
        asked: &Asked,
        options: &QueryOptions,
    ) -> Result<QueryResult, QueryError> {
        let Walked { answer, cut, plans } = self.walk(query, parameters, asked, options).await?;
        let mut result = match answer.columns.is_empty() {
            true => QueryResult::none(),
            false => QueryResult::of(answer::batch(&answer)?),
        };
        asked.counters.walks();
        result.io_stats = asked.finish(plans);
        result.side_effects = answer.effects;
        if let Some((limit, done)) = cut {
            let identity = identity(query, parameters);
            result.outcome = truncated(limit, identity, WALK.to_owned(), done, asked, options);
        }
        Ok(result)
    }

    /// Runs a query on a thread that may wait, and gives values as they are.
    pub async fn walk(
        self,
        query: &Query,
        parameters: &Parameters,
        asked: &Asked,
        options: &QueryOptions,
    ) -> Result<Walked, QueryError> {
        let runtime = Handle::try_current()
            .map_err(|source| Error::new(ErrorKind::Unsupported, "a query needs a tokio runtime").caused_by(source))?;
        let walk = Walk::new(query, parameters, asked, options)?;
        let (query, handle) = (query.clone(), runtime.clone());
        // A future that is dropped reaches no thread: this does.
        let cancel = walk.cancel.clone();
        let given_up = OnDrop::new(|| cancel.cancel());
        let worked = runtime.spawn_blocking(move || with_room(|| self.walk_here(&query, walk, handle))).await;
        given_up.end();
        match worked {
            Ok(result) => result,
            Err(source) => Err(Error::unexpected("the query did not come to its end").caused_by(source).into()),
        }
    }

    fn walk_here(self, query: &Query, walk: Walk, handle: Handle) -> Result<Walked, QueryError> {
        let statement = Statement::new(query, &walk.options).map_err(failed)?;
        let asked = &walk.asked;
        let tables_of = self.catalog.labels.values().filter_map(|label| match &label.rows {
            Rows::Table(selection) => Some(selection.clone()),
            _ => None,
        });
        // If one of them cannot be read, that matters only to a query that reads it.
        let _ = handle.block_on(asked.begin(&tables_of.collect::<Vec<_>>()));
        let loader = Loader {
            handle: handle.clone(),
            mounts: self.mounts.clone(),
            asked: asked.clone(),
            overlays: self.catalog.overlays.clone(),
            wanted: statement.wanted().clone(),
            memory_max: asked.memory.map_or(MEMORY_MAX, |memory| memory.min(MEMORY_MAX)),
            held: Cell::new(0),
            plans: RefCell::default(),
            stopped: RefCell::default(),
        };
        // What has no name yet may be created, and is looked for before.
        let is_strict = !statement.writes() && !self.catalog.labels.is_empty() && !has_names(&self.owned);
        let tables = Tables::new(&self.catalog, loader, is_strict, statement.uses().as_ref());
        let mut part = Part { answer: Answer::default(), skip: walk.skip, most: walk.most, is_full: false };
        let minimum = asked.minimum;
        let ran = match statement.writes() {
            false => self.owned.read_within(&handle, &asked.guard).and_then(|owned| {
                if owned.changes > 0 {
                    asked.counters.add_snapshot(Snapshot::of_created(owned.changes));
                }
                let whole = Whole { tables: &tables, owned: &owned.graph, minimum, keeper: None };
                statement.read(&whole, &mut part).map_err(failed)
            }),
            true => {
                let write = |created: &mut Created| self.write(&statement, created, &tables, minimum, &mut part);
                let written = self.owned.change_within(&handle, &asked.guard, write);
                written.and_then(|written| written.map_err(failed))
            }
        };
        let done = walk.skip + part.answer.rows.len() as u64;
        let error = match ran {
            Ok(()) => return Ok(Walked { answer: part.answer, cut: None, plans: tables.plans() }),
            Err(_) if part.is_full => {
                return Ok(Walked { answer: part.answer, cut: Some((Limit::RowGroups, done)), plans: tables.plans() });
            }
            Err(error) => error,
        };
        if let Some(mistake) = tables.mistake() {
            return Err(mistake.into());
        }
        let error = match tables.stopped() {
            Some(reached) => reached.into(),
            None => error,
        };
        match (error, walk.whole) {
            (QueryError::Limit(reached), None) if reached.limit() == Limit::Deadline => {
                Ok(Walked { answer: part.answer, cut: Some((Limit::Deadline, done)), plans: tables.plans() })
            }
            (QueryError::Limit(reached), Some(why)) if reached.limit() == Limit::Deadline => {
                Err(reached.because(&why).into())
            }
            (error, _) => Err(error),
        }
    }

    /// True if nothing was declared since: a statement must not create a name that is.
    fn knows_all(&self) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.labels.keys().all(|label| self.catalog.labels.contains_key(label))
            && current.edge_types.keys().all(|edge_type| self.catalog.edge_types.contains_key(edge_type))
    }

    /// Runs a statement that changes what was created, and keeps the changes where there is a store.
    fn write(
        &self,
        statement: &Statement<'_>,
        created: &mut Created,
        tables: &Tables,
        minimum: Minimum,
        part: &mut Part,
    ) -> Result<(), RuntimeError> {
        if !self.knows_all() {
            self.stale.store(true, Ordering::Relaxed);
            return Err(RuntimeError::unsupported("something was declared meanwhile"));
        }
        let keeper = self.store.as_ref().map(|store| Keeper::new(store, created.changes));
        let keeper = keeper.as_ref();
        let mut whole = Whole { tables, owned: &mut created.graph, minimum, keeper };
        let written = statement.write(&mut whole, part);
        match keeper.map(Keeper::outcome) {
            None | Some(Some(Published::Done)) => created.changes += 1,
            Some(Some(Published::Stale)) => self.stale.store(true, Ordering::Relaxed),
            Some(None) => {}
        }
        written.map(|effects| part.answer.effects = effects)
    }
}

/// What a query that is walked is cut along.
const WALK: &str = "rows of the walk";

/// A query that is to be walked.
struct Walk {
    asked: Asked,
    options: Options,
    cancel: Cancel,
    /// Rows of the result that were given before.
    skip: u64,
    /// Rows of the result that are wanted.
    most: Option<u64>,
    /// Why the query cannot be cut, if so.
    whole: Option<String>,
}

impl Walk {
    fn new(query: &Query, parameters: &Parameters, asked: &Asked, options: &QueryOptions) -> Result<Self, QueryError> {
        let whole = whole(query);
        let skip = match (&options.resume, &whole) {
            (Some(_), Some(why)) => return Err(not_cut(why).into()),
            (None, Some(why)) if options.row_groups.is_some() => return Err(LimitReached::uncut(why).into()),
            _ => begin(options, &identity(query, parameters), WALK)?,
        };
        let cancel = options.cancel.clone().unwrap_or_default();
        let mut asked = asked.clone();
        asked.guard.cancel = Some(cancel.clone());
        let memory = asked.memory.map_or(MEMORY_MAX, |memory| memory.min(MEMORY_MAX));
        let mut limits = Limits::default().with_memory(memory).with_cancel(cancel.clone());
        if let Some(deadline) = options.deadline {
            limits = limits.with_deadline(deadline);
        }
        if let Some(rows) = options.rows {
            limits = limits.with_rows(rows.saturating_add(skip));
        }
        let most = options.row_groups;
        let options = interpreter_options(parameters.clone()).with_limits(limits);
        Ok(Self { asked, options, cancel, skip, most, whole })
    }
}

/// Takes the part of a result that is wanted.
struct Part {
    answer: Answer,
    skip: u64,
    most: Option<u64>,
    is_full: bool,
}

impl Sink for Part {
    fn columns(&mut self, names: &[String]) -> Result<(), RuntimeError> {
        self.answer.columns(names)
    }

    fn row(&mut self, row: Vec<Value>) -> Result<(), RuntimeError> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        if self.most.is_some_and(|most| self.answer.rows.len() as u64 >= most) {
            self.is_full = true;
            return Err(RuntimeError::unsupported("the part is full"));
        }
        self.answer.row(row)
    }
}

fn interpreter_options(parameters: Parameters) -> Options {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.as_nanos());
    let options = Options::default()
        .with_now_unix_nanos(i128::try_from(nanos).unwrap_or_default())
        .with_seed(nanos as u64)
        .with_functions(Arc::new(TierFunctions));
    parameters.into_iter().fold(options, |options, (name, value)| options.with_parameter(name, value))
}

/// Mistakes that have a place in the text are shown there.
fn failed(error: RuntimeError) -> QueryError {
    let is_of_text = !matches!(error.class(), ErrorClass::GraphError | ErrorClass::LimitError);
    let reached = |limit: Limit, error: RuntimeError| LimitReached::new(limit, error.message()).into();
    match (error.detail(), error.span().filter(|_| is_of_text)) {
        (ErrorDetail::DeadlineExceeded, _) => reached(Limit::Deadline, error),
        (ErrorDetail::MemoryExceeded, _) => reached(Limit::Memory, error),
        (ErrorDetail::RowsExceeded, _) => reached(Limit::Rows, error),
        (ErrorDetail::Cancelled, _) => reached(Limit::Cancelled, error),
        (_, Some(span)) => Diagnostic::semantic(error.to_string(), span).into(),
        (_, None) if error.class() == ErrorClass::LimitError => {
            Error::new(ErrorKind::Unavailable, error.message()).with("limit", error.detail()).into()
        }
        (_, None) => Error::from(error).into(),
    }
}
