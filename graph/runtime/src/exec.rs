//! Executes queries: clauses as a pipeline of rows.
//!
//! What only reads is a chain of iterators, and holds no more rows than its sorts, groups and `DISTINCT`s must. A clause
//! that writes is a border: all rows before it are there before it changes anything.

mod call;
mod group;
mod project;
mod query;
mod read;
mod sort;
mod subquery;
mod wanted;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use worldstore_cypher::ast::{ClauseKind, Query, SingleQuery};

use crate::error::{Result, RuntimeError};
use crate::eval::{Context, Env, Subqueries};
use crate::functions::Functions;
use crate::graph::{Graph, GraphMut, SideEffects, Wanted};
use crate::limits::{Limits, Meter};
use crate::pattern::Order;
use crate::procedures::Procedures;
use crate::uses::Uses;
use crate::value::{Node, NodeId, Value};
use crate::write::Writer;
use wanted::WantedProperties;

pub(crate) use query::{combine, row_bytes, run_query};
pub(crate) use read::read_clause;

/// What a query is given besides the graph.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// The parameters, by name without `$`.
    pub parameters: BTreeMap<String, Value>,
    /// What the query may use.
    pub limits: Limits,
    /// What time it is, in nanoseconds since 1970 in UTC; 1970 by default.
    pub now_unix_nanos: i128,
    /// What decides about chance.
    pub seed: u64,
    /// What `CALL` may call; nothing by default.
    pub procedures: Procedures,
    /// In which order patterns are sought.
    pub order: Order,
    /// What expressions may call besides the functions of the language; nothing by default.
    pub functions: Option<Arc<dyn Functions>>,
}

impl Options {
    /// Sets a parameter.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// Sets what the query may use.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what time it is, in nanoseconds since 1970 in UTC.
    #[must_use]
    pub fn with_now_unix_nanos(mut self, now_unix_nanos: i128) -> Self {
        self.now_unix_nanos = now_unix_nanos;
        self
    }

    /// Sets what decides about chance.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets in which order patterns are sought.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Sets what `CALL` may call.
    #[must_use]
    pub fn with_procedures(mut self, procedures: Procedures) -> Self {
        self.procedures = procedures;
        self
    }

    /// Sets what expressions may call besides the functions of the language.
    #[must_use]
    pub fn with_functions(mut self, functions: Arc<dyn Functions>) -> Self {
        self.functions = Some(functions);
        self
    }
}

/// Takes the result of a query.
pub trait Sink {
    /// The names of the columns; once, before the rows.
    ///
    /// # Errors
    /// Ends the query with this error.
    fn columns(&mut self, names: &[String]) -> Result<()>;

    /// A row: a value for each column.
    ///
    /// # Errors
    /// Ends the query with this error.
    fn row(&mut self, row: Vec<Value>) -> Result<()>;
}

/// The whole result of a query.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows: a value for each column.
    pub rows: Vec<Vec<Value>>,
    /// What was changed.
    pub effects: SideEffects,
}

impl Sink for Answer {
    fn columns(&mut self, names: &[String]) -> Result<()> {
        self.columns = names.to_vec();
        Ok(())
    }

    fn row(&mut self, row: Vec<Value>) -> Result<()> {
        self.rows.push(row);
        Ok(())
    }
}

/// A query with what it is given, checked as far as that needs no graph.
#[derive(Debug)]
pub struct Statement<'q> {
    query: &'q Query,
    options: &'q Options,
    shared: Shared<'q>,
}

impl<'q> Statement<'q> {
    /// Prepares a query on which [`worldstore_cypher::check_query`] finds nothing wrong.
    ///
    /// # Errors
    /// `ProcedureError`, `SyntaxError`, `ParameterMissing`: a procedure is not there, or is called wrongly.
    pub fn new(query: &'q Query, options: &'q Options) -> Result<Self> {
        call::check(query, options)?;
        let shared =
            Shared { wanted: WantedProperties::new(query), procedures: &options.procedures, order: options.order };
        Ok(Self { query, options, shared })
    }

    /// True if it has clauses that write.
    pub fn writes(&self) -> bool {
        writes(self.query)
    }

    /// The properties that it may need of anything.
    pub fn wanted(&self) -> &Wanted {
        self.shared.wanted.all()
    }

