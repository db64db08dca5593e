//! Patterns as joins.

use std::collections::BTreeMap;

use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, lit};
use worldstore_cypher::ast;

use super::expr::{Lower, Names};
use super::pattern::{Edge, Fit, Shape};
use super::reads::Matched;
use super::scope::{EdgeVariable, NodeVariable, Scope};
use super::{mistake, unsupported};
use crate::catalog::{Catalog, EdgePart, Edges, Pinned};
use crate::error::{QueryError, from_datafusion};
use crate::value::Parameters;

/// Combinations of edge types that are planned for one pattern.
const ALTERNATIVES_MAX: usize = 16;

/// Rows of all labels and edge types of a query, each in one state.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub labels: BTreeMap<String, Pinned>,
    /// By type, and which of its pairs of labels.
    pub edges: BTreeMap<(String, usize), Pinned>,
}

/// Plans all `MATCH` clauses: one row for each way in which the patterns fit.
pub(crate) fn plan_matches(
    matches: &[Matched<'_>],
    shape: &Shape,
    catalog: &Catalog,
    sources: &Sources,
    parameters: &Parameters,
) -> Result<(LogicalPlan, Scope), QueryError> {
    let alternatives = alternatives(shape)?;
    let scope = scope(shape, catalog, alternatives.len());
    let mut plans = Vec::new();
    for fits in &alternatives {
        plans.push(Joins { shape, catalog, sources, plan: None, bound: Vec::new() }.plan(fits)?);
    }
    let plan = union(plans)?;
    let plan = filter(plan, matches, shape, &scope, parameters)?;
    Ok((plan, scope))
}

/// Every way to choose one fit for each edge.
pub(crate) fn alternatives<'shape>(shape: &'shape Shape) -> Result<Vec<Vec<&'shape Fit>>, QueryError> {
    let mut all: Vec<Vec<&Fit>> = vec![Vec::new()];
    for edge in &shape.edges {
        let longer = all.iter().flat_map(|chosen| {
            edge.fits.iter().map(move |fit| chosen.iter().copied().chain([fit]).collect::<Vec<_>>())
        });
        all = longer.collect();
        if all.len() > ALTERNATIVES_MAX {
            let help = "name types and directions".to_owned();
            return Err(unsupported(edge.pattern.span, "a pattern that so many edge types fit").with_help(help).into());
        }
    }
    Ok(all)
}

fn scope(shape: &Shape, catalog: &Catalog, alternatives: usize) -> Scope {
    let node = |node: &super::pattern::Node| NodeVariable {
        name: node.name.clone(),
        label: node.label.clone(),
        key: catalog.labels.get(&node.label).and_then(|label| label.key.clone()),
    };
    let edge = |edge: &Edge| {
        let only = edge.fits.first().filter(|only| edge.fits.iter().all(|fit| fit.edge_type == only.edge_type));
        let is_row = edge.fits.len() == 1 && only.is_some_and(|fit| fit.part_of(catalog).rows().is_some());
        let only = only.map(|fit| fit.edge_type.clone());
        EdgeVariable { name: edge.name.clone(), edge_type: only, has_properties: is_row && alternatives == 1 }
    };
    let (nodes, edges) = (shape.nodes.iter().map(node).collect(), shape.edges.iter().map(edge).collect());
    Scope { nodes, edges, ..Scope::default() }
}

/// The joins of one alternative.
struct Joins<'plan> {
    shape: &'plan Shape<'plan>,
    catalog: &'plan Catalog,
    sources: &'plan Sources,
    plan: Option<LogicalPlan>,
    bound: Vec<usize>,
}

