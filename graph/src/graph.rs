//! The graph: a catalog, and statements over it.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::logical_expr::LogicalPlan;
use worldstore_async::AsyncBackend;
use worldstore_core::{Error, Prefix, Result};
use worldstore_cypher::ast::{Name, Query, Statement, StatementKind};
use worldstore_cypher::{Diagnostic, DiagnosticKind, check_query, parse};
use worldstore_datafusion::TableSource;

use crate::adjacency::Adjacencies;
use crate::bind::{Shape, Sources, plan_matches, plan_returns, reads, shape, unknown};
use crate::catalog::{Catalog, Edges, Label, Mounts, Pinned, Rows, check_free, create_edge_type, create_node_label};
use crate::error::QueryError;
use crate::execute::{Execution, QueryResult, explained};
use crate::hops::Hops;
use crate::interpret::{Interpreter, Owned, is_empty};
use crate::io_stats::Counters;
use crate::lake::{Answer, Freshness, LakeLabel, Place, answer};
use crate::value::Parameters;

/// A property graph: labels and edge types over rows that stay where they are. Clones share their catalog.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    catalog: Arc<RwLock<Catalog>>,
    mounts: Mounts,
    tables: Option<Arc<dyn TableSource>>,
    owned: Owned,
    adjacencies: Arc<Adjacencies>,
}

/// How a query is run.
enum Way {
    Joins(Box<Planned>),
    /// Why it cannot be joins, and what the graph knows.
    Walk {
        why: Vec<Diagnostic>,
        catalog: Catalog,
    },
}

/// A query that is planned, and what counts its reads.
struct Planned {
    plan: LogicalPlan,
    counters: Arc<Counters>,
}

