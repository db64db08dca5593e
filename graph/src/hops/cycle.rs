//! Motifs that are one cycle: from each node of the root, walks go out along both arms, and are counted where they meet.

use std::sync::Arc;

use super::motif::{Line, Motif, Weights};
use super::parallel::by_node;
use crate::adjacency::{Adjacency, Csr, equal};
use crate::stop::Stop;

/// Looking a number up in a row costs so much more than looking at the next one of a row.
const SEARCH_COST: usize = 8;

/// A cycle: nodes in order from the root, and the edges from each to the next, the last ones back to the root.
struct Cycle {
    nodes: Vec<usize>,
    edges: Vec<(Arc<Adjacency>, bool)>,
}

/// As [`count::ways`](super::count::ways), for a motif whose lines are one cycle through the root.
pub(super) fn ways(motif: &Motif, root: usize, stop: &Stop) -> Option<Vec<u64>> {
    let cycle = cycle(motif, root)?;
    let steps: Vec<&Csr> = cycle.edges.iter().map(|(edges, is_forward)| edges.towards(*is_forward)).collect();
    let (last, is_forward) = cycle.edges.last()?;
    let back = last.towards(!*is_forward);
    let weights: Vec<&Weights> = cycle.nodes.iter().map(|node| &motif.nodes[*node].weights).collect();
    let size = motif.nodes.iter().map(|node| node.count).max().unwrap_or(0);
    let walk = Walk { steps: &steps[..steps.len() - 1], back, weights: &weights };
    let edges: usize = steps.iter().map(|step| step.edges()).sum();
    Some(by_node(
        motif.nodes[root].count,
        edges,
        stop,
        || Scratch::new(size),
        |nodes, places, scratch| {
            for (node, place) in nodes.zip(places).take_while(|_| !stop.is_asked()) {
                *place = walk.from(node, scratch);
            }
        },
    ))
}

/// The lines in order; none if they are not one cycle.
fn cycle(motif: &Motif, root: usize) -> Option<Cycle> {
    let mut left: Vec<&Line> = motif.lines.iter().collect();
    let mut cycle = Cycle { nodes: vec![root], edges: Vec::new() };
    let mut here = root;
    loop {
        let place = left.iter().position(|line| line.touches(here))?;
        let line = left.remove(place);
        cycle.edges.push((line.fitting(), line.from == here));
        here = line.other(here);
        if here == root {
            return left.is_empty().then_some(cycle);
        }
        if cycle.nodes.contains(&here) {
            return None;
        }
        cycle.nodes.push(here);
    }
}

struct Walk<'motif> {
    /// From each node of the cycle to the next, without the way back to the root.
    steps: &'motif [&'motif Csr],
    /// From the root to the last node.
    back: &'motif Csr,
    weights: &'motif [&'motif Weights],
}

impl Walk<'_> {
    /// The ways with one node as the root.
    fn from(&self, root: usize, scratch: &mut Scratch) -> u64 {
        let own = weight(self.weights[0], root);
        let (out, back) = (self.steps.first().map_or(&[][..], |step| step.of(root)), self.back.of(root));
        if own == 0 || out.is_empty() || back.is_empty() {
            return 0;
        }
        scratch.mark(back);
        scratch.set(out, self.weights[1]);
        let (middle, meeting) = (self.steps.len().saturating_sub(1), self.weights.len() - 1);
        let mut sum = 0_u64;
        if middle == 0 {
            // Two nodes: the arms meet at once, and the weights are in already.
            for (node, count) in scratch.take() {
                sum = sum.saturating_add(count.saturating_mul(scratch.marks(node)));
            }
        } else {
            for (step, weights) in self.steps[1..middle].iter().zip(&self.weights[2..]) {
                scratch.advance(step, weights);
            }
            for (node, count) in scratch.take() {
                let met = meet(self.steps[middle].of(node as usize), back, scratch, self.weights[meeting]);
                sum = sum.saturating_add(count.saturating_mul(met));
            }
        }
        scratch.unmark(back);
        own.saturating_mul(sum)
    }
}

/// The sum of weights of nodes that are in both rows, of which the second is marked.
fn meet(row: &[u32], marked: &[u32], scratch: &Scratch, weights: &Weights) -> u64 {
    let mut sum = 0_u64;
    if row.len() > marked.len().saturating_mul(SEARCH_COST) {
        for node in marked {
            let times = equal(row, *node);
            if times > 0 {
                sum = sum.saturating_add(times.saturating_mul(weight(weights, *node as usize)));
            }
        }
        return sum;
    }
    for node in row {
        if scratch.is_marked(*node) {
            sum = sum.saturating_add(scratch.marks(*node).saturating_mul(weight(weights, *node as usize)));
        }
    }
    sum
}

fn weight(weights: &Weights, node: usize) -> u64 {
    weights.as_ref().map_or(1, |weights| weights[node])
}

/// What a thread needs to walk from one node.
struct Scratch {
    /// One bit for each node, which is looked at first: it stays in the nearest cache.
    bits: Vec<u64>,
    marks: Vec<u32>,
    /// How often the end of the walk so far is at each node, and at which.
    counts: Vec<u64>,
    front: Vec<u32>,
}

impl Scratch {
    fn new(nodes: usize) -> Self {
        Self { bits: vec![0; nodes.div_ceil(64)], marks: vec![0; nodes], counts: vec![0; nodes], front: Vec::new() }
    }

    fn mark(&mut self, row: &[u32]) {
        for node in row {
            self.bits[*node as usize / 64] |= 1 << (node % 64);
            self.marks[*node as usize] += 1;
        }
    }

    fn unmark(&mut self, row: &[u32]) {
        for node in row {
            self.bits[*node as usize / 64] = 0;
            self.marks[*node as usize] = 0;
        }
    }

    fn is_marked(&self, node: u32) -> bool {
        self.bits[node as usize / 64] >> (node % 64) & 1 == 1
    }

    fn marks(&self, node: u32) -> u64 {
        u64::from(self.marks[node as usize])
    }

    fn set(&mut self, row: &[u32], weights: &Weights) {
        for node in row {
            self.add(*node, weight(weights, *node as usize));
        }
    }

    fn add(&mut self, node: u32, count: u64) {
        if count == 0 {
            return;
        }
        let place = &mut self.counts[node as usize];
        if *place == 0 {
            self.front.push(node);
        }
        *place = place.saturating_add(count);
    }

    /// One step further.
    fn advance(&mut self, step: &Csr, weights: &Weights) {
        for (node, count) in self.take() {
            for next in step.of(node as usize) {
                self.add(*next, count.saturating_mul(weight(weights, *next as usize)));
            }
        }
    }

    /// The ends of the walk so far, which are forgotten.
    fn take(&mut self) -> Vec<(u32, u64)> {
        let front = std::mem::take(&mut self.front);
        front.into_iter().map(|node| (node, std::mem::take(&mut self.counts[node as usize]))).collect()
    }
}
