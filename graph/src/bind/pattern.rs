//! What the patterns of a query bind: variables, labels, and the edge types that fit.

use std::collections::BTreeSet;

use worldstore_cypher::ast::{Direction, Expr, Name};
use worldstore_cypher::{Diagnostic, Span};

use super::reads::{self, Matched};
use super::scope::hidden;
use super::{mistake, unknown, unsupported};
use crate::catalog::{Catalog, EdgePart};

/// All patterns of a query.
#[derive(Debug, Default)]
pub(crate) struct Shape<'query> {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge<'query>>,
    /// Properties that must be equal: of which variable, which, and to what.
    pub equal: Vec<(String, &'query Name, &'query Expr)>,
}

/// A node: one variable, wherever it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub name: String,
    pub label: String,
}

/// A relationship.
#[derive(Debug)]
pub(crate) struct Edge<'query> {
    pub name: String,
    pub pattern: &'query reads::Edge<'query>,
    /// The nodes to the left and to the right of it.
    pub left: usize,
    pub right: usize,
    /// The `MATCH` that it stands in.
    pub clause: usize,
    /// What it can be; at least one.
    pub fits: Vec<Fit>,
}

/// An edge type, and how it lies in the pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fit {
    pub edge_type: String,
    /// Which of the pairs of labels that the type joins.
    pub part: usize,
    /// True if its source is on the left.
    pub left_to_right: bool,
}

impl Fit {
    /// The edges that it means.
    pub fn part_of<'catalog>(&self, catalog: &'catalog Catalog) -> &'catalog EdgePart {
        &catalog.edge_types[&self.edge_type].parts[self.part]
    }
}

/// Resolves the patterns of a query.
pub(crate) fn shape<'query>(
    matches: &'query [Matched<'query>],
    catalog: &Catalog,
) -> Result<Shape<'query>, Diagnostic> {
    let mut draft = Draft { catalog, nodes: Vec::new(), edges: Vec::new(), equal: Vec::new() };
    for (clause, matched) in matches.iter().enumerate() {
        for path in &matched.paths {
            let mut left = draft.node(&path.start)?;
            for (edge, end) in &path.hops {
                let right = draft.node(end)?;
                draft.edge(edge, left, right, clause)?;
                left = right;
            }
        }
    }
    draft.infer()?;
    draft.finish()
}

struct DraftNode {
    name: String,
    label: Option<String>,
    span: Span,
}

struct Draft<'query, 'catalog> {
    catalog: &'catalog Catalog,
    nodes: Vec<DraftNode>,
    edges: Vec<Edge<'query>>,
    equal: Vec<(String, &'query Name, &'query Expr)>,
}