impl Graph {
    /// A graph without labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what `lake://name/…` means.
    ///
    /// # Errors
    /// `Invalid` if the name is not of lower-case letters, digits, `-` and `_`, or is mounted already.
    pub fn with_mount(mut self, name: &str, backend: Arc<dyn AsyncBackend>) -> Result<Self> {
        let is_plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"-_".contains(&letter);
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err(
                Error::invalid("a mount has a name of lower-case letters, digits, `-` and `_`").with("mount", name)
            );
        }
        match self.mounts.backends.insert(name.to_owned(), backend) {
            None => Ok(self),
            Some(_) => Err(Error::invalid("mounted already").with("mount", name)),
        }
    }

    /// Says how labels over `lake://name/…` that are made from now on know that their files are what they were. Every query
    /// lists them by default.
    #[must_use]
    pub fn with_freshness(mut self, name: &str, freshness: Freshness) -> Self {
        self.mounts.freshness.insert(name.to_owned(), freshness);
        self
    }

    /// Keeps catalogs of footers in a folder: a graph that is opened again on the same files counts without opening any of
    /// them. One is written when a query has read footers of many files that were not in it; see
    /// [`store_footers`](Self::store_footers).
    #[must_use]
    pub fn with_footer_catalog(mut self, backend: Arc<dyn AsyncBackend>, folder: Prefix) -> Self {
        self.mounts.place = Some(Place { backend, folder });
        self
    }

    /// Keeps edges of tables in memory, by their ends, up to so many bytes: 1 GiB by default. With 0 none are built, and
    /// patterns are joined or walked.
    #[must_use]
    pub fn with_adjacency_bytes(mut self, bytes_max: u64) -> Self {
        self.adjacencies = Arc::new(Adjacencies::new(bytes_max));
        self
    }

    /// Writes the catalogs of footers to which something is to be added, and answers how many.
    ///
    /// # Errors
    /// Those of the byte store; `Unsupported` if a column has a type that the catalog cannot hold.
    pub async fn store_footers(&self) -> Result<usize> {
        let mut stored = 0;
        for label in self.lakes() {
            stored += usize::from(label.store(true).await?);
        }
        Ok(stored)
    }

    /// Shows tables: each is a label of its own name, unless a label of that name is declared.
    #[must_use]
    pub fn with_tables(mut self, tables: Arc<dyn TableSource>) -> Self {
        self.tables = Some(tables);
        self
    }

    /// Runs all statements in order, and stops at the first that fails; those before it stay done.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] for mistakes in the text: if one statement cannot be parsed, none is run.
    /// [`QueryError::Store`] for the store and its data.
    pub async fn run(&self, source: &str, parameters: &Parameters) -> Result<Vec<QueryResult>, QueryError> {
        let mut results = Vec::new();
        for statement in parse(source).map_err(QueryError::Syntax)? {
            results.push(self.statement(&statement, parameters).await?);
        }
        Ok(results)
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// As for [`run`](Self::run); `Invalid` if the text does not hold exactly one statement.
    pub async fn query(&self, source: &str, parameters: &Parameters) -> Result<QueryResult, QueryError> {
        let statements = parse(source).map_err(QueryError::Syntax)?;
        match statements.as_slice() {
            [one] => self.statement(one, parameters).await,
            all => Err(Error::invalid("expected one statement").with("got", all.len()).into()),
        }
    }

    /// Tells how the last query of the text would be run. Declarations before it are carried out.
    ///
    /// # Errors
    /// As for [`run`](Self::run); `Invalid` if the last statement is no query.
    pub async fn explain(&self, source: &str, parameters: &Parameters) -> Result<String, QueryError> {
        let statements = parse(source).map_err(QueryError::Syntax)?;
        let Some((last, before)) = statements.split_last() else {
            return Err(Error::invalid("there is no query to explain").into());
        };
        for statement in before {
            if !matches!(statement.kind, StatementKind::Query(_) | StatementKind::Explain(_)) {
                self.statement(statement, parameters).await?;
            }
        }
        match &last.kind {
            StatementKind::Query(query) | StatementKind::Explain(query) => self.explain_query(query, parameters).await,
            _ => Err(Error::invalid("the last statement is no query").into()),
        }
    }

    async fn statement(&self, statement: &Statement, parameters: &Parameters) -> Result<QueryResult, QueryError> {
        match &statement.kind {
            StatementKind::Query(query) => {
                let result = match self.counted(query, parameters).await? {
                    Some(result) => result,
                    None => match self.way(query, parameters).await? {
                        Way::Joins(planned) => self.join(*planned).await?,
                        Way::Walk { catalog, .. } => self.interpreter(catalog).run(query, parameters).await?,
                    },
                };
                self.store_new_footers().await;
                Ok(result)
            }
            StatementKind::Explain(query) => {
                let text = self.explain_query(query, parameters).await?;
                Ok(QueryResult::of(columns(vec![("plan", text.lines().map(str::to_owned).collect())])?))
            }
            StatementKind::CreateNodeLabel(create) => {
                check_free("label", &create.label, self.read().labels.contains_key(&create.label.text))?;
                let counters = Counters::default();
                let label = create_node_label(create, &self.mounts, self.tables.as_ref(), &counters).await?;
                self.change(|catalog| catalog.labels.insert(create.label.text.clone(), Arc::new(label)));
                Ok(QueryResult::none().with_stats(&counters))
            }
            StatementKind::CreateEdgeType(create) => {
                let catalog = self.known().await?;
                check_free("edge type", &create.name, catalog.edge_types.contains_key(&create.name.text))?;
                let (tables, counters) = (self.tables.as_ref(), Counters::default());
                let edge_type = create_edge_type(create, &catalog, &self.mounts, tables, &counters).await?;
                self.change(|catalog| catalog.edge_types.insert(create.name.text.clone(), Arc::new(edge_type)));
                Ok(QueryResult::none().with_stats(&counters))
            }
            StatementKind::DropNodeLabel(name) => self.drop_label(name),
            StatementKind::DropEdgeType(name) => self.drop_edge_type(name),
            StatementKind::ShowNodeLabels => Ok(QueryResult::of(show_labels(&self.known().await?)?)),
            StatementKind::ShowEdgeTypes => Ok(QueryResult::of(show_edge_types(&self.read())?)),
            StatementKind::Profile(_) => {
                let diagnostic = Diagnostic::unsupported("not supported: PROFILE", statement.span);
                Err(diagnostic.with_help("EXPLAIN shows the plan").into())
            }
            StatementKind::DescribeNodeLabel(name) | StatementKind::DescribeEdgeType(name) => {
                let diagnostic = Diagnostic::unsupported("not supported: DESCRIBE", name.span);
                Err(diagnostic.with_help("SHOW lists what is declared").into())
            }
            _ => Err(Error::unsupported("this statement is not known").into()),
        }
    }

    /// The query as one that is counted over adjacencies, if it is right and can be.
    async fn hops(&self, query: &Query, parameters: &Parameters) -> Result<Option<Hops>> {
        if !check_query(query).is_empty() {
            return Ok(None);
        }
        let (catalog, tables) = (self.known().await?, self.tables.as_ref());
        Hops::new(query, &catalog, parameters, !is_empty(&self.owned), (tables, &self.mounts), &self.adjacencies).await
    }

    async fn counted(&self, query: &Query, parameters: &Parameters) -> Result<Option<QueryResult>, QueryError> {
        match self.hops(query, parameters).await? {
            Some(hops) => hops.run().await,
            None => Ok(None),
        }
    }

    /// Decides how a query is run, after looking for what is wrong with it.
    async fn way(&self, query: &Query, parameters: &Parameters) -> Result<Way, QueryError> {
        let wrong = check_query(query);
        if !wrong.is_empty() {
            return Err(QueryError::Syntax(wrong));
        }
        let catalog = self.known().await?;
        match self.plan(query, parameters, &catalog).await {
            Ok(planned) => Ok(Way::Joins(Box::new(planned))),
            Err(QueryError::Syntax(why)) if why.iter().all(|one| one.kind == DiagnosticKind::Unsupported) => {
                Ok(Way::Walk { why, catalog })
            }
            // What is unknown to the catalog may have been created.
            Err(QueryError::Syntax(why)) if !is_empty(&self.owned) => Ok(Way::Walk { why, catalog }),
            Err(error) => Err(error),
        }
    }

    async fn join(&self, Planned { plan, counters }: Planned) -> Result<QueryResult> {
        let plan = match answer(&plan).await? {
            Some(Answer::Whole(schema, batch)) => return Ok(QueryResult::known(schema, batch, &counters)),
            Some(Answer::Part(known)) => *known,
            None => plan,
        };
        Execution::new(&plan, &self.mounts).await?.run(&counters).await
    }

    fn interpreter(&self, catalog: Catalog) -> Interpreter {
        let (tables, mounts) = (self.tables.clone(), self.mounts.clone());
        Interpreter { catalog, tables, mounts, owned: Arc::clone(&self.owned) }
    }

    async fn plan(&self, query: &Query, parameters: &Parameters, catalog: &Catalog) -> Result<Planned, QueryError> {
        let reads = reads(query)?;
        let shape = shape(&reads.matches, catalog)?;
        if let Some(span) = reads.open_end().filter(|_| !is_empty(&self.owned)) {
            return Err(Diagnostic::unsupported("created nodes may fit here too", span).into());
        }
        let counters = Arc::new(Counters::default());
        let sources = self.pin(&shape, catalog, &counters).await?;
        let (rows, scope) = plan_matches(&reads.matches, &shape, catalog, &sources, parameters)?;
        let plan = plan_returns(rows, reads.returns, &scope, parameters)?;
        Ok(Planned { plan, counters })
    }

    async fn explain_query(&self, query: &Query, parameters: &Parameters) -> Result<String, QueryError> {
        if let Some(hops) = self.hops(query, parameters).await? {
            return Ok(hops.explain(query));
        }
        let Planned { plan, counters } = match self.way(query, parameters).await? {
            Way::Joins(planned) => *planned,
            Way::Walk { why, .. } => {
                let why: Vec<_> = why.iter().map(|one| format!("no joins: {}", one.message)).collect();
                return Ok(format!("interpreter\n{}\n\n{query}", why.join("\n")));
            }
        };
        match answer(&plan).await? {
            Some(Answer::Whole(..)) => Ok(explained(&plan, "answered from footers\n", &counters)),
            Some(Answer::Part(known)) => Ok(Execution::new(&known, &self.mounts).await?.explain(&known, &counters)),
            None => Ok(Execution::new(&plan, &self.mounts).await?.explain(&plan, &counters)),
        }
    }

    /// Labels and edges over files in place.
    fn lakes(&self) -> Vec<Arc<LakeLabel>> {
        let catalog = self.read();
        let of_labels = catalog.labels.values().map(|label| &label.rows);
        let of_edges = catalog.edge_types.values().filter_map(|edge| match &edge.edges {
            Edges::Rows { rows, .. } => Some(rows),
            Edges::ForeignKey => None,
        });
        let lake = |rows: &Rows| match rows {
            Rows::Lake(label) => Some(Arc::clone(label)),
            _ => None,
        };
        of_labels.chain(of_edges).filter_map(lake).collect()
    }

    /// Stores what was learnt; a catalog that cannot be written is no reason for a query to fail.
    async fn store_new_footers(&self) {
        if self.mounts.place.is_none() {
            return;
        }
        for label in self.lakes() {
            if let Err(error) = label.store(false).await {
                tracing::warn!(%error, address = %label.address, "the catalog of footers cannot be stored");
            }
        }
    }

    /// Fixes the state of everything that a query looks at, once for each label and edge type.
    async fn pin(&self, shape: &Shape<'_>, catalog: &Catalog, counters: &Arc<Counters>) -> Result<Sources> {
        let mut sources = Sources::default();
        for name in shape.nodes.iter().map(|node| &node.label).collect::<BTreeSet<_>>() {
            let label = &catalog.labels[name];
            let pinned = Pinned::new(&label.rows, &label.computed, self.tables.as_ref(), counters).await?;
            sources.labels.insert(name.clone(), pinned);
        }
        for fit in shape.edges.iter().flat_map(|edge| &edge.fits) {
            if let Edges::Rows { rows, .. } = &catalog.edge_types[&fit.edge_type].edges
                && !sources.edges.contains_key(&fit.edge_type)
            {
                let pinned = Pinned::new(rows, &[], self.tables.as_ref(), counters).await?;
                sources.edges.insert(fit.edge_type.clone(), pinned);
            }
        }
        Ok(sources)
    }

    /// What is declared, and the tables as labels.
    async fn known(&self) -> Result<Catalog> {
        let mut catalog = self.read().clone();
        if let Some(tables) = &self.tables {
            for table in tables.tables().await? {
                let label = Label::of_table(&table);
                catalog.labels.entry(table).or_insert_with(|| Arc::new(label));
            }
        }
        Ok(catalog)
    }

    fn drop_label(&self, name: &Name) -> Result<QueryResult, QueryError> {
        let catalog = self.read().clone();
        let used = catalog.edge_types.iter().find(|(_, edge)| {
            let starts = edge.source == name.text;
            starts || edge.target.label == name.text
        });
        if let Some((edge_type, _)) = used {
            let error = Error::invalid("an edge type uses this label, drop it first");
            return Err(error.with("label", &name.text).with("edge_type", edge_type).into());
        }
        match self.change(|catalog| catalog.labels.remove(&name.text)) {
            Some(_) => Ok(QueryResult::none()),
            None => Err(unknown("label", name, catalog.labels.keys().map(String::as_str)).into()),
        }
    }

    fn drop_edge_type(&self, name: &Name) -> Result<QueryResult, QueryError> {
        match self.change(|catalog| catalog.edge_types.remove(&name.text)) {
            Some(_) => Ok(QueryResult::none()),
            None => Err(unknown("edge type", name, self.read().edge_types.keys().map(String::as_str)).into()),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<Answer>(&self, change: impl FnOnce(&mut Catalog) -> Answer) -> Answer {
        change(&mut self.catalog.write().unwrap_or_else(PoisonError::into_inner))
    }
}

fn show_labels(catalog: &Catalog) -> Result<RecordBatch> {
    let labels = &catalog.labels;
    columns(vec![
        ("label", labels.keys().cloned().collect()),
        ("rows", labels.values().map(|label| label.rows.to_string()).collect()),
        ("key", labels.values().map(|label| label.key.clone().unwrap_or_default()).collect()),
    ])
}

fn show_edge_types(catalog: &Catalog) -> Result<RecordBatch> {
    let types = &catalog.edge_types;
    columns(vec![
        ("edge_type", types.keys().cloned().collect()),
        ("source", types.values().map(|edge| edge.source.clone()).collect()),
        ("target", types.values().map(|edge| format!("{}({})", edge.target.label, edge.target.key)).collect()),
        ("edges", types.values().map(|edge| edge.to_string()).collect()),
    ])
}

fn columns(columns: Vec<(&str, Vec<String>)>) -> Result<RecordBatch> {
    let columns = columns.into_iter().map(|(name, texts)| (name, Arc::new(StringArray::from(texts)) as ArrayRef));
    RecordBatch::try_from_iter(columns)
        .map_err(|source| Error::unexpected("columns differ in length").caused_by(source))
}