    /// Where nodes and relationships of the graph may stand in it; none if it cannot be told, or if it writes.
    pub fn uses(&self) -> Option<Uses<'_>> {
        match self.writes() {
            true => None,
            false => crate::uses::find(self.query, self.options),
        }
    }

    /// Executes a query that only reads. Rows are handed on as they are found.
    ///
    /// # Errors
    /// `Unsupported`: it writes. Besides, whatever the query comes to.
    pub fn read(&self, graph: &dyn Graph, sink: &mut dyn Sink) -> Result<()> {
        if self.writes() {
            return Err(RuntimeError::unsupported("the query writes, and the graph can only be read"));
        }
        let meter = Meter::new(self.options.limits.clone());
        let reader = Reader { graph, meter: &meter, shared: &self.shared };
        let context = self.options.context(&reader, self.options.seed);
        let session = reader.session(&context);
        let stream = run_query(session, self.query, Stream::unit())?;
        let has_result = has_result(self.query);
        sink.columns(if has_result { &stream.names } else { &[] })?;
        for row in stream.rows {
            let row = row?;
            if has_result {
                meter.row()?;
                sink.row(row)?;
            }
        }
        Ok(())
    }

    /// Executes a query that may write, as one statement: if it fails, nothing has changed. The rows are handed on after
    /// everything was changed.
    ///
    /// # Errors
    /// Whatever the query comes to.
    pub fn write(&self, graph: &mut dyn GraphMut, sink: &mut dyn Sink) -> Result<SideEffects> {
        if !self.writes() {
            self.read(graph, sink)?;
            return Ok(SideEffects::default());
        }
        let meter = Meter::new(self.options.limits.clone());
        graph.begin()?;
        let mut writer = Writer::new(graph, &meter, &self.shared, self.options);
        let result = writer.run(self.query).and_then(|table| {
            if has_result(self.query) {
                table.rows.iter().try_for_each(|_| meter.row())?;
            }
            Ok(table)
        });
        let table = match result {
            Ok(table) => table,
            Err(error) => {
                graph.rollback()?;
                return Err(error);
            }
        };
        let effects = graph.commit()?;
        match has_result(self.query) {
            true => {
                sink.columns(&table.names)?;
                table.rows.into_iter().try_for_each(|row| sink.row(row))?;
            }
            false => sink.columns(&[])?,
        }
        Ok(effects)
    }
}

/// Executes a query on a graph that can be changed, and collects its result.
///
/// ```
/// use worldstore_cypher::ast::StatementKind;
/// use worldstore_cypher_runtime::{MemoryGraph, Options, Value, execute};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut graph = MemoryGraph::new();
/// let source = "CREATE (a:City {name: 'Rome'})-[:ROAD]->(b:City {name: 'Ostia'}) RETURN b.name AS to";
/// let statements = worldstore_cypher::parse(source).map_err(|wrong| wrong[0].render(source))?;
/// let StatementKind::Query(query) = &statements[0].kind else { return Err("no query".into()) };
/// let answer = execute(query, &mut graph, &Options::default())?;
/// assert_eq!(answer.rows, [[Value::from("Ostia")]]);
/// assert_eq!(answer.effects.nodes_created, 2);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Statement::new`] and [`Statement::write`].
pub fn execute(query: &Query, graph: &mut dyn GraphMut, options: &Options) -> Result<Answer> {
    let mut answer = Answer::default();
    answer.effects = Statement::new(query, options)?.write(graph, &mut answer)?;
    Ok(answer)
}

/// Executes a query that only reads, and collects its result.
///
/// # Errors
/// As [`Statement::new`] and [`Statement::read`].
pub fn read(query: &Query, graph: &dyn Graph, options: &Options) -> Result<Answer> {
    let mut answer = Answer::default();
    Statement::new(query, options)?.read(graph, &mut answer)?;
    Ok(answer)
}

impl Options {
    pub(crate) fn context<'q>(&'q self, reader: &'q Reader<'q>, seed: u64) -> Context<'q> {
        let context =
            Context::new(&self.parameters, reader, self.now_unix_nanos, seed).with_functions(self.functions.as_deref());
        match self.limits.memory {
            Some(bytes) => {
                let most = context.value_bytes_max().min(bytes);
                context.with_value_bytes_max(most)
            }
            None => context,
        }
    }
}