impl<'query> Draft<'query, '_> {
    fn node(&mut self, pattern: &'query reads::Node<'query>) -> Result<usize, Diagnostic> {
        let label = pattern.label.map(|label| self.label(label)).transpose()?;
        let named = pattern.variable;
        let name = named.map_or_else(|| hidden("node", self.nodes.len()), |name| name.text.clone());
        if let Some(taken) = named.filter(|name| self.edges.iter().any(|edge| edge.name == name.text)) {
            return Err(mistake(taken.span, format!("`{}` is a relationship already", taken.text)));
        }
        self.equal.extend(pattern.properties.iter().map(|(property, value)| (name.clone(), property, value)));
        match self.nodes.iter().position(|node| node.name == name) {
            Some(index) => {
                match (&self.nodes[index].label, label) {
                    (Some(before), Some(now)) if *before != now => {
                        return Err(mistake(pattern.span, format!("`{name}` has the label `{before}` already"))
                            .with_help("a node has one label".to_owned()));
                    }
                    (None, Some(now)) => self.nodes[index].label = Some(now),
                    _ => {}
                }
                Ok(index)
            }
            None => {
                self.nodes.push(DraftNode { name, label, span: pattern.span });
                Ok(self.nodes.len() - 1)
            }
        }
    }

    fn label(&self, name: &Name) -> Result<String, Diagnostic> {
        match self.catalog.labels.contains_key(&name.text) {
            true => Ok(name.text.clone()),
            false => Err(unknown("label", name, self.catalog.labels.keys().map(String::as_str))),
        }
    }

    fn edge(
        &mut self,
        pattern: &'query reads::Edge<'query>,
        left: usize,
        right: usize,
        clause: usize,
    ) -> Result<(), Diagnostic> {
        let known = &self.catalog.edge_types;
        for name in &pattern.types {
            if !known.contains_key(&name.text) {
                return Err(unknown("edge type", name, known.keys().map(String::as_str)));
            }
        }
        let named = pattern.variable;
        let name = named.map_or_else(|| hidden("edge", self.edges.len()), |name| name.text.clone());
        let is_taken = |name: &str| {
            self.nodes.iter().any(|node| node.name == name) || self.edges.iter().any(|edge| edge.name == name)
        };
        if let Some(taken) = named.filter(|name| is_taken(&name.text)) {
            return Err(mistake(taken.span, format!("`{}` is bound already", taken.text))
                .with_help("a relationship stands in one pattern".to_owned()));
        }
        self.equal.extend(pattern.properties.iter().map(|(property, value)| (name.clone(), property, value)));
        self.edges.push(Edge { name, pattern, left, right, clause, fits: Vec::new() });
        Ok(())
    }

    /// Gives labels to nodes without one where the edge types leave only one, until nothing changes.
    fn infer(&mut self) -> Result<(), Diagnostic> {
        loop {
            let mut is_changed = false;
            for index in 0..self.edges.len() {
                let fits = self.fits(&self.edges[index]);
                let (left, right) = (self.edges[index].left, self.edges[index].right);
                for (node, is_left) in [(left, true), (right, false)] {
                    let labels: BTreeSet<_> = fits.iter().map(|fit| self.end(fit, is_left)).collect();
                    if let (None, [only]) = (&self.nodes[node].label, Vec::from_iter(labels).as_slice()) {
                        self.nodes[node].label = Some((*only).to_owned());
                        is_changed = true;
                    }
                }
                self.edges[index].fits = fits;
            }
            if !is_changed {
                return Ok(());
            }
        }
    }

    /// The label at one end of an edge type as it lies in the pattern.
    fn end(&self, fit: &Fit, is_left: bool) -> String {
        let part = fit.part_of(self.catalog);
        match is_left == fit.left_to_right {
            true => part.source.clone(),
            false => part.target.label.clone(),
        }
    }

    fn fits(&self, edge: &Edge) -> Vec<Fit> {
        let named: BTreeSet<&str> = edge.pattern.types.iter().map(|name| name.text.as_str()).collect();
        let is_meant = |name: &str| named.is_empty() || named.contains(name);
        let types = self.catalog.edge_types.iter().filter(|(name, _)| is_meant(name));
        let parts = types.flat_map(|(name, edge_type)| (0..edge_type.parts.len()).map(move |part| (name, part)));
        let lies: &[bool] = match edge.pattern.direction {
            Direction::Right => &[true],
            Direction::Left => &[false],
            Direction::Either | Direction::Both => &[true, false],
        };
        let fit = |(name, part): (&String, usize), lie: bool| Fit { edge_type: name.clone(), part, left_to_right: lie };
        let all = parts.flat_map(|part| lies.iter().map(move |lie| fit(part, *lie)));
        let agrees = |node: usize, label: String| self.nodes[node].label.as_ref().is_none_or(|known| *known == label);
        let fits = |fit: &Fit| agrees(edge.left, self.end(fit, true)) && agrees(edge.right, self.end(fit, false));
        all.filter(fits).collect()
    }

    fn finish(self) -> Result<Shape<'query>, Diagnostic> {
        if let Some(edge) = self.edges.iter().find(|edge| edge.fits.is_empty()) {
            let label = |node: usize| self.nodes[node].label.as_deref().unwrap_or("any");
            let (left, right) = (label(edge.left), label(edge.right));
            let named: Vec<_> = edge.pattern.types.iter().map(|name| name.text.as_str()).collect();
            let message = match named.as_slice() {
                [] => format!("no edge type leads between `{left}` and `{right}` in this direction"),
                _ => format!("`{}` does not lead between `{left}` and `{right}` in this direction", named.join("|")),
            };
            return Err(mistake(edge.pattern.span, message));
        }
        let mut nodes = Vec::new();
        for node in self.nodes {
            let Some(label) = node.label else {
                return Err(unsupported(node.span, "a node whose label is not given and not clear")
                    .with_help("name its label".to_owned()));
            };
            nodes.push(Node { name: node.name, label });
        }
        Ok(Shape { nodes, edges: self.edges, equal: self.equal })
    }
}
