//! Queries: which way each is run, and running it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::logical_expr::LogicalPlan;
use tracing::Instrument;
use tracing::field::Empty;
use worldstore_core::wrap::failed_as;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher::ast::Query;
use worldstore_cypher::{Diagnostic, DiagnosticKind, check_query};
use worldstore_cypher_runtime::writes;
use worldstore_datafusion::Roomy;

use crate::as_of;
use crate::asked::Asked;
use crate::bind::{Shape, Sources, plan_matches, plan_returns, reads, shape};
use crate::catalog::{Catalog, Pinned, Rows};
use crate::error::QueryError;
use crate::execute::{Execution, QueryResult, explained};
use crate::graph::Graph;
use crate::hops::Hops;
use crate::interpret::Interpreter;
use crate::lake::{Answer, answer};
use crate::limits::{LimitReached, identity};
use crate::options::QueryOptions;
use crate::owned::{has_names, is_empty};
use crate::pieces::{Cut, cut, run_by_pieces, whole};
use crate::snapshot::CREATED;
use crate::value::Parameters;

/// So often a statement is run because others change what it changes.
const WALKS_MAX: u32 = 32;

/// How a query is run.
enum Way {
    Joins(Box<Planned>),
    /// Why it cannot be joins.
    Walk(Vec<Diagnostic>),
}

/// A query that is planned, and what it was planned from.
pub(crate) struct Planned {
    pub plan: LogicalPlan,
    pub sources: Sources,
    /// What the query can be cut along, or why it cannot be cut.
    pub cut: Result<Cut, String>,
}

