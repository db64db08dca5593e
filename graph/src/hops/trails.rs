//! Runs of relationships of variable length that are all counted: trails, in which no relationship is repeated, and walks,
//! in which any may be.

use std::sync::Arc;

use super::motif::Weights;
use super::parallel::{by_node, each};
use crate::adjacency::Csr;
use crate::stop::Stop;

/// How many runs end where: for each length, by node; one entry for all nodes if it does not matter where.
pub(super) type Runs = Vec<Vec<u64>>;

/// What is counted.
pub(super) struct Asked<'edges> {
    pub csr: &'edges Csr,
    /// Relationships at least and at most.
    pub lengths: (usize, usize),
    /// Nodes at which a run may end.
    pub ends: Weights,
    /// True if it matters where a run ends.
    pub by_end: bool,
    /// Once it asks, the counts are of no use.
    pub stop: &'edges Stop,
}

impl Asked<'_> {
    fn may_end(&self, node: u32) -> bool {
        self.ends.as_ref().is_none_or(|ends| ends[node as usize] > 0)
    }

    fn empty(&self) -> Runs {
        let places = if self.by_end { self.csr.nodes() } else { 1 };
        vec![vec![0; places]; self.lengths.1 + 1]
    }

    fn start(&self, starts: &[u32], runs: &mut Runs) {
        if self.lengths.0 == 0 {
            for start in starts.iter().filter(|start| self.may_end(**start)) {
                runs[0][if self.by_end { *start as usize } else { 0 }] += 1;
            }
        }
    }

    /// Trails from any of the starts.
    pub fn trails(&self, starts: &[u32]) -> Runs {
        let firsts: Vec<usize> = starts.iter().flat_map(|start| self.csr.range(*start as usize)).collect();
        let all = each(
            firsts.len(),
            self.stop,
            || Trail { asked: self, used: Vec::new(), runs: self.empty() },
            |place, trail| {
                trail.follow(firsts[place], 1);
            },
        );
        let mut runs = self.empty();
        self.start(starts, &mut runs);
        for trail in all {
            for (sums, counts) in runs.iter_mut().zip(trail.runs) {
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_add(count));
            }
        }
        runs
    }

    /// Walks from any of the starts. `against` has the same edges by their other end.
    pub fn walks(&self, starts: &[u32], against: &Csr) -> Runs {
        let mut runs = self.empty();
        self.start(starts, &mut runs);
        let mut here = vec![0_u64; self.csr.nodes()];
        starts.iter().for_each(|start| here[*start as usize] += 1);
        for (length, sums) in runs.iter_mut().enumerate().skip(1).take_while(|_| !self.stop.is_asked()) {
            let before = Arc::new(here);
            here = by_node(
                against.nodes(),
                against.edges(),
                self.stop,
                || (),
                |nodes, places, ()| {
                    for (node, place) in nodes.zip(places) {
                        *place =
                            against.of(node).iter().fold(0, |sum, other| sum.saturating_add(before[*other as usize]));
                    }
                },
            );
            if length >= self.lengths.0 {
                for (node, count) in (0..).zip(&here).filter(|(node, _)| self.may_end(*node)) {
                    let sum = &mut sums[if self.by_end { node as usize } else { 0 }];
                    *sum = sum.saturating_add(*count);
                }
            }
        }
        runs
    }
}

/// A trail on its way.
struct Trail<'asked, 'edges> {
    asked: &'asked Asked<'edges>,
    used: Vec<usize>,
    runs: Runs,
}

impl Trail<'_, '_> {
    /// Goes over an edge, the one of this number.
    fn follow(&mut self, edge: usize, length: usize) {
        let (least, most) = self.asked.lengths;
        let node = self.asked.csr.neighbour(edge);
        if length >= least && self.asked.may_end(node) {
            self.runs[length][if self.asked.by_end { node as usize } else { 0 }] += 1;
        }
        if length >= most {
            return;
        }
        let edges = self.asked.csr.range(node as usize);
        self.used.push(edge);
        if length + 1 == most && !self.asked.by_end && self.asked.ends.is_none() {
            // It does not matter where the last one leads, only that it is a new one.
            let used = self.used.iter().filter(|used| edges.contains(used)).count();
            if most >= least {
                self.runs[most][0] += (edges.len() - used) as u64;
            }
        } else {
            for next in edges {
                if !self.used.contains(&next) && !self.asked.stop.is_asked() {
                    self.follow(next, length + 1);
                }
            }
        }
        self.used.pop();
    }
}
