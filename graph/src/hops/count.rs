//! In how many ways a motif fits, without making any of them: what hangs on a node is summed up into a weight of the node,
//! leaf by leaf, until the root is left. What does not come apart into leaves is one cycle, which is walked.
//!
//! Here two lines may be the same edge; see [`distinct`](super::distinct) for when they may not.

use std::sync::Arc;

use super::cycle;
use super::motif::{Line, Motif, Weights, product};
use super::parallel::by_node;
use crate::adjacency::Csr;
use crate::stop::Stop;

/// For each node of the root's label, the ways in which the motif fits with it there; [`u64::MAX`] if they are too many
/// for a number. None if the motif has more than one cycle.
pub(super) fn ways(motif: &Motif, root: usize, stop: &Stop) -> Option<Vec<u64>> {
    let mut work = Work { motif: motif.clone(), stop };
    if !work.close_loops() {
        return Some(vec![0; motif.nodes[root].count]);
    }
    work.peel(root);
    work.solve(root)?;
    let root = &work.motif.nodes[root];
    Some(root.weights.as_ref().map_or_else(|| vec![1; root.count], |weights| weights.to_vec()))
}

/// What is left of the motif.
struct Work<'stop> {
    motif: Motif,
    stop: &'stop Stop,
}

impl Work<'_> {
    /// Lines from a node to itself become weights of it; false if there is no such edge.
    fn close_loops(&mut self) -> bool {
        while let Some(place) = self.motif.lines.iter().position(|line| line.from == line.to) {
            let line = self.motif.lines.swap_remove(place);
            let edges = line.fitting();
            if edges.loops().is_empty() {
                return false;
            }
            let node = &mut self.motif.nodes[line.from];
            let mut counts = vec![0; node.count];
            edges.loops().iter().for_each(|(node, count)| counts[*node as usize] = *count);
            node.weights = product(&node.weights, &Some(Arc::new(counts)));
        }
        true
    }

    /// Takes leaves away, but for the root.
    fn peel(&mut self, root: usize) {
        let leaf = |motif: &Motif| (0..motif.nodes.len()).find(|node| *node != root && motif.degree(*node) == 1);
        while let Some(leaf) = leaf(&self.motif) {
            self.fold(leaf);
        }
    }

    /// Sums a leaf up into a weight of the node that it hangs on.
    fn fold(&mut self, leaf: usize) {
        let Some(place) = self.motif.lines.iter().position(|line| line.touches(leaf)) else { return };
        let line = self.motif.lines.swap_remove(place);
        let (edges, near) = (line.fitting(), line.other(leaf));
        let (leaf, own) = (&self.motif.nodes[leaf].weights, &self.motif.nodes[near].weights);
        let sums = sums(Line::seen_from(&edges, &line, near), leaf, own, self.stop);
        self.motif.nodes[near].weights = Some(Arc::new(sums));
    }

    /// What is left: the root alone, a cycle through it, or a path from it to one.
    fn solve(&mut self, root: usize) -> Option<()> {
        match self.motif.degree(root) {
            0 => Some(()),
            1 => {
                let place = self.motif.lines.iter().position(|line| line.touches(root))?;
                let line = self.motif.lines.remove(place);
                let next = line.other(root);
                // The rest hangs on the next node as a whole.
                self.solve(next)?;
                self.motif.lines.push(line);
                self.fold(next);
                Some(())
            }
            _ => {
                let ways = cycle::ways(&self.motif, root, self.stop)?;
                self.motif.lines.clear();
                self.motif.nodes[root].weights = Some(Arc::new(ways));
                Some(())
            }
        }
    }
}

/// For each node, its own weight times the sum of its neighbours'.
fn sums(csr: &Csr, leaf: &Weights, own: &Weights, stop: &Stop) -> Vec<u64> {
    let weight = |node: usize| own.as_ref().map_or(1, |weights| weights[node]);
    let Some(leaf) = leaf else {
        return (0..csr.nodes()).map(|node| weight(node).saturating_mul(csr.degree(node))).collect();
    };
    by_node(
        csr.nodes(),
        csr.edges(),
        stop,
        || (),
        |nodes, places, ()| {
            for (node, place) in nodes.zip(places) {
                let weight = weight(node);
                if weight > 0 {
                    let sum = csr.of(node).iter().fold(0_u64, |sum, other| sum.saturating_add(leaf[*other as usize]));
                    *place = weight.saturating_mul(sum);
                }
            }
        },
    )
}
