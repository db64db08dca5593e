//! From a query to what is counted, and from counts to its result.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::MemTable;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};
use worldstore_core::{Error, Result};
use worldstore_cypher::ast::{Expr as AstExpr, ExprKind, Query};

use super::ask::{Asked, AskedNode, asked};
use super::motif::{Spot, Weights};
use super::run::{self, Found, Ground};
use crate::adjacency::{Adjacencies, Adjacency, Loader, NOWHERE, Nodes, Snapshot};
use crate::bind::{Lower, Names, NodeVariable, RunKind, Scope, Sources, column, plan_returns};
use crate::catalog::{Catalog, Edges, Mounts, Pinned, Rows};
use crate::error::{QueryError, from_datafusion};
use crate::execute::{Execution, QueryResult};
use crate::lake::LakeTable;
use crate::stop::OnDrop;
use crate::value::Parameters;

/// The relation of counts, and its columns.
const WAYS: &str = " ways";
const LENGTH: &str = " length";
const WEIGHT: &str = " weight";

/// A query that is counted over adjacencies.
#[derive(Debug)]
pub(crate) struct Hops {
    asked: Asked,
    catalog: Catalog,
    sources: Sources,
    given: crate::asked::Asked,
    parameters: Parameters,
    mounts: Mounts,
    kept: Arc<Adjacencies>,
    /// The conditions on each node.
    conditions: Vec<Vec<Expr>>,
}

/// What counts are made of.
struct Built {
    /// One for each node of the pattern.
    nodes: Vec<Arc<Nodes>>,
    edges: BTreeMap<String, Arc<Adjacency>>,
}

impl Hops {
    /// The query, if it may be counted. What is wrong with it is left for others to tell.
    ///
    /// # Errors
    /// Those of pinning tables.
    pub async fn new(
        query: &Query,
        catalog: &Catalog,
        parameters: &Parameters,
        has_created: bool,
        (given, mounts): (&crate::asked::Asked, &Mounts),
        kept: &Arc<Adjacencies>,
    ) -> Result<Option<Self>> {
        let Some(asked) = asked(query, catalog, has_created).filter(|_| kept.is_on()) else { return Ok(None) };
        let mut sources = Sources::default();
        for node in &asked.nodes {
            if !sources.labels.contains_key(&node.label) {
                let label = &catalog.labels[&node.label];
                let pinned = Pinned::of_rows(&label.rows, &label.computed, given).await?;
                sources.labels.insert(node.label.clone(), pinned);
            }
        }
        for edge in asked.alternatives.iter().flatten() {
            let key = (edge.edge_type.clone(), 0);
            if let Some(rows) = catalog.edge_types[&edge.edge_type].parts[0].rows()
                && !sources.edges.contains_key(&key)
            {
                sources.edges.insert(key, Pinned::of_rows(rows, &[], given).await?);
            }
        }
        let mut hops = Self {
            asked,
            catalog: catalog.clone(),
            sources,
            given: given.clone(),
            parameters: parameters.clone(),
            mounts: mounts.clone(),
            kept: Arc::clone(kept),
            conditions: Vec::new(),
        };
        Ok(hops.check().is_ok().then_some(hops).filter(Hops::is_worth_it))
    }

    /// Plans as much as can be before anything is read.
    fn check(&mut self) -> Result<(), QueryError> {
        for node in &self.asked.nodes {
            let conditions = node.conditions.iter().map(|condition| self.condition(node, condition));
            let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
            self.conditions.push(conditions);
        }
        let columns = self.asked.uses.nodes.iter().map(|node| {
            let plan = self.sources.labels[&self.asked.nodes[*node].label].plan(&self.asked.nodes[*node].name)?;
            let field = plan.schema().field_with_unqualified_name(&self.asked.nodes[*node].column);
            Ok((*node, field.map_err(from_datafusion)?.data_type().clone()))
        });
        let columns = columns.collect::<Result<Vec<_>, QueryError>>()?;
        let fields = columns.into_iter().map(|(node, data_type)| Field::new(key_of(node), data_type, true));
        let length = self.asked.uses.length.then(|| Field::new(LENGTH, DataType::Int64, false));
        let fields = fields.chain(length).chain([Field::new(WEIGHT, DataType::Int64, false)]);
        let schema = Schema::new(fields.collect::<Vec<_>>());
        self.result(RecordBatch::new_empty(Arc::new(schema))).map(|_| ())
    }

