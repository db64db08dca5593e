//! Neighbours of nodes, as numbers: those of one node lie next to each other, in order.

use std::sync::{Arc, OnceLock};

/// Edges by one of their ends. Two edges between the same nodes are there twice.
#[derive(Debug, Default)]
pub(crate) struct Csr {
    /// Where the neighbours of each node begin, and where those of the last one end.
    offsets: Vec<u32>,
    neighbours: Vec<u32>,
}

impl Csr {
    /// Sorts pairs by their first part: of each node, neighbours come in the order of the pairs.
    fn new(nodes: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut offsets = vec![0_u32; nodes + 1];
        for (node, _) in pairs.clone() {
            offsets[node as usize + 1] += 1;
        }
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        let (mut next, mut neighbours) = (offsets.clone(), vec![0; sum as usize]);
        for (node, neighbour) in pairs {
            let slot = &mut next[node as usize];
            neighbours[*slot as usize] = neighbour;
            *slot += 1;
        }
        Self { offsets, neighbours }
    }

    /// The same edges by their other end, neighbours in order.
    fn reversed(&self, nodes: usize) -> Self {
        Self::new(nodes, self.pairs().map(|(node, neighbour)| (neighbour, node)))
    }

    fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + Clone + '_ {
        (0..self.nodes()).flat_map(move |node| self.of(node).iter().map(move |neighbour| (node as u32, *neighbour)))
    }

    /// The neighbours of a node, in order.
    pub fn of(&self, node: usize) -> &[u32] {
        &self.neighbours[self.range(node)]
    }

    /// Where the edges of a node are: numbers that no other edge has.
    pub fn range(&self, node: usize) -> std::ops::Range<usize> {
        self.offsets[node] as usize..self.offsets[node + 1] as usize
    }

    /// The other end of an edge.
    pub fn neighbour(&self, edge: usize) -> u32 {
        self.neighbours[edge]
    }

    pub fn degree(&self, node: usize) -> u64 {
        u64::from(self.offsets[node + 1] - self.offsets[node])
    }

    pub fn nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn edges(&self) -> usize {
        self.neighbours.len()
    }
}

/// The edges of a type.
#[derive(Debug)]
pub(crate) struct Adjacency {
    /// Nodes at the start and at the end.
    nodes: (usize, usize),
    out: Csr,
    into: OnceLock<Csr>,
    loops: OnceLock<Vec<(u32, u64)>>,
    /// None if it is this one itself.
    without_loops: OnceLock<Option<Arc<Adjacency>>>,
}

impl Adjacency {
    /// Edges from starts to ends, one beside the other.
    pub fn new(nodes: (usize, usize), starts: &[u32], ends: &[u32]) -> Self {
        let pairs = ends.iter().copied().zip(starts.iter().copied());
        // Sorted by their ends first, so that those of each start are in order.
        Self::of(nodes, Csr::new(nodes.1, pairs).reversed(nodes.0))
    }

    fn of(nodes: (usize, usize), out: Csr) -> Self {
        Self { nodes, out, into: OnceLock::new(), loops: OnceLock::new(), without_loops: OnceLock::new() }
    }

    /// The ends by the start, or the starts by the end.
    pub fn towards(&self, is_forward: bool) -> &Csr {
        match is_forward {
            true => &self.out,
            false => self.into.get_or_init(|| self.out.reversed(self.nodes.1)),
        }
    }

    /// Edges from a node to itself: the nodes, in order, and how many each has. Both ends have the same label.
    pub fn loops(&self) -> &[(u32, u64)] {
        self.loops.get_or_init(|| {
            let count = |node: usize| equal(self.out.of(node), node as u32);
            let found = (0..self.out.nodes()).map(|node| (node as u32, count(node)));
            found.filter(|(_, count)| *count > 0).collect()
        })
    }

    /// The same without edges from a node to itself.
    pub fn without_loops(self: &Arc<Self>) -> Arc<Self> {
        let made = self.without_loops.get_or_init(|| match self.loops().is_empty() {
            true => None,
            false => {
                let pairs = self.out.pairs().filter(|(start, end)| start != end);
                Some(Arc::new(Self::of(self.nodes, Csr::new(self.nodes.0, pairs))))
            }
        });
        Arc::clone(made.as_ref().unwrap_or(self))
    }

    /// About the memory that it takes once both directions are built.
    pub fn bytes(&self) -> u64 {
        let words = 2 * self.out.edges() + self.nodes.0 + self.nodes.1;
        (words * size_of::<u32>()) as u64
    }
}

/// How often a number is in a row that is in order.
pub(crate) fn equal(row: &[u32], wanted: u32) -> u64 {
    let from = row.partition_point(|one| *one < wanted);
    row[from..].iter().take_while(|one| **one == wanted).count() as u64
}

#[cfg(test)]
mod tests;
