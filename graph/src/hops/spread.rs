//! Breadth first: from many nodes at once, one bit of a word for each; from both ends, if there is one of each; and with the
//! number of shortest paths.

use crate::adjacency::Csr;
use crate::stop::Stop;

/// Nodes that are started from at once.
pub(super) const LANES: usize = 64;

/// Where edges lead: along them, against them, or both. Once it is asked to stop, nowhere: what is found then is of no use.
pub(super) struct Steps<'edges> {
    pub edges: Vec<&'edges Csr>,
    pub stop: &'edges Stop,
}

impl Steps<'_> {
    fn of(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let edges = if self.stop.is_asked() { &[] } else { self.edges.as_slice() };
        edges.iter().flat_map(move |csr| csr.of(node as usize)).copied()
    }
}

/// Visits all nodes from up to [`LANES`] starts: `reach` is told a node, the starts that reach it first with so many steps
/// (one bit each), and how many these are. It says whether to go on.
pub(super) fn reach(
    steps: &Steps<'_>,
    nodes: usize,
    starts: &[u32],
    steps_max: u64,
    mut reached: impl FnMut(u32, u64, u64) -> bool,
) {
    let (mut seen, mut here, mut next) = (vec![0_u64; nodes], vec![0_u64; nodes], vec![0_u64; nodes]);
    let mut front = Vec::new();
    for (lane, start) in starts.iter().enumerate() {
        seen[*start as usize] |= 1 << lane;
        here[*start as usize] |= 1 << lane;
        front.push(*start);
    }
    let mut depth = 0;
    while !front.is_empty() && depth < steps_max {
        depth += 1;
        let mut new = Vec::new();
        for node in front {
            let lanes = std::mem::take(&mut here[node as usize]);
            for other in steps.of(node) {
                let lanes = lanes & !seen[other as usize];
                if lanes != 0 {
                    if next[other as usize] == 0 {
                        new.push(other);
                    }
                    next[other as usize] |= lanes;
                }
            }
        }
        for node in &new {
            let lanes = next[*node as usize];
            seen[*node as usize] |= lanes;
            if !reached(*node, lanes, depth) {
                return;
            }
        }
        std::mem::swap(&mut here, &mut next);
        front = new;
    }
}

/// All nodes that some start reaches in from `1` to `steps_max` steps, each once; a start is one if a way leads back to it.
pub(super) fn closure(steps: &Steps<'_>, nodes: usize, starts: &[u32], steps_max: u64) -> Vec<u32> {
    let (mut seen, mut found, mut depth) = (vec![false; nodes], Vec::new(), 0);
    let mut front = starts.to_vec();
    while !front.is_empty() && depth < steps_max {
        depth += 1;
        let before = found.len();
        for node in front {
            for other in steps.of(node) {
                if !std::mem::replace(&mut seen[other as usize], true) {
                    found.push(other);
                }
            }
        }
        front = found[before..].to_vec();
    }
    found
}

/// The number of shortest paths from one node to each other one that it reaches: `reached` is told the node, how many paths
/// and how long they are; a number that is too large is the greatest one.
pub(super) fn paths(
    steps: &Steps<'_>,
    nodes: usize,
    start: u32,
    steps_max: u64,
    mut reached: impl FnMut(u32, u64, u64) -> bool,
) {
    let (mut depths, mut counts) = (vec![u64::MAX; nodes], vec![0_u64; nodes]);
    (depths[start as usize], counts[start as usize]) = (0, 1);
    let (mut front, mut depth) = (vec![start], 0);
    while !front.is_empty() && depth < steps_max {
        depth += 1;
        let mut new = Vec::new();
        for node in front {
            let count = counts[node as usize];
            for other in steps.of(node) {
                let place = other as usize;
                if depths[place] == u64::MAX {
                    depths[place] = depth;
                    new.push(other);
                }
                if depths[place] == depth {
                    counts[place] = counts[place].saturating_add(count);
                }
            }
        }
        for node in &new {
            if !reached(*node, counts[*node as usize], depth) {
                return;
            }
        }
        front = new;
    }
}

/// The length of the shortest path from one node to another one, from both ends; none if there is none so short.
pub(super) fn distance(
    (along, against): (&Steps<'_>, &Steps<'_>),
    nodes: usize,
    (start, end): (u32, u32),
    steps_max: u64,
) -> Option<u64> {
    const UNSEEN: u32 = u32::MAX;
    let mut sides = [
        Side { steps: along, depths: vec![UNSEEN; nodes], front: vec![start], depth: 0 },
        Side { steps: against, depths: vec![UNSEEN; nodes], front: vec![end], depth: 0 },
    ];
    sides[0].depths[start as usize] = 0;
    sides[1].depths[end as usize] = 0;
    loop {
        let [one, other] = &mut sides;
        if u64::from(one.depth) + u64::from(other.depth) >= steps_max {
            return None;
        }
        let (near, far) = if one.front.len() <= other.front.len() { (one, other) } else { (other, one) };
        if near.front.is_empty() {
            return None;
        }
        near.depth += 1;
        let (mut met, mut new) = (None::<u32>, Vec::new());
        for node in std::mem::take(&mut near.front) {
            for next in near.steps.of(node) {
                let depth = &mut near.depths[next as usize];
                if *depth == UNSEEN {
                    *depth = near.depth;
                    new.push(next);
                    let rest = far.depths[next as usize];
                    if rest != UNSEEN {
                        let length = near.depth + rest;
                        met = Some(met.map_or(length, |before| before.min(length)));
                    }
                }
            }
        }
        near.front = new;
        if let Some(length) = met {
            return Some(u64::from(length));
        }
    }
}

/// One end of a search from both.
struct Side<'steps, 'edges> {
    steps: &'steps Steps<'edges>,
    depths: Vec<u32>,
    front: Vec<u32>,
    depth: u32,
}