impl Joins<'_> {
    fn plan(mut self, fits: &[&Fit]) -> Result<LogicalPlan, QueryError> {
        let mut left: Vec<usize> = (0..self.shape.edges.len()).collect();
        while !left.is_empty() {
            // Edges that touch what is bound come first, so that patterns do not become cross joins.
            let touches = |index: &usize| {
                let edge = &self.shape.edges[*index];
                self.bound.contains(&edge.left) || self.bound.contains(&edge.right)
            };
            let next = left.iter().position(touches).unwrap_or(0);
            let index = left.remove(next);
            self.hop(&self.shape.edges[index], fits[index])?;
        }
        for node in 0..self.shape.nodes.len() {
            self.bind(node, None)?;
        }
        self.distinct_edges(fits)?;
        let empty = || worldstore_core::Error::unexpected("a query without patterns");
        Ok(self.plan.ok_or_else(empty)?)
    }

    /// Adds an edge and its ends.
    fn hop(&mut self, edge: &Edge, fit: &Fit) -> Result<(), QueryError> {
        let part = fit.part_of(self.catalog);
        let (source, target) = match fit.left_to_right {
            true => (edge.left, edge.right),
            false => (edge.right, edge.left),
        };
        let names = &self.shape.nodes;
        let (source_name, target_name) = (names[source].name.clone(), names[target].name.clone());
        let end = column(&target_name, &part.target.key);
        match &part.edges {
            Edges::ForeignKey => {
                let on = column(&source_name, &part.target.column).eq(end);
                match (self.bound.contains(&source), self.bound.contains(&target)) {
                    (true, true) => self.keep(on)?,
                    (true, false) => self.bind(target, Some(on))?,
                    (false, true) => self.bind(source, Some(on))?,
                    (false, false) => {
                        self.bind(source, None)?;
                        match source == target {
                            true => self.keep(on)?,
                            false => self.bind(target, Some(on))?,
                        }
                    }
                }
            }
            Edges::Rows { source: start, .. } => {
                let first = column(&edge.name, &start.column).eq(column(&source_name, &start.key));
                let last = column(&edge.name, &part.target.column).eq(end);
                let (near, near_on, far, far_on) = match self.bound.contains(&target) && !self.bound.contains(&source) {
                    true => (target, last, source, first),
                    false => (source, first, target, last),
                };
                self.bind(near, None)?;
                let rows = self.sources.edges[&(fit.edge_type.clone(), fit.part)].plan(&edge.name)?;
                self.join(rows, Some(near_on))?;
                match self.bound.contains(&far) {
                    true => self.keep(far_on)?,
                    false => self.bind(far, Some(far_on))?,
                }
            }
        }
        self.no_loop_twice(edge, fit, part, &source_name, &target_name)
    }

    /// An edge without direction that leads from a node to itself fits both ways; it counts once.
    fn no_loop_twice(
        &mut self,
        edge: &Edge,
        fit: &Fit,
        part: &EdgePart,
        source: &str,
        target: &str,
    ) -> Result<(), QueryError> {
        let other = Fit { left_to_right: true, ..fit.clone() };
        if fit.left_to_right || !edge.fits.contains(&other) {
            return Ok(());
        }
        let key = &part.target.key;
        self.keep(column(source, key).not_eq(column(target, key)))
    }

    /// Adds a node if it is not there: joined if a condition is given, else crossed.
    fn bind(&mut self, node: usize, on: Option<Expr>) -> Result<(), QueryError> {
        if self.bound.contains(&node) {
            return Ok(());
        }
        let variable = &self.shape.nodes[node];
        let rows = self.sources.labels[&variable.label].plan(&variable.name)?;
        self.bound.push(node);
        self.join(rows, on)
    }

    fn join(&mut self, rows: LogicalPlan, on: Option<Expr>) -> Result<(), QueryError> {
        let joined = match (self.plan.take(), on) {
            (None, _) => Ok(rows),
            (Some(plan), Some(on)) => {
                let plan = LogicalPlanBuilder::from(plan).join_on(rows, JoinType::Inner, [on]);
                plan.and_then(LogicalPlanBuilder::build)
            }
            (Some(plan), None) => LogicalPlanBuilder::from(plan).cross_join(rows).and_then(LogicalPlanBuilder::build),
        };
        self.plan = Some(joined.map_err(from_datafusion)?);
        Ok(())
    }

    fn keep(&mut self, condition: Expr) -> Result<(), QueryError> {
        if let Some(plan) = self.plan.take() {
            let plan = LogicalPlanBuilder::from(plan).filter(condition).and_then(LogicalPlanBuilder::build);
            self.plan = Some(plan.map_err(from_datafusion)?);
        }
        Ok(())
    }

    /// Within one `MATCH`, two relationships are never the same one.
    fn distinct_edges(&mut self, fits: &[&Fit]) -> Result<(), QueryError> {
        let edges = &self.shape.edges;
        for (index, edge) in edges.iter().enumerate() {
            for (other, before) in edges.iter().enumerate().take(index) {
                let is_same = (&fits[other].edge_type, fits[other].part) == (&fits[index].edge_type, fits[index].part);
                if before.clause != edge.clause || !is_same {
                    continue;
                }
                let condition = self.differ((before, fits[other]), (edge, fits[index]))?;
                self.keep(condition)?;
            }
        }
        Ok(())
    }

    fn differ(&self, (one, one_fit): (&Edge, &Fit), (other, other_fit): (&Edge, &Fit)) -> Result<Expr, QueryError> {
        if one_fit.part_of(self.catalog).rows().is_some() {
            let construct = "two relationships of a type whose rows have no identity, in one MATCH";
            let help = "write two MATCH clauses, if they may be the same".to_owned();
            return Err(unsupported(other.pattern.span, construct).with_help(help).into());
        }
        let source = |edge: &Edge, fit: &Fit| if fit.left_to_right { edge.left } else { edge.right };
        let (one, from) = (source(one, one_fit), source(other, other_fit));
        if one == from {
            // A node has one edge of this type: the same one.
            return Ok(lit(false));
        }
        let nodes = &self.shape.nodes;
        let Some(key) = self.catalog.labels[&nodes[one].label].key.as_ref() else {
            let message = format!(
                "these relationships could be the same one, which the label `{}` has no key to tell",
                nodes[one].label
            );
            return Err(mistake(other.pattern.span, message)
                .with_help("declare a KEY for the label, or write two MATCH clauses".to_owned())
                .into());
        };
        Ok(column(&nodes[one].name, key).not_eq(column(&nodes[from].name, key)))
    }
}

