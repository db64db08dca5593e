//! Within one `MATCH`, two relationships are never the same one. Of all ways in which a motif fits, those in which lines of
//! a group are one edge are taken away again, by inclusion and exclusion over the ways to put lines together (the Möbius
//! function of set partitions).

use std::collections::BTreeSet;

use super::count;
use super::motif::{Line, Motif, product};
use crate::stop::Stop;

/// Motifs that are counted for one query at most: five lines of one group have 52 partitions, six have 203.
const PARTITIONS_MAX: usize = 256;

/// As [`count::ways`], where lines of a group are different edges. None if that is not counted here.
pub(super) fn ways(motif: &Motif, root: usize, stop: &Stop) -> Option<Counted> {
    let mut sums = vec![0_i128; motif.nodes[root].count];
    let mut is_exact = true;
    for blocks in partitions(&motif.lines)? {
        let (merged, root) = merge(motif, &blocks, root);
        let sign: i128 = blocks.iter().map(|block| sign(block.len())).product();
        for (sum, ways) in sums.iter_mut().zip(count::ways(&merged, root, stop)?) {
            is_exact &= ways < u64::MAX;
            *sum += sign * i128::from(ways);
        }
    }
    let total: i128 = sums.iter().sum();
    let ways = sums.iter().map(|sum| i64::try_from(*sum).unwrap_or(i64::MAX));
    Some(Counted { ways: ways.collect(), total: i64::try_from(total).ok().filter(|_| is_exact) })
}

/// What was counted.
#[derive(Debug)]
pub(crate) struct Counted {
    /// By node of the root.
    pub ways: Vec<i64>,
    /// All of them; none if they are too many for a number.
    pub total: Option<i64>,
}

/// `(-1)^(n-1) (n-1)!`
fn sign(lines: usize) -> i128 {
    (1..lines as i128).map(|number| -number).product()
}

/// All ways to put lines of the same group together; none if they are too many.
fn partitions(lines: &[Line]) -> Option<Vec<Vec<Vec<usize>>>> {
    let mut all: Vec<Vec<Vec<usize>>> = vec![Vec::new()];
    for (place, line) in lines.iter().enumerate() {
        let mut longer = Vec::new();
        for blocks in all {
            for (number, block) in blocks.iter().enumerate() {
                if line.group.is_some() && lines[block[0]].group == line.group {
                    let mut joined = blocks.clone();
                    joined[number].push(place);
                    longer.push(joined);
                }
            }
            longer.push(blocks.into_iter().chain([vec![place]]).collect());
        }
        all = longer;
        if all.len() > PARTITIONS_MAX {
            return None;
        }
    }
    Some(all)
}

/// The motif in which each block is one line, and where its root is.
fn merge(motif: &Motif, blocks: &[Vec<usize>], root: usize) -> (Motif, usize) {
    let mut same: Vec<usize> = (0..motif.nodes.len()).collect();
    for block in blocks {
        let first = &motif.lines[block[0]];
        for line in block.iter().map(|place| &motif.lines[*place]) {
            for (one, other) in [(first.from, line.from), (first.to, line.to)] {
                let (one, other) = (same[one], same[other]);
                same.iter_mut().filter(|node| **node == other).for_each(|node| *node = one);
            }
        }
    }
    let kept: Vec<usize> = same.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let place = |node: usize| kept.iter().position(|kept| *kept == same[node]).unwrap_or(0);
    let nodes = kept.iter().map(|kept| {
        let members = motif.nodes.iter().zip(&same).filter(|(_, same)| *same == kept).map(|(node, _)| node.clone());
        members.reduce(|mut one, other| {
            one.weights = product(&one.weights, &other.weights);
            one
        })
    });
    let lines = blocks.iter().map(|block| {
        let first = &motif.lines[block[0]];
        let no_loops = block.iter().any(|line| motif.lines[*line].no_loops);
        Line { from: place(first.from), to: place(first.to), no_loops, ..first.clone() }
    });
    (Motif { nodes: nodes.flatten().collect(), lines: lines.collect() }, place(root))
}

#[cfg(test)]
mod tests;