    /// A single hop is a join, unless its edges are in memory already.
    fn is_worth_it(&self) -> bool {
        let is_run = self.asked.run.is_some();
        is_run || self.asked.alternatives.iter().any(|edges| edges.len() > 1) || self.is_built()
    }

    /// True if all edges are in memory, perhaps as they were before.
    pub fn is_built(&self) -> bool {
        self.kept.has_edges(self.edge_types())
    }

    fn edge_types(&self) -> impl Iterator<Item = &str> {
        self.asked.alternatives.iter().flatten().map(|edge| edge.edge_type.as_str())
    }

    fn condition(&self, node: &AskedNode, condition: &AstExpr) -> Result<Expr, QueryError> {
        let plan = self.sources.labels[&node.label].plan(&node.name)?;
        let scope = self.scope();
        let lower = Lower { schema: plan.schema(), names: Names::Variables(&scope), parameters: &self.parameters };
        let value = lower.without_aggregates(condition, "WHERE")?;
        Ok(lower.expect_bool(value, condition.span)?)
    }

    fn scope(&self) -> Scope {
        let node = |node: &AskedNode| NodeVariable {
            name: node.name.clone(),
            label: node.label.clone(),
            key: Some(node.column.clone()),
        };
        let path = self.asked.run.as_ref().and_then(|run| run.variable.clone());
        Scope {
            nodes: self.asked.nodes.iter().map(node).collect(),
            edges: Vec::new(),
            weight: Some(column(WAYS, WEIGHT)),
            path: path.map(|path| (path, column(WAYS, LENGTH))),
        }
    }

    /// The result over these counts.
    fn result(&self, ways: RecordBatch) -> Result<LogicalPlan, QueryError> {
        let table = MemTable::try_new(ways.schema(), vec![vec![ways]]).map_err(from_datafusion)?;
        let source = provider_as_source(Arc::new(table));
        let mut plan = LogicalPlanBuilder::scan(TableReference::bare(WAYS), source, None).map_err(from_datafusion)?;
        for place in &self.asked.uses.nodes {
            let node = &self.asked.nodes[*place];
            let mut rows = LogicalPlanBuilder::from(self.sources.labels[&node.label].plan(&node.name)?);
            for condition in self.conditions.get(*place).into_iter().flatten() {
                // Nothing else is counted; said again, it leaves out files and row groups.
                rows = rows.filter(condition.clone()).map_err(from_datafusion)?;
            }
            let rows = rows.build().map_err(from_datafusion)?;
            let on = column(WAYS, &key_of(*place)).eq(column(&node.name, &node.column));
            plan = plan.join_on(rows, JoinType::Inner, [on]).map_err(from_datafusion)?;
        }
        let plan = plan.build().map_err(from_datafusion)?;
        plan_returns(plan, &self.asked.returns, &self.scope(), &self.parameters)
    }

    /// Runs it. None if keys are of a kind that is not numbered, or the pattern is too tangled: then it is a query like any
    /// other.
    ///
    /// # Errors
    /// `Invalid`: more matches than a number can count; `Unavailable`: too many rows; those of the store.
    pub async fn run(self) -> Result<Option<QueryResult>, QueryError> {
        let loader = Loader::new(&self.mounts);
        let Some(built) = self.build(&loader).await? else { return Ok(None) };
        // A node without a key has no relationships, but is a way of none from itself to itself.
        if self.asked.run.as_ref().is_some_and(|run| run.lengths.0 == 0) && !built.nodes[0].has_all() {
            return Ok(None);
        }
        let mut nodes = Vec::new();
        for (place, numbered) in built.nodes.iter().enumerate() {
            let Some(weights) = self.weights(place, numbered, &loader).await? else { return Ok(None) };
            nodes.push(Spot { count: numbered.count(), weights });
        }
        let stop = self.given.guard.stop.clone();
        let ground = Ground { nodes, edges: built.edges.clone(), stop: stop.clone() };
        let hops = Arc::new(self);
        let counting = Arc::clone(&hops);
        // A future that is dropped reaches no thread: this does.
        let given_up = OnDrop::new(|| stop.stop());
        let counted = tokio::task::spawn_blocking(move || run::count(&counting.asked, &ground)).await;
        let failed = |source| Error::unexpected("the query did not come to its end").caused_by(source);
        let found = counted.map_err(failed)??;
        given_up.end();
        let Some(found) = found else { return Ok(None) };
        if let Some(batch) = hops.bare_counts(&found)? {
            return Ok(Some(QueryResult::of(batch).with_plans(&hops.given, loader.plans())));
        }
        let plan = hops.result(hops.batch(&found, &built)?)?;
        let execution = Execution::new(&plan, &hops.mounts, None).await?.stoppable(&stop)?;
        Ok(Some(execution.run_after(&hops.given, loader.plans()).await?))
    }

