//! The part of the language that can be planned: `MATCH … [WHERE …] … RETURN …` over single labels and fixed hops.
//! Everything else that the language has is refused here by name.

use worldstore_cypher::ast::{
    ClauseKind, Direction, EdgePattern, Expr, ExprKind, Match, Name, NodePattern, Path, PathMode, Projection,
    Properties, Query, Selector, Shortest,
};
use worldstore_cypher::{Diagnostic, Span};

use super::unsupported;

/// A query that can be planned.
#[derive(Debug)]
pub(crate) struct Reads<'query> {
    /// The patterns, clause by clause.
    pub matches: Vec<Matched<'query>>,
    /// What is asked for.
    pub returns: &'query Projection,
}

/// A `MATCH`.
#[derive(Debug)]
pub(crate) struct Matched<'query> {
    pub paths: Vec<Hops<'query>>,
    pub filter: Option<&'query Expr>,
}

/// A node, and hops from it.
#[derive(Debug)]
pub(crate) struct Hops<'query> {
    pub start: Node<'query>,
    pub hops: Vec<(Edge<'query>, Node<'query>)>,
}

/// A node with at most one label.
#[derive(Debug)]
pub(crate) struct Node<'query> {
    pub variable: Option<&'query Name>,
    pub label: Option<&'query Name>,
    pub properties: &'query [(Name, Expr)],
    pub span: Span,
}

/// One relationship of any of some types.
#[derive(Debug)]
pub(crate) struct Edge<'query> {
    pub variable: Option<&'query Name>,
    pub types: Vec<&'query Name>,
    pub direction: Direction,
    pub properties: &'query [(Name, Expr)],
    pub span: Span,
}

impl Reads<'_> {
    /// A node that is given no label, and so may be anything.
    pub fn open_end(&self) -> Option<Span> {
        let paths = self.matches.iter().flat_map(|matched| &matched.paths);
        let mut nodes =
            paths.flat_map(|path| std::iter::once(&path.start).chain(path.hops.iter().map(|(_, node)| node)));
        nodes.find(|node| node.label.is_none()).map(|node| node.span)
    }
}

/// The query, if it can be planned.
///
/// # Errors
/// `Unsupported` with the first construct that cannot.
pub(crate) fn reads(query: &Query) -> Result<Reads<'_>, Diagnostic> {
    if let Some(other) = query.others.first() {
        return Err(unsupported(other.span, other.combinator.to_string()));
    }
    let mut matches = Vec::new();
    for clause in &query.first.clauses {
        match &clause.kind {
            ClauseKind::Match(matched) if !matched.optional => matches.push(matched_of(matched)?),
            ClauseKind::Return(_) if matches.is_empty() => {
                return Err(unsupported(clause.span, "RETURN without MATCH").with_help("start with `MATCH (n:Label)`"));
            }
            ClauseKind::Return(returns) if returns.star => {
                return Err(unsupported(clause.span, "RETURN *").with_help("name what shall be returned"));
            }
            ClauseKind::Return(returns) => {
                if let Some(item) = returns.order_by.iter().find(|item| item.nulls.is_some()) {
                    return Err(unsupported(item.value.span, "NULLS FIRST and NULLS LAST"));
                }
                return Ok(Reads { matches, returns });
            }
            other => return Err(unsupported(clause.span, name_of(other))),
        }
    }
    Err(unsupported(query.span, "a query without RETURN"))
}

/// What a path of a single pattern of relationships asks for.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// The variable of the path.
    pub variable: Option<String>,
    /// Relationships at least, and at most if there is a bound.
    pub lengths: (u64, Option<u64>),
    pub direction: Direction,
    pub kind: RunKind,
}

/// Which of the paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunKind {
    /// All that repeat no relationship.
    Trails,
    /// All.
    Walks,
    /// One of the shortest, between different nodes.
    Shortest,
    /// All of the shortest, between different nodes.
    AllShortest,
}

/// The query as one over a single relationship, and of which run it stands; none if it is nothing but
/// `MATCH (a)-[*1..3]->(b) [WHERE …] RETURN …` or the same with a shortest path.
pub(crate) fn run(query: &Query) -> Option<(Reads<'_>, Run)> {
    let [first, last] = query.first.clauses.as_slice() else { return None };
    let (ClauseKind::Match(matched), ClauseKind::Return(returns)) = (&first.kind, &last.kind) else { return None };
    let [path] = matched.patterns.as_slice() else { return None };
    let is_plain = !matched.optional && !returns.star && query.others.is_empty();
    if !is_plain || returns.order_by.iter().any(|item| item.nulls.is_some()) {
        return None;
    }
    let (start, hops) = path.hops()?;
    let [(edge, end)] = hops.as_slice() else { return None };
    if edge.variable.is_some() {
        return None;
    }
    let run = run_of(path, edge)?;
    let hops = vec![(single(edge).ok()?, node(end).ok()?)];
    let paths = vec![Hops { start: node(start).ok()?, hops }];
    Some((Reads { matches: vec![Matched { paths, filter: matched.filter.as_ref() }], returns }, run))
}

