//! A pattern over numbered nodes: what is counted.

use std::sync::Arc;

use crate::adjacency::{Adjacency, Csr};

/// Nodes and edges between them. It is connected.
#[derive(Debug, Clone, Default)]
pub(crate) struct Motif {
    pub nodes: Vec<Spot>,
    pub lines: Vec<Line>,
}

/// A node of a motif.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    /// Nodes of its label.
    pub count: usize,
    /// How much each of them counts; one if there is none. A condition counts 0 or 1.
    pub weights: Weights,
}

/// A number for each node. A number that is too large is the greatest one.
pub(crate) type Weights = Option<Arc<Vec<u64>>>;

/// An edge of a motif.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub from: usize,
    pub to: usize,
    pub edges: Arc<Adjacency>,
    /// Lines of one group are never the same edge.
    pub group: Option<usize>,
    /// True if edges from a node to itself do not fit.
    pub no_loops: bool,
}

impl Line {
    /// The edges that fit.
    pub fn fitting(&self) -> Arc<Adjacency> {
        match self.no_loops {
            true => self.edges.without_loops(),
            false => Arc::clone(&self.edges),
        }
    }

    pub fn touches(&self, node: usize) -> bool {
        self.from == node || self.to == node
    }

    /// The node at the other end.
    pub fn other(&self, node: usize) -> usize {
        if self.from == node { self.to } else { self.from }
    }

    /// Neighbours as seen from one end.
    pub fn seen_from<'line>(edges: &'line Adjacency, line: &Self, node: usize) -> &'line Csr {
        edges.towards(line.from == node)
    }
}

impl Motif {
    /// How many lines end at a node; a line from it to itself counts twice.
    pub fn degree(&self, node: usize) -> usize {
        self.lines.iter().map(|line| usize::from(line.from == node) + usize::from(line.to == node)).sum()
    }

    /// The node from which the others are nearest, for when any will do.
    pub fn middle(&self) -> usize {
        let far = |node: usize| {
            let distances = self.distances(node);
            distances.into_iter().max().unwrap_or(0)
        };
        (0..self.nodes.len()).min_by_key(|node| (far(*node), usize::MAX - self.degree(*node))).unwrap_or(0)
    }

    fn distances(&self, node: usize) -> Vec<usize> {
        let mut distances = vec![usize::MAX; self.nodes.len()];
        let mut next = std::collections::VecDeque::from([node]);
        distances[node] = 0;
        while let Some(here) = next.pop_front() {
            for line in self.lines.iter().filter(|line| line.touches(here)) {
                let other = line.other(here);
                if distances[other] == usize::MAX {
                    distances[other] = distances[here] + 1;
                    next.push_back(other);
                }
            }
        }
        distances
    }

    /// True if every node can be reached from every other one.
    pub fn is_connected(&self) -> bool {
        !self.nodes.is_empty() && self.distances(0).iter().all(|distance| *distance != usize::MAX)
    }
}

/// The product of two weights.
pub(crate) fn product(one: &Weights, other: &Weights) -> Weights {
    match (one, other) {
        (None, other) => other.clone(),
        (one, None) => one.clone(),
        (Some(one), Some(other)) => {
            let both = one.iter().zip(other.iter());
            Some(Arc::new(both.map(|(one, other)| one.saturating_mul(*other)).collect()))
        }
    }
}