/// A column of a variable.
pub(crate) fn column(variable: &str, name: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(variable)), name))
}

/// The rows of all alternatives. Relationships of several types have no columns in common: those are left out.
fn union(mut plans: Vec<LogicalPlan>) -> Result<LogicalPlan, QueryError> {
    let Some(last) = plans.pop() else {
        return Err(worldstore_core::Error::unexpected("a pattern without plans").into());
    };
    if plans.is_empty() {
        return Ok(last);
    }
    let shared: Vec<Column> = last.schema().columns();
    let shared: Vec<Column> =
        shared.into_iter().filter(|column| plans.iter().all(|plan| plan.schema().has_column(column))).collect();
    let flat = |index: usize| format!(" column{index}");
    let flatten = |plan: LogicalPlan| {
        let columns = shared.iter().enumerate();
        let columns = columns.map(|(index, column)| Expr::Column(column.clone()).alias(flat(index)));
        LogicalPlanBuilder::from(plan).project(columns.collect::<Vec<_>>())
    };
    let mut all = flatten(last).map_err(from_datafusion)?;
    for plan in plans {
        let flat = flatten(plan).and_then(LogicalPlanBuilder::build).map_err(from_datafusion)?;
        all = all.union(flat).map_err(from_datafusion)?;
    }
    let columns = shared.iter().enumerate().map(|(index, column)| {
        Expr::Column(Column::new_unqualified(flat(index))).alias_qualified(column.relation.clone(), &column.name)
    });
    let plan = all.project(columns.collect::<Vec<_>>()).and_then(LogicalPlanBuilder::build);
    Ok(plan.map_err(from_datafusion)?)
}

/// Inline properties and `WHERE`.
fn filter(
    mut plan: LogicalPlan,
    matches: &[Matched<'_>],
    shape: &Shape,
    scope: &Scope,
    parameters: &Parameters,
) -> Result<LogicalPlan, QueryError> {
    let mut conditions = Vec::new();
    {
        let lower = Lower { schema: plan.schema(), names: Names::Variables(scope), parameters };
        for (variable, property, value) in &shape.equal {
            conditions.push(lower.equal_property(variable, property, value)?);
        }
        for filter in matches.iter().filter_map(|matched| matched.filter) {
            conditions.push(condition(&lower, filter)?);
        }
    }
    for condition in conditions {
        plan = LogicalPlanBuilder::from(plan)
            .filter(condition)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_datafusion)?;
    }
    Ok(plan)
}

fn condition(lower: &Lower, filter: &ast::Expr) -> Result<Expr, QueryError> {
    let value = lower.without_aggregates(filter, "WHERE")?;
    Ok(lower.expect_bool(value, filter.span)?)
}
