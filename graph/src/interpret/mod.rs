//! Queries that the planner does not turn into joins: the interpreter walks the rows.

mod answer;
mod cells;
mod edges;
mod id;
mod load;
mod rows;
mod tables;
mod whole;

use std::cell::{Cell, RefCell};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::runtime::Handle;
use worldstore_core::{Error, ErrorKind};
use worldstore_cypher::Diagnostic;
use worldstore_cypher::ast::Query;
use worldstore_cypher_runtime::{Answer, ErrorClass, Limits, MemoryGraph, Options, RuntimeError, Statement};
use worldstore_datafusion::TableSource;

use self::load::Loader;
use self::tables::Tables;
use self::whole::Whole;
use crate::catalog::{Catalog, Mounts};
use crate::error::QueryError;
use crate::execute::QueryResult;
use crate::io_stats::Counters;
use crate::value::Parameters;

/// Bytes that the rows of a query, its sorts and its groups may each take.
const MEMORY_MAX: u64 = 2 << 30;

/// What queries have created; all clones of a graph share it.
pub(crate) type Owned = Arc<RwLock<MemoryGraph>>;

/// What a query is run on.
#[derive(Debug, Clone)]
pub(crate) struct Interpreter {
    pub catalog: Catalog,
    pub tables: Option<Arc<dyn TableSource>>,
    pub mounts: Mounts,
    pub owned: Owned,
}

impl Interpreter {
    /// Runs a query to its end, on a thread that may wait.
    pub async fn run(self, query: &Query, parameters: &Parameters) -> Result<QueryResult, QueryError> {
        let runtime = Handle::try_current()
            .map_err(|source| Error::new(ErrorKind::Unsupported, "a query needs a tokio runtime").caused_by(source))?;
        let (query, parameters, handle) = (query.clone(), parameters.clone(), runtime.clone());
        let work = runtime.spawn_blocking(move || self.run_here(&query, parameters, handle));
        match work.await {
            Ok(result) => result,
            Err(source) => Err(Error::unexpected("the query did not come to its end").caused_by(source).into()),
        }
    }

    fn run_here(self, query: &Query, parameters: Parameters, handle: Handle) -> Result<QueryResult, QueryError> {
        let options = options(parameters);
        let statement = Statement::new(query, &options).map_err(failed)?;
        let counters = Arc::new(Counters::default());
        let loader = Loader {
            handle,
            mounts: self.mounts,
            tables: self.tables,
            counters: Arc::clone(&counters),
            wanted: statement.wanted().clone(),
            memory_max: MEMORY_MAX,
            held: Cell::new(0),
            plans: RefCell::default(),
        };
        // What has no name yet may be created, and is looked for before.
        let is_strict = !statement.writes() && !self.catalog.labels.is_empty() && is_empty(&self.owned);
        let tables = Tables::new(&self.catalog, loader, is_strict);
        let mut answer = Answer::default();
        let ran = match statement.writes() {
            false => {
                let owned = self.owned.read().unwrap_or_else(PoisonError::into_inner);
                statement.read(&Whole { tables: &tables, owned: &*owned }, &mut answer)
            }
            true => {
                let mut owned = self.owned.write().unwrap_or_else(PoisonError::into_inner);
                let mut whole = Whole { tables: &tables, owned: &mut *owned };
                statement.write(&mut whole, &mut answer).map(|effects| answer.effects = effects)
            }
        };
        if let Err(error) = ran {
            return Err(tables.mistake().map_or_else(|| failed(error), QueryError::from));
        }
        let mut result = match answer.columns.is_empty() {
            true => QueryResult::none(),
            false => QueryResult::of(answer::batch(&answer)?),
        };
        result.io_stats = counters.finish(&tables.plans());
        result.side_effects = answer.effects;
        Ok(result)
    }
}

/// True if queries have created nothing.
pub(crate) fn is_empty(owned: &Owned) -> bool {
    let owned = owned.read().unwrap_or_else(PoisonError::into_inner);
    worldstore_cypher_runtime::Graph::node_count(&*owned, &[]) == Some(0)
}

fn options(parameters: Parameters) -> Options {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.as_nanos());
    let options = Options::default()
        .with_now_unix_nanos(i128::try_from(nanos).unwrap_or_default())
        .with_seed(nanos as u64)
        .with_limits(Limits::default().with_memory(MEMORY_MAX));
    parameters.into_iter().fold(options, |options, (name, value)| options.with_parameter(name, value))
}

/// Mistakes that have a place in the text are shown there.
fn failed(error: RuntimeError) -> QueryError {
    let is_of_text = !matches!(error.class(), ErrorClass::GraphError | ErrorClass::LimitError);
    match error.span().filter(|_| is_of_text) {
        Some(span) => Diagnostic::semantic(error.to_string(), span).into(),
        None if error.class() == ErrorClass::LimitError => {
            Error::new(ErrorKind::Unavailable, error.message()).with("limit", error.detail()).into()
        }
        None => Error::from(error).into(),
    }
}
