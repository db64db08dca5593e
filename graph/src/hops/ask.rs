//! Which queries are counted over adjacencies: patterns of edges of tables, conditions on single nodes, and a result that
//! needs no more than one node of each match and how often it is there; and runs of variable length between two nodes.

use std::collections::BTreeSet;

use worldstore_cypher::ast::{BinaryOp, Direction, Expr, ExprKind, Projection, Query};
use worldstore_cypher::{Span, is_aggregate};

use crate::bind::{Reads, Run, RunKind, Shape, alternatives, reads, run, shape};
use crate::catalog::{Catalog, Edges};

/// A query that may be counted.
#[derive(Debug)]
pub(crate) struct Asked {
    pub nodes: Vec<AskedNode>,
    /// Edges, once for each choice of types and directions.
    pub alternatives: Vec<Vec<AskedEdge>>,
    pub returns: Projection,
    pub uses: Uses,
    /// The run, if it is one: the first node is where it starts, the second where it ends.
    pub run: Option<Run>,
}

/// A node of the pattern.
#[derive(Debug)]
pub(crate) struct AskedNode {
    pub name: String,
    pub label: String,
    /// The column by which edges name it.
    pub column: String,
    /// Conditions on it alone.
    pub conditions: Vec<Expr>,
}

/// An edge of the pattern.
#[derive(Debug)]
pub(crate) struct AskedEdge {
    pub edge_type: String,
    /// The nodes at its start and at its end.
    pub from: usize,
    pub to: usize,
    /// The `MATCH` that it stands in.
    pub clause: usize,
    pub no_loops: bool,
}

/// What the result needs.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Nodes of which more is needed than that they are there.
    pub nodes: BTreeSet<usize>,
    /// The length of the path.
    pub length: bool,
    /// How often a match is there, not only whether.
    pub counts: bool,
    /// True if rows of the result are groups of matches, or each is there once.
    pub groups: bool,
}

/// Relationships of a run of which all ways are counted. Longer ones are walked by the interpreter.
const RUN_MAX: u64 = 64;

/// The query, if it may be counted.
pub(crate) fn asked(query: &Query, catalog: &Catalog, has_created: bool) -> Option<Asked> {
    let (reads, run) = match run(query) {
        Some((reads, run)) => (reads, Some(run)),
        None => (reads(query).ok()?, None),
    };
    // Nodes that queries have created may stand where no label is given.
    let is_open = has_created && reads.open_end().is_some();
    if is_open { None } else { asked_of(&reads, run, catalog) }
}

fn asked_of(reads: &Reads<'_>, run: Option<Run>, catalog: &Catalog) -> Option<Asked> {
    let shape = shape(&reads.matches, catalog).ok()?;
    let alternatives = match run {
        None => edges(&shape, catalog)?,
        Some(_) => vec![run_edge(&shape, catalog)?],
    };
    let names: Vec<&str> = shape.nodes.iter().map(|node| node.name.as_str()).collect();
    let mut nodes = Vec::new();
    for (place, node) in shape.nodes.iter().enumerate() {
        let column = column(place, &alternatives, catalog)?;
        nodes.push(AskedNode { name: node.name.clone(), label: node.label.clone(), column, conditions: Vec::new() });
    }
    for (variable, property, value) in &shape.equal {
        let place = names.iter().position(|name| name == variable)?;
        let of = Box::new(expr(ExprKind::Variable(variable.clone()), property.span));
        let of = expr(ExprKind::Property(of, (*property).clone()), property.span);
        let equal = ExprKind::Binary(BinaryOp::Eq, Box::new(of), Box::new((*value).clone()));
        nodes[place].conditions.push(expr(equal, value.span));
    }
    for filter in reads.matches.iter().filter_map(|matched| matched.filter) {
        for condition in conjuncts(filter) {
            let found = variables(condition)?;
            let [only] = Vec::from_iter(found).try_into().ok()?;
            let place = names.iter().position(|name| *name == only)?;
            nodes[place].conditions.push(condition.clone());
        }
    }
    let uses = uses(reads.returns, &names, run.as_ref())?;
    fits(&uses, run.as_ref(), &shape).then(|| Asked { nodes, alternatives, returns: reads.returns.clone(), uses, run })
}

/// Whether the result can be had from counts.
fn fits(uses: &Uses, run: Option<&Run>, shape: &Shape<'_>) -> bool {
    match run {
        None => uses.groups && uses.nodes.len() <= 1,
        Some(run) => {
            let is_shortest = matches!(run.kind, RunKind::Shortest | RunKind::AllShortest);
            let is_bounded = match run.kind {
                RunKind::Trails | RunKind::Walks => {
                    run.lengths.1.is_some_and(|max| max <= RUN_MAX) || is_closure(uses, run)
                }
                RunKind::Shortest | RunKind::AllShortest => run.lengths.0 <= 1,
            };
            // Trails in both directions are walked by the interpreter, which knows edges by their row.
            let is_directed = is_shortest || matches!(run.direction, Direction::Right | Direction::Left);
            let is_proper = run.lengths.1.is_none_or(|max| max >= run.lengths.0);
            let has_rows = uses.groups || run.kind == RunKind::Shortest;
            is_bounded && is_directed && is_proper && has_rows && shape.nodes.len() == 2
        }
    }
}

/// True if it is enough to know which nodes can be reached.
pub(crate) fn is_closure(uses: &Uses, run: &Run) -> bool {
    let is_of_all = matches!(run.kind, RunKind::Trails | RunKind::Walks);
    is_of_all && !uses.counts && !uses.length && run.lengths.0 <= 1 && uses.nodes.len() <= 1
}

fn expr(kind: ExprKind, span: Span) -> Expr {
    Expr { kind, span }
}