    /// The answer, where it is nothing but how many there are.
    fn bare_counts(&self, found: &Found) -> Result<Option<RecordBatch>> {
        let returns = &self.asked.returns;
        let is_count = |value: &AstExpr| match &value.kind {
            ExprKind::CountAll => true,
            ExprKind::Call { function, distinct: false, arguments, .. } => {
                let is_variable = matches!(arguments.as_slice(), [AstExpr { kind: ExprKind::Variable(_), .. }]);
                function.text.eq_ignore_ascii_case("count") && is_variable
            }
            _ => false,
        };
        let is_bare = returns.items.iter().all(|item| is_count(&item.value))
            && returns.order_by.is_empty()
            && returns.skip.is_none()
            && returns.limit.is_none();
        if !is_bare || !self.asked.uses.nodes.is_empty() {
            return Ok(None);
        }
        let total: i64 = found.weights.iter().sum();
        let column = || Arc::new(Int64Array::from(vec![total])) as ArrayRef;
        let batch = RecordBatch::try_from_iter(returns.items.iter().map(|item| (item.name.as_str(), column())));
        Ok(Some(batch.map_err(|source| Error::unexpected("the counts make no batch").caused_by(source))?))
    }

    /// Counts as rows.
    fn batch(&self, found: &Found, built: &Built) -> Result<RecordBatch> {
        let failed = |source| Error::unexpected("the counts make no batch").caused_by(source);
        let (mut fields, mut columns) = (Vec::new(), Vec::<ArrayRef>::new());
        for (node, places) in &found.columns {
            let keys = built.nodes[*node].keys();
            columns.push(take(keys, &UInt32Array::from_iter_values(places.iter().copied()), None).map_err(failed)?);
            fields.push(Field::new(key_of(*node), keys.data_type().clone(), true));
        }
        if let Some(lengths) = &found.lengths {
            columns.push(Arc::new(Int64Array::from(lengths.clone())));
            fields.push(Field::new(LENGTH, DataType::Int64, false));
        }
        columns.push(Arc::new(Int64Array::from(found.weights.clone())));
        fields.push(Field::new(WEIGHT, DataType::Int64, false));
        let options = RecordBatchOptions::new().with_row_count(Some(found.weights.len()));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(failed)
    }

    /// The nodes that fulfil the conditions, as 0 and 1; none if their keys do not fit.
    async fn weights(&self, place: usize, numbered: &Nodes, loader: &Loader) -> Result<Option<Weights>> {
        let (node, conditions) = (&self.asked.nodes[place], &self.conditions[place]);
        if conditions.is_empty() {
            return Ok(Some(None));
        }
        let rows = self.sources.labels[&node.label].plan(&node.name).map_err(Error::from)?;
        let (_, batches) = loader.columns(rows, &node.name, &[&node.column], conditions.clone()).await?;
        let mut weights = vec![0; numbered.count()];
        for batch in batches {
            let Some(places) = numbered.places(batch.column(0))? else { return Ok(None) };
            places.into_iter().filter(|place| *place != NOWHERE).for_each(|place| weights[place as usize] = 1);
        }
        Ok(Some(Some(Arc::new(weights))))
    }

