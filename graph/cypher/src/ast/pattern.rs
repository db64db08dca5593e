//! Patterns: nodes, relationships, paths of them, and conditions on labels.

use super::{Expr, Name};
use crate::span::Span;

/// `[variable =] [selector] [mode] (a)-[r]->(b)…`.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The variable of the path.
    pub variable: Option<Name>,
    /// `shortestPath(…)` or `allShortestPaths(…)` around the pattern.
    pub shortest: Option<Shortest>,
    /// Which of the paths.
    pub selector: Option<Selector>,
    /// What may be repeated within a path.
    pub mode: Option<PathMode>,
    /// Nodes with relationships between them, and groups. A relationship has a node or a group on each side.
    pub elements: Vec<PathElement>,
    /// Where it stands.
    pub span: Span,
}

/// The function around a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortest {
    /// `shortestPath(…)`.
    One,
    /// `allShortestPaths(…)`.
    All,
}

/// Which of the paths that fit between two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selector {
    /// `ALL`.
    All,
    /// `ANY [k]`; one without a number.
    Any(Option<u64>),
    /// `ANY SHORTEST`.
    AnyShortest,
    /// `ALL SHORTEST`.
    AllShortest,
    /// `SHORTEST [k]`; one without a number.
    Shortest(Option<u64>),
    /// `SHORTEST [k] GROUPS`; one without a number.
    ShortestGroups(Option<u64>),
}

/// What may be repeated within a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathMode {
    /// `WALK`: everything.
    Walk,
    /// `TRAIL`: nodes.
    Trail,
    /// `ACYCLIC`: nothing.
    Acyclic,
    /// `SIMPLE`: nothing, but for the first node as the last.
    Simple,
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum PathElement {
    /// `(a)`.
    Node(NodePattern),
    /// `-[r]->`.
    Edge(EdgePattern),
    /// `((a)-[r]->(b) WHERE …){1,3}`.
    Group(Group),
}

/// A path in brackets.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The path; without selector.
    pub path: Box<Path>,
    /// The condition.
    pub filter: Option<Box<Expr>>,
    /// How often it is repeated; once without one.
    pub quantifier: Option<Quantifier>,
    /// Where it stands.
    pub span: Span,
}

/// `(variable:Label {property: value} WHERE …)`.
#[derive(Debug, Clone, PartialEq)]
pub struct NodePattern {
    /// The variable, if there is one.
    pub variable: Option<Name>,
    /// The condition on labels, if there is one.
    pub labels: Option<LabelExpr>,
    /// Properties that must be equal.
    pub properties: Option<Properties>,
    /// The condition within the pattern.
    pub filter: Option<Box<Expr>>,
    /// Where the pattern stands, brackets included.
    pub span: Span,
}

/// `-[variable:TYPE*1..3 {property: value} WHERE …]->{1,3}`.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgePattern {
    /// The variable, if there is one.
    pub variable: Option<Name>,
    /// The condition on types, if there is one.
    pub types: Option<LabelExpr>,
    /// `*1..3`: how many relationships in a row.
    pub length: Option<Length>,
    /// Where it points.
    pub direction: Direction,
    /// Properties that must be equal.
    pub properties: Option<Properties>,
    /// The condition within the pattern.
    pub filter: Option<Box<Expr>>,
    /// How often it is repeated.
    pub quantifier: Option<Quantifier>,
    /// Where the pattern stands, arrows and quantifier included.
    pub span: Span,
}

/// Properties of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum Properties {
    /// `{name: value, …}`.
    Map(Vec<(Name, Expr)>),
    /// `$name`, without the dollar sign.
    Parameter(Name),
}

/// `*`, `*2`, `*1..`, `*..3`, `*1..3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// The least number; 1 if not given.
    pub min: Option<u64>,
    /// The greatest number; no bound if not given.
    pub max: Option<u64>,
    /// Where it stands.
    pub span: Span,
}

/// `{1,3}`, `{2}`, `{2,}`, `*` (from 0), `+` (from 1), `?` (0 or 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantifier {
    /// The least number.
    pub min: u64,
    /// The greatest number; no bound if none.
    pub max: Option<u64>,
    /// Where it stands.
    pub span: Span,
}

/// Where a relationship points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `-[]->`.
    Right,
    /// `<-[]-`.
    Left,
    /// `-[]-`.
    Either,
    /// `<-[]->`: as [`Either`](Self::Either), but not where something is created.
    Both,
}

/// A condition on labels or types.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelExpr {
    /// What it is.
    pub kind: LabelKind,
    /// Where it stands, without the first colon.
    pub span: Span,
}

/// The kinds of condition on labels.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelKind {
    /// `A`.
    Name(Name),
    /// `%`: any label.
    Any,
    /// `!A`.
    Not(Box<LabelExpr>),
    /// `A&B`, `:A:B`.
    And(Box<LabelExpr>, Box<LabelExpr>),
    /// `A|B`, `:A|:B`.
    Or(Box<LabelExpr>, Box<LabelExpr>),
}

impl LabelExpr {
    /// The name, if it is one name and nothing else.
    pub fn single(&self) -> Option<&Name> {
        match &self.kind {
            LabelKind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The names, if it is names with `|` between them or a single one.
    pub fn any_of(&self) -> Option<Vec<&Name>> {
        self.names(true)
    }

    /// The names, if it is names with `&` or `:` between them or a single one.
    pub fn all_of(&self) -> Option<Vec<&Name>> {
        self.names(false)
    }

    fn names(&self, alternatives: bool) -> Option<Vec<&Name>> {
        let mut names = Vec::new();
        let mut rest = self;
        loop {
            let (left, right) = match &rest.kind {
                LabelKind::Name(name) => {
                    names.push(name);
                    names.reverse();
                    return Some(names);
                }
                LabelKind::Or(left, right) if alternatives => (left, right),
                LabelKind::And(left, right) if !alternatives => (left, right),
                _ => return None,
            };
            names.push(right.single()?);
            rest = left;
        }
    }
}

impl Path {
    /// The path as nodes and relationships between them, first node apart; none if it has groups.
    pub fn hops(&self) -> Option<(&NodePattern, Vec<(&EdgePattern, &NodePattern)>)> {
        let (first, others) = self.elements.split_first()?;
        let PathElement::Node(start) = first else { return None };
        let hops = others.chunks(2).map(|hop| match hop {
            [PathElement::Edge(edge), PathElement::Node(node)] => Some((edge, node)),
            _ => None,
        });
        Some((start, hops.collect::<Option<_>>()?))
    }
}