impl Graph {
    /// Runs a query within its limits.
    pub(crate) async fn ask(
        &self,
        query: &Query,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<QueryResult, QueryError> {
        let span = tracing::debug_span!(
            target: "worldstore", "cypher", db.system.name = "worldstore", db.operation.name = "query", otel.kind = "client",
            db.response.returned_rows = Empty, "error.type" = Empty, "error.message" = Empty, otel.status_code = Empty,
        );
        let asked = self.ask_as(query, parameters, options).instrument(span.clone()).await;
        match &asked {
            Ok((result, _)) => drop(span.record("db.response.returned_rows", result.rows())),
            Err(error) => failed_as(&span, error.kind(), error.message()),
        }
        asked.map(|(result, _)| result)
    }

    /// The same, and what was counted on the way.
    pub(crate) async fn ask_as(
        &self,
        query: &Query,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<(QueryResult, Asked), QueryError> {
        Roomy::new(self.ask_here(query, parameters, options)).await
    }

    async fn ask_here(
        &self,
        query: &Query,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<(QueryResult, Asked), QueryError> {
        let options = as_of::with(query, parameters, options)?;
        let asked = Asked::new(self.tables.as_ref(), &options);
        check(query)?;
        check_present(query, &options)?;
        if let Some(counted) = self.counted(query, parameters, &options).await? {
            return Ok(counted);
        }
        let (way, catalog) = asked.guard.watch(self.way(query, parameters, &asked)).await.map_err(unfinished)?;
        let mut result = match way {
            Way::Joins(planned) => self.join(*planned, query, parameters, &catalog, &asked, &options).await?,
            Way::Walk(_) => self.walk(query, parameters, &asked, &options, catalog).await?,
        };
        asked.check_past()?;
        check_resumed(&asked, &options)?;
        result.snapshots = asked.counters.snapshots();
        result.minimum = options.minimum;
        self.store_new_footers().await;
        Ok((result, asked))
    }

    /// Tells how a query would be run.
    pub(crate) async fn explain_query(
        &self,
        query: &Query,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<String, QueryError> {
        Roomy::new(self.explain_here(query, parameters, options)).await
    }

    async fn explain_here(
        &self,
        query: &Query,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<String, QueryError> {
        let options = as_of::with(query, parameters, options)?;
        let asked = Asked::new(self.tables.as_ref(), &options);
        check(query)?;
        check_present(query, &options)?;
        if let Some(hops) = self.hops(query, parameters, &asked, &options).await? {
            return Ok(hops.explain(query));
        }
        let Planned { plan, .. } = match self.way(query, parameters, &asked).await?.0 {
            Way::Joins(planned) => *planned,
            Way::Walk(why) => {
                let why: Vec<_> = why.iter().map(|one| format!("no joins: {}", one.message)).collect();
                return Ok(format!("interpreter\n{}\n\n{query}", why.join("\n")));
            }
        };
        match answer(&plan).await? {
            Some(Answer::Whole(..)) => Ok(explained(&plan, "answered from footers\n", &asked.counters)),
            Some(Answer::Part(known)) => {
                Ok(Execution::new(&known, &self.mounts, None).await?.explain(&known, &asked.counters))
            }
            None => Ok(Execution::new(&plan, &self.mounts, None).await?.explain(&plan, &asked.counters)),
        }
    }

    /// The query as one that is counted over adjacencies, if it can be. Such a count is not cut, and adjacencies are of rows
    /// as they are. Building them would be in vain where a deadline comes before their end, each time anew.
    async fn hops(
        &self,
        query: &Query,
        parameters: &Parameters,
        asked: &Asked,
        options: &QueryOptions,
    ) -> Result<Option<Hops>> {
        let catalog = self.known().await?;
        let may_be_cut = options.deadline.is_some() && whole(query).is_none();
        if !options.limit_time_at_most() || may_be_cut || !catalog.overlays.is_empty() {
            return Ok(None);
        }
        let has_created = !is_empty(&self.owned);
        let given = (asked, &self.mounts);
        let hops = Hops::new(query, &catalog, parameters, has_created, given, &self.adjacencies).await?;
        Ok(hops.filter(|hops| options.deadline.is_none() || hops.is_built()))
    }

    /// The answer, if the query is counted over adjacencies. What is read in vain counts for nobody.
    async fn counted(
        &self,
        query: &Query,
        parameters: &Parameters,
        options: &QueryOptions,
    ) -> Result<Option<(QueryResult, Asked)>, QueryError> {
        let asked = Asked::new(self.tables.as_ref(), options);
        let hops = async { Ok(self.hops(query, parameters, &asked, options).await?) };
        let Some(hops) = asked.guard.watch(hops).await.map_err(unfinished)? else { return Ok(None) };
        let because = |error| match (error, whole(query)) {
            (QueryError::Limit(reached), Some(why)) => reached.because(&why).into(),
            (error, _) => error,
        };
        let Some(mut result) = asked.guard.detach(hops.run()).await.map_err(because)? else { return Ok(None) };
        result.snapshots = asked.counters.snapshots();
        self.store_new_footers().await;
        Ok(Some((result, asked)))
    }

    /// Decides how a query is run.
    async fn way(&self, query: &Query, parameters: &Parameters, asked: &Asked) -> Result<(Way, Catalog), QueryError> {
        let catalog = self.known().await?;
        let way = match self.plan(query, parameters, &catalog, asked).await {
            Ok(planned) => Way::Joins(Box::new(planned)),
            Err(QueryError::Syntax(why)) if why.iter().all(|one| one.kind == DiagnosticKind::Unsupported) => {
                Way::Walk(why)
            }
            // What is unknown to the catalog may have been created.
            Err(QueryError::Syntax(why)) if has_names(&self.owned) => Way::Walk(why),
            Err(error) => return Err(error),
        };
        Ok((way, catalog))
    }

    async fn join(
        &self,
        planned: Planned,
        query: &Query,
        parameters: &Parameters,
        catalog: &Catalog,
        asked: &Asked,
        options: &QueryOptions,
    ) -> Result<QueryResult, QueryError> {
        let Planned { plan, sources, cut } = planned;
        match cut {
            Ok(cut) if options.resume.is_some() || options.row_groups.is_some() || options.deadline.is_some() => {
                let plan = || planned_over(query, parameters, catalog, &sources);
                run_by_pieces(cut, plan, identity(query, parameters), &self.mounts, asked, options).await
            }
            Err(why) if options.resume.is_some() => Err(not_cut(&why).into()),
            Err(why) if options.row_groups.is_some() => Err(LimitReached::uncut(&why).into()),
            cut => {
                let because = |error| match (error, &cut) {
                    (QueryError::Limit(reached), Err(why)) => reached.because(why).into(),
                    (error, _) => error,
                };
                let (mounts, asked) = (self.mounts.clone(), asked.clone());
                let guard = asked.guard.clone();
                let work = async move {
                    let plan = match answer(&plan).await? {
                        Some(Answer::Whole(schema, batch)) => {
                            return Ok(QueryResult::known(schema, batch, &asked.counters));
                        }
                        Some(Answer::Part(known)) => *known,
                        None => plan,
                    };
                    Execution::new(&plan, &mounts, asked.memory).await?.stoppable(&asked.guard.stop)?.run(&asked).await
                };
                guard.detach(work).await.map_err(because)
            }
        }
    }

    pub(crate) fn interpreter(&self, catalog: Catalog) -> Interpreter {
        let mounts = self.mounts.clone();
        let store = self.store.as_ref().map(|store| store.owned());
        let (owned, current) = (Arc::clone(&self.owned), Arc::clone(&self.catalog));
        Interpreter { catalog, current, mounts, owned, store, stale: Arc::default() }
    }

    /// Walks a query, and once more from the beginning each time that somebody else has changed something first.
    async fn walk(
        &self,
        query: &Query,
        parameters: &Parameters,
        asked: &Asked,
        options: &QueryOptions,
        mut catalog: Catalog,
    ) -> Result<QueryResult, QueryError> {
        for _ in 1..WALKS_MAX {
            let interpreter = self.interpreter(catalog);
            let stale = Arc::clone(&interpreter.stale);
            match interpreter.run(query, parameters, asked, options).await {
                Err(_) if stale.load(Ordering::Relaxed) => catalog = self.known().await?,
                ran => return ran,
            }
        }
        self.interpreter(catalog).run(query, parameters, asked, options).await
    }

    async fn plan(
        &self,
        query: &Query,
        parameters: &Parameters,
        catalog: &Catalog,
        asked: &Asked,
    ) -> Result<Planned, QueryError> {
        let reads = reads(query)?;
        let shape = shape(&reads.matches, catalog)?;
        if let Some(span) = reads.open_end().filter(|_| !is_empty(&self.owned)) {
            return Err(Diagnostic::unsupported("created nodes may fit here too", span).into());
        }
        let sources = pin(&shape, catalog, asked).await?;
        let (rows, scope) = plan_matches(&reads.matches, &shape, catalog, &sources, parameters)?;
        let plan = plan_returns(rows, reads.returns, &scope, parameters)?;
        let cut = cut(query, &shape, catalog, &sources);
        Ok(Planned { plan, sources, cut })
    }
}

/// The plan once more, over what is pinned already: sources that are read by pieces are read by another piece.
fn planned_over(
    query: &Query,
    parameters: &Parameters,
    catalog: &Catalog,
    sources: &Sources,
) -> Result<LogicalPlan, QueryError> {
    let reads = reads(query)?;
    let shape = shape(&reads.matches, catalog)?;
    let (rows, scope) = plan_matches(&reads.matches, &shape, catalog, sources, parameters)?;
    plan_returns(rows, reads.returns, &scope, parameters)
}

pub(crate) fn check(query: &Query) -> Result<(), QueryError> {
    let wrong = check_query(query);
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(QueryError::Syntax(wrong)),
    }
}

/// Refuses to change a state in the past.
fn check_present(query: &Query, options: &QueryOptions) -> Result<()> {
    match options.at.is_some() && writes(query) {
        true => Err(Error::unsupported("a query that writes cannot ask a state in the past")),
        false => Ok(()),
    }
}

/// A limit that was reached before any row was looked for.
fn unfinished(error: QueryError) -> QueryError {
    match error {
        QueryError::Limit(reached) => reached.because("the query was still being planned").into(),
        error => error,
    }
}

pub(crate) fn not_cut(why: &str) -> Error {
    Error::invalid("this query is never cut off, so there is nothing to go on from").with("why", why)
}

/// Refuses the rest of a query whose sources are not what they were when it was cut off.
fn check_resumed(asked: &Asked, options: &QueryOptions) -> Result<()> {
    let Some(token) = &options.resume else { return Ok(()) };
    let now: Vec<String> = asked.counters.snapshots().iter().map(ToString::to_string).collect();
    let source = |text: &str| text.rsplit_once(' ').map_or_else(String::new, |(source, _)| source.to_owned());
    // Nothing is named where nothing was created.
    let created = |text: &&String| source(text) == CREATED;
    let was_created = token.snapshots().any(|text| source(text) == CREATED);
    if let Some(new) = now.iter().find(created).filter(|_| token.row_groups_done() > 0 && !was_created) {
        let error = Error::new(ErrorKind::Conflict, "something was created since the query was cut off");
        return Err(error.with("now", new));
    }
    for before in token.snapshots() {
        let same = now.iter().filter(|text| source(text) == source(before)).collect::<Vec<_>>();
        if !same.is_empty() && !same.iter().any(|text| *text == before) {
            let error = Error::new(ErrorKind::Conflict, "what the query reads has changed since it was cut off");
            return Err(error.with("before", before).with("now", same[0]));
        }
    }
    Ok(())
}

/// Fixes the state of everything that a query looks at, once for each label and edge type.
pub(crate) async fn pin(shape: &Shape<'_>, catalog: &Catalog, asked: &Asked) -> Result<Sources> {
    let mut sources = Sources::default();
    let labels: BTreeSet<_> = shape.nodes.iter().map(|node| &node.label).collect();
    let types: BTreeSet<_> =
        shape.edges.iter().flat_map(|edge| &edge.fits).map(|fit| (&fit.edge_type, fit.part)).collect();
    let of_labels = labels.iter().map(|name| &catalog.labels[*name].rows);
    let of_edges = types.iter().filter_map(|(name, part)| catalog.edge_types[*name].parts[*part].rows());
    let tables = of_labels.chain(of_edges).filter_map(|rows| match rows {
        Rows::Table(selection) => Some(selection.clone()),
        _ => None,
    });
    asked.begin(&tables.collect::<Vec<_>>()).await?;
    for name in labels {
        let label = &catalog.labels[name];
        let overlay = catalog.overlays.get(name).map(Arc::as_ref);
        let pinned = Pinned::of_rows(&label.rows, &label.computed, asked).await?.corrected(overlay, asked).await?;
        sources.labels.insert(name.clone(), pinned);
    }
    for (name, part) in types {
        if let Some(rows) = catalog.edge_types[name].parts[part].rows() {
            sources.edges.insert((name.clone(), part), Pinned::of_rows(rows, &[], asked).await?);
        }
    }
    Ok(sources)
}