    /// Nodes and edges, those that are kept or new ones.
    async fn build(&self, loader: &Loader) -> Result<Option<Built>> {
        let mut nodes = Vec::new();
        for node in &self.asked.nodes {
            let Some((numbered, _)) = self.nodes(&node.label, &node.column, loader).await? else { return Ok(None) };
            nodes.push(numbered);
        }
        let mut edges = BTreeMap::new();
        for name in self.edge_types() {
            if !edges.contains_key(name) {
                let Some(adjacency) = self.edges(name, loader).await? else { return Ok(None) };
                edges.insert(name.to_owned(), adjacency);
            }
        }
        Ok(Some(Built { nodes, edges }))
    }

    async fn nodes(
        &self,
        label: &str,
        column: &str,
        loader: &Loader,
    ) -> Result<Option<(Arc<Nodes>, Option<Snapshot>)>> {
        let (declared, pinned) = (&self.catalog.labels[label], &self.sources.labels[label]);
        let snapshot = match &declared.rows {
            Rows::File(file) => Some(Snapshot::File(Arc::clone(file))),
            _ => listing(pinned).await?,
        };
        let name = format!("{label}({column})");
        let known = snapshot.clone().and_then(|snapshot| self.kept.nodes(&name, &[snapshot]));
        if let Some(known) = known {
            return Ok(Some((known, snapshot)));
        }
        let Some(nodes) = loader.nodes(pinned, column).await?.map(Arc::new) else { return Ok(None) };
        if let Some(snapshot) = snapshot.clone() {
            self.kept.keep_nodes(&name, vec![snapshot], &nodes);
        }
        Ok(Some((nodes, snapshot)))
    }

    async fn edges(&self, name: &str, loader: &Loader) -> Result<Option<Arc<Adjacency>>> {
        let (declared, pinned) = (&self.catalog.edge_types[name].parts[0], &self.sources.edges[&(name.to_owned(), 0)]);
        let Edges::Rows { rows, source } = &declared.edges else { return Ok(None) };
        let target = &declared.target;
        let (starts, ends) = (
            self.nodes(&source.label, &source.key, loader).await?,
            self.nodes(&target.label, &target.key, loader).await?,
        );
        let (Some((starts, of_starts)), Some((ends, of_ends))) = (starts, ends) else { return Ok(None) };
        let of_edges = match rows {
            Rows::File(file) => Some(Snapshot::File(Arc::clone(file))),
            _ => listing(pinned).await?,
        };
        let snapshots: Option<Vec<Snapshot>> = [of_edges, of_starts, of_ends].into_iter().collect();
        if let Some(known) = snapshots.as_ref().and_then(|snapshots| self.kept.edges(name, snapshots)) {
            return Ok(Some(known));
        }
        let built = loader.edges(pinned, (&source.column, &target.column), (&starts, &ends)).await?;
        let Some(edges) = built.map(Arc::new) else { return Ok(None) };
        if let Some(snapshots) = snapshots {
            self.kept.keep_edges(name, snapshots, &edges);
        }
        Ok(Some(edges))
    }

    /// How it is run, as text.
    pub fn explain(&self, query: &Query) -> String {
        let mut text = String::from("counted over adjacencies\n");
        for name in self.edge_types().collect::<std::collections::BTreeSet<_>>() {
            let state = if self.kept.has_edges([name].into_iter()) { "in memory" } else { "to be built" };
            // Writing to a text cannot fail.
            let _ = writeln!(text, "edges {name}: {state}");
        }
        let how = match &self.asked.run {
            None => "hops: summed up leaf by leaf, cycles walked",
            Some(run) => match run.kind {
                _ if super::ask::is_closure(&self.asked.uses, run) => "run: what can be reached, breadth first",
                RunKind::Trails => "run: trails, depth first",
                RunKind::Walks => "run: walks, length by length",
                RunKind::Shortest => "run: shortest paths, breadth first",
                RunKind::AllShortest => "run: all shortest paths, breadth first",
            },
        };
        let _ = write!(text, "{how}\n\n{query}");
        text
    }
}

fn key_of(node: usize) -> String {
    format!(" node{node}")
}

/// The files that this query sees, if the rows are files in place.
async fn listing(pinned: &Pinned) -> Result<Option<Snapshot>> {
    match (pinned.provider() as &dyn std::any::Any).downcast_ref::<LakeTable>() {
        Some(table) => Ok(Some(Snapshot::Listing(table.listing().await?))),
        None => Ok(None),
    }
}