/// What all parts of a statement share.
#[derive(Debug)]
pub(crate) struct Shared<'q> {
    wanted: WantedProperties,
    procedures: &'q Procedures,
    pub(crate) order: Order,
}

#[cfg(test)]
impl<'q> Shared<'q> {
    /// All properties of everything are needed.
    pub(crate) fn all(procedures: &'q Procedures) -> Self {
        Self { wanted: WantedProperties::default(), procedures, order: Order::Cheapest }
    }
}

/// A graph that is read by a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'q> {
    pub(crate) graph: &'q dyn Graph,
    pub(crate) meter: &'q Meter,
    pub(crate) shared: &'q Shared<'q>,
}

impl<'q> Reader<'q> {
    pub(crate) fn session(&'q self, context: &'q Context<'q>) -> Session<'q> {
        Session { graph: self.graph, meter: self.meter, shared: self.shared, context }
    }
}

/// What every clause needs: the graph, the limits, and what expressions are evaluated with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session<'q> {
    pub(crate) graph: &'q dyn Graph,
    pub(crate) meter: &'q Meter,
    pub(crate) shared: &'q Shared<'q>,
    pub(crate) context: &'q Context<'q>,
}

impl<'q> Session<'q> {
    pub(crate) fn env<'e>(&self, names: &'e [String], row: &'e [Value]) -> Env<'e>
    where
        'q: 'e,
    {
        Env::row(names, row, self.context)
    }

    /// The properties that are needed of what a variable stands for.
    pub(crate) fn wanted(&self, name: &str) -> &'q Wanted {
        self.shared.wanted.of(name)
    }

    pub(crate) fn node(&self, id: NodeId, wanted: &Wanted) -> Result<Option<Arc<Node>>> {
        self.meter.look()?;
        Ok(self.graph.node(id, wanted)?)
    }
}

impl Subqueries for Reader<'_> {
    fn evaluate(&self, expr: &worldstore_cypher::ast::Expr, env: &Env<'_>) -> Result<Value> {
        subquery::evaluate(self.session(env.context()), expr, env)
    }

    fn node(&self, id: NodeId) -> Result<Option<Arc<Node>>> {
        self.meter.look()?;
        Ok(self.graph.node(id, &Wanted::All)?)
    }

    fn proceed(&self) -> Result<()> {
        self.meter.look()
    }
}

/// A row: a value for each name.
pub(crate) type Row = Vec<Value>;

/// Rows one after the other; after an error there are no more.
pub(crate) type Rows<'q> = Box<dyn Iterator<Item = Result<Row>> + 'q>;

/// Rows and the names of their values.
pub(crate) struct Stream<'q> {
    pub(crate) names: Rc<Vec<String>>,
    pub(crate) rows: Rows<'q>,
}

impl<'q> Stream<'q> {
    /// One row without values: what a query starts from.
    pub(crate) fn unit() -> Self {
        Self::one(Vec::new(), Vec::new())
    }

    /// One row.
    pub(crate) fn one(names: Vec<String>, row: Row) -> Self {
        Self { names: Rc::new(names), rows: Box::new(std::iter::once(Ok(row))) }
    }
}

/// True for clauses that write.
/// True if a query has clauses that write.
pub fn writes(query: &Query) -> bool {
    let others = query.others.iter().map(|other| &other.query);
    std::iter::once(&query.first).chain(others).any(|query| query.clauses.iter().any(|one| is_write(&one.kind)))
}

pub(crate) fn is_write(clause: &ClauseKind) -> bool {
    matches!(
        clause,
        ClauseKind::Create(_)
            | ClauseKind::Merge(_)
            | ClauseKind::Set(_)
            | ClauseKind::Remove(_)
            | ClauseKind::Delete(_)
    )
}

/// True if the query has a result: its last clause is `RETURN`, or a procedure that is called on its own.
pub(crate) fn has_result(query: &Query) -> bool {
    let last = query.others.last().map_or(&query.first, |other| &other.query);
    match last.clauses.last().map(|clause| &clause.kind) {
        Some(ClauseKind::Return(_)) => true,
        Some(ClauseKind::Call(_)) => is_standalone_call(last),
        _ => false,
    }
}

/// True if the only clause is a `CALL`.
pub(crate) fn is_standalone_call(query: &SingleQuery) -> bool {
    matches!(query.clauses.as_slice(), [clause] if matches!(clause.kind, ClauseKind::Call(_)))
}