/// Edges of tables, once for each choice of types and directions; none if some are no rows of their own.
fn edges(shape: &Shape<'_>, catalog: &Catalog) -> Option<Vec<Vec<AskedEdge>>> {
    let mut all = Vec::new();
    for fits in alternatives(shape).ok()? {
        let mut edges = Vec::new();
        for (edge, fit) in shape.edges.iter().zip(fits) {
            if catalog.edge_types[&fit.edge_type].parts.len() > 1 || fit.part_of(catalog).rows().is_none() {
                return None;
            }
            let (from, to) = if fit.left_to_right { (edge.left, edge.right) } else { (edge.right, edge.left) };
            let is_both_ways = edge.fits.iter().any(|other| other.edge_type == fit.edge_type && other.left_to_right);
            let no_loops = !fit.left_to_right && is_both_ways;
            let edge_type = fit.edge_type.clone();
            edges.push(AskedEdge { edge_type, from, to, clause: edge.clause, no_loops });
        }
        all.push(edges);
    }
    (!shape.edges.is_empty()).then_some(all)
}

/// The type of a run's edges, which lead between nodes of one label.
fn run_edge(shape: &Shape<'_>, catalog: &Catalog) -> Option<Vec<AskedEdge>> {
    let edge = shape.edges.first()?;
    let types: BTreeSet<&str> = edge.fits.iter().map(|fit| fit.edge_type.as_str()).collect();
    let [only] = Vec::from_iter(types).try_into().ok()?;
    let [part] = catalog.edge_types[only].parts.as_slice() else { return None };
    let Edges::Rows { source, .. } = &part.edges else { return None };
    let is_of_one = source.label == part.target.label && source.key == part.target.key;
    let edge_type = only.to_owned();
    is_of_one.then(|| vec![AskedEdge { edge_type, from: 0, to: 1, clause: 0, no_loops: false }])
}

/// The column by which all edges name a node; none if they use several, or there is no edge.
fn column(node: usize, alternatives: &[Vec<AskedEdge>], catalog: &Catalog) -> Option<String> {
    let mut columns = BTreeSet::new();
    for edge in alternatives.iter().flatten() {
        let [part] = catalog.edge_types[&edge.edge_type].parts.as_slice() else { return None };
        let Edges::Rows { source, .. } = &part.edges else { return None };
        if edge.from == node {
            columns.insert(&source.key);
        }
        if edge.to == node {
            columns.insert(&part.target.key);
        }
    }
    let [only] = Vec::from_iter(columns).try_into().ok()?;
    Some(String::clone(only))
}

/// The parts of a condition that all hold.
fn conjuncts(filter: &Expr) -> Vec<&Expr> {
    match &filter.kind {
        ExprKind::Binary(BinaryOp::And, left, right) => [conjuncts(left), conjuncts(right)].concat(),
        _ => vec![filter],
    }
}

/// The variables of an expression; none if it has something in it that cannot be looked into.
fn variables(expr: &Expr) -> Option<BTreeSet<&str>> {
    let (mut found, mut is_plain) = (BTreeSet::new(), true);
    collect(expr, &mut found, &mut is_plain);
    is_plain.then_some(found)
}

fn collect<'expr>(expr: &'expr Expr, found: &mut BTreeSet<&'expr str>, is_plain: &mut bool) {
    match &expr.kind {
        ExprKind::Variable(name) => _ = found.insert(name),
        ExprKind::Pattern(_) | ExprKind::Subquery(..) | ExprKind::MapProjection(..) => *is_plain = false,
        ExprKind::PatternComprehension { .. } | ExprKind::ListComprehension(_) => *is_plain = false,
        ExprKind::Quantified(..) | ExprKind::Reduce(_) => *is_plain = false,
        _ => expr.for_each_part(&mut |part| collect(part, found, is_plain)),
    }
}

fn uses(returns: &Projection, nodes: &[&str], run: Option<&Run>) -> Option<Uses> {
    let mut uses = Uses::default();
    let path = run.and_then(|run| run.variable.as_deref());
    let is_alias = |expr: &Expr| match &expr.kind {
        ExprKind::Variable(name) => returns.items.iter().any(|item| item.is_aliased && item.name == *name),
        _ => false,
    };
    let order = returns.order_by.iter().map(|item| &item.value).filter(|value| !is_alias(value));
    for value in returns.items.iter().map(|item| &item.value).chain(order) {
        look(value, nodes, path, &mut uses)?;
    }
    uses.groups |= returns.distinct;
    Some(uses)
}

fn look(expr: &Expr, nodes: &[&str], path: Option<&str>, uses: &mut Uses) -> Option<()> {
    match &expr.kind {
        ExprKind::CountAll => (uses.groups, uses.counts) = (true, true),
        ExprKind::Call { function, distinct, arguments, .. } => {
            let name = function.text.to_lowercase();
            if is_aggregate(&name) {
                uses.groups = true;
                uses.counts |= !*distinct && !["min", "max"].contains(&name.as_str());
            }
            let only = match arguments.as_slice() {
                [Expr { kind: ExprKind::Variable(variable), .. }] => Some(variable.as_str()),
                _ => None,
            };
            if name == "length" && only.is_some() && only == path {
                uses.length = true;
                return Some(());
            }
            if name == "count" && !distinct && only.is_some() && only != path {
                return Some(());
            }
            arguments.iter().try_for_each(|argument| look(argument, nodes, path, uses))?;
        }
        _ => {
            let mut is_plain = true;
            if let ExprKind::Variable(name) = &expr.kind {
                uses.nodes.insert(nodes.iter().position(|node| node == name)?);
            }
            expr.for_each_part(&mut |part| is_plain &= look(part, nodes, path, uses).is_some());
            return is_plain.then_some(());
        }
    }
    Some(())
}