fn run_of(path: &Path, edge: &EdgePattern) -> Option<Run> {
    let kind = match (path.shortest, path.selector, path.mode) {
        (Some(Shortest::One), None, None) => RunKind::Shortest,
        (Some(Shortest::All), None, None) => RunKind::AllShortest,
        (None, None | Some(Selector::All), None | Some(PathMode::Trail)) => RunKind::Trails,
        (None, None | Some(Selector::All), Some(PathMode::Walk)) => RunKind::Walks,
        _ => return None,
    };
    let is_function = path.shortest.is_some();
    let lengths = match (edge.length, edge.quantifier) {
        (Some(length), None) => (length.min.unwrap_or(1), length.max),
        (None, Some(quantifier)) => (quantifier.min, quantifier.max),
        (None, None) if is_function => (1, Some(1)),
        _ => return None,
    };
    let variable = path.variable.as_ref().map(|name| name.text.clone());
    Some(Run { variable, lengths, direction: edge.direction, kind })
}

fn name_of(clause: &ClauseKind) -> &'static str {
    match clause {
        ClauseKind::Match(_) => "OPTIONAL MATCH",
        ClauseKind::Unwind(_) => "UNWIND",
        ClauseKind::With(_) => "WITH",
        ClauseKind::Call(_) => "CALL",
        ClauseKind::Create(_) => "CREATE of nodes and relationships",
        ClauseKind::Merge(_) => "MERGE",
        ClauseKind::Set(_) => "SET",
        ClauseKind::Remove(_) => "REMOVE",
        ClauseKind::Delete(_) => "DELETE",
        ClauseKind::Let(_) => "LET",
        ClauseKind::Filter(_) => "FILTER",
        ClauseKind::For(_) => "FOR",
        ClauseKind::Finish => "FINISH",
        _ => "this clause",
    }
}

fn matched_of(matched: &Match) -> Result<Matched<'_>, Diagnostic> {
    let paths = matched.patterns.iter().map(hops).collect::<Result<_, _>>()?;
    Ok(Matched { paths, filter: matched.filter.as_ref() })
}

fn hops(path: &Path) -> Result<Hops<'_>, Diagnostic> {
    let construct = match path {
        Path { variable: Some(_), .. } => Some("path variables"),
        Path { shortest: Some(_), .. } => Some("shortest paths"),
        Path { selector: Some(_), .. } => Some("path selectors"),
        Path { mode: Some(_), .. } => Some("path modes"),
        _ => None,
    };
    if let Some(construct) = construct {
        return Err(unsupported(path.span, construct));
    }
    let Some((start, hops)) = path.hops() else {
        return Err(unsupported(path.span, "path patterns in brackets"));
    };
    let hops = hops.into_iter().map(|(edge, end)| Ok((edge_of(edge)?, node(end)?)));
    Ok(Hops { start: node(start)?, hops: hops.collect::<Result<_, Diagnostic>>()? })
}

fn node(pattern: &NodePattern) -> Result<Node<'_>, Diagnostic> {
    let label = match &pattern.labels {
        None => None,
        Some(labels) => match labels.single() {
            Some(label) => Some(label),
            None => return Err(unsupported(labels.span, "several labels of a node")),
        },
    };
    let properties = properties(pattern.properties.as_ref(), pattern.filter.as_deref())?;
    Ok(Node { variable: pattern.variable.as_ref(), label, properties, span: pattern.span })
}

fn edge_of(pattern: &EdgePattern) -> Result<Edge<'_>, Diagnostic> {
    let several = pattern.length.map(|length| length.span).or(pattern.quantifier.map(|quantifier| quantifier.span));
    if let Some(span) = several {
        let help = "write out each hop as a pattern of its own";
        return Err(unsupported(span, "relationships of variable length").with_help(help));
    }
    single(pattern)
}

/// One relationship of the pattern, however many it is of.
fn single(pattern: &EdgePattern) -> Result<Edge<'_>, Diagnostic> {
    let types = match &pattern.types {
        None => Vec::new(),
        Some(types) => types.any_of().ok_or_else(|| unsupported(types.span, "expressions of types"))?,
    };
    let properties = properties(pattern.properties.as_ref(), pattern.filter.as_deref())?;
    let (variable, direction, span) = (pattern.variable.as_ref(), pattern.direction, pattern.span);
    Ok(Edge { variable, types, direction, properties, span })
}

fn properties<'query>(
    properties: Option<&'query Properties>,
    filter: Option<&Expr>,
) -> Result<&'query [(Name, Expr)], Diagnostic> {
    if let Some(filter) = filter {
        return Err(unsupported(filter.span, "WHERE within a pattern").with_help("write it behind the pattern"));
    }
    match properties {
        None => Ok(&[]),
        Some(Properties::Map(entries)) => Ok(entries),
        Some(Properties::Parameter(name)) => {
            let help = "write `{name: $value}` for each property";
            Err(unsupported(name.span, "parameters as maps").with_help(help))
        }
    }
}

/// What messages call an expression that cannot be planned.
pub(super) fn name_of_expression(kind: &ExprKind) -> &'static str {
    match kind {
        ExprKind::HasLabels(..) => "label predicates",
        ExprKind::Map(_) => "maps",
        ExprKind::MapProjection(..) => "map projections",
        ExprKind::Index(..) | ExprKind::Slice(..) => "elements and slices of a list",
        ExprKind::ListComprehension(_) => "list comprehensions",
        ExprKind::PatternComprehension { .. } => "pattern comprehensions",
        ExprKind::Quantified(..) => "`all`, `any`, `none` and `single`",
        ExprKind::Reduce(_) => "`reduce`",
        ExprKind::Pattern(path) if path.shortest.is_some() => "shortest paths",
        ExprKind::Pattern(_) => "patterns in an expression",
        ExprKind::Subquery(..) => "queries in an expression",
        _ => "this expression",
    }
}
