//! Relationships that must differ, told apart by inclusion and exclusion.

use std::sync::Arc;

use super::{Line, Motif, sign, ways};
use crate::adjacency::Adjacency;
use crate::hops::motif::Spot;
use crate::stop::Stop;

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Counts by trying every choice of edges: for each node of the root.
fn naive(motif: &Motif, edges: &[Vec<(usize, usize)>], root: usize) -> Vec<i64> {
    let mut counts = vec![0; motif.nodes[root].count];
    let mut chosen = Vec::new();
    choose(motif, edges, root, &mut chosen, &mut counts);
    counts
}

fn choose(motif: &Motif, edges: &[Vec<(usize, usize)>], root: usize, chosen: &mut Vec<usize>, counts: &mut [i64]) {
    let Some(line) = motif.lines.get(chosen.len()) else {
        let mut bound = vec![None; motif.nodes.len()];
        for ((line, edges), edge) in motif.lines.iter().zip(edges).zip(&*chosen) {
            for (node, value) in [(line.from, edges[*edge].0), (line.to, edges[*edge].1)] {
                if *bound[node].get_or_insert(value) != value {
                    return;
                }
            }
        }
        let weight = |(node, value): (usize, &Option<usize>)| match &motif.nodes[node].weights {
            Some(weights) => weights[value.unwrap()] as i64,
            None => 1,
        };
        counts[bound[root].unwrap()] += bound.iter().enumerate().map(weight).product::<i64>();
        return;
    };
    for edge in 0..edges[chosen.len()].len() {
        let is_same = |(place, other): (usize, &usize)| {
            line.group.is_some() && motif.lines[place].group == line.group && *other == edge
        };
        let (start, end) = edges[chosen.len()][edge];
        if chosen.iter().enumerate().any(is_same) || (line.no_loops && start == end) {
            continue;
        }
        chosen.push(edge);
        choose(motif, edges, root, chosen, counts);
        chosen.pop();
    }
}

/// Shapes as the ends of their lines.
const SHAPES: [&[(usize, usize)]; 14] = [
    &[(0, 1)],
    &[(0, 0)],
    &[(0, 1), (1, 2)],
    &[(0, 1), (2, 1)],
    &[(0, 1), (1, 0)],
    &[(0, 1), (0, 1)],
    &[(0, 1), (1, 2), (2, 3)],
    &[(0, 1), (0, 2), (0, 3)],
    &[(0, 1), (1, 2), (2, 0)],
    &[(0, 1), (2, 1), (2, 0)],
    &[(0, 1), (1, 2), (2, 0), (2, 3)],
    &[(0, 1), (1, 2), (2, 3), (3, 0)],
    &[(0, 1), (1, 1), (1, 2)],
    &[(3, 0), (0, 1), (1, 2), (2, 0)],
];

#[test]
fn every_shape_is_counted_as_by_trying_all() {
    let mut dice = Dice(0x1234_5678_9abc_def1);
    let mut counted = 0;
    for round in 0..40 {
        let nodes = 2 + dice.roll(4) as usize;
        let edges: Vec<(usize, usize)> = (0..1 + dice.roll(7))
            .map(|_| (dice.roll(nodes as u64) as usize, dice.roll(nodes as u64) as usize))
            .collect();
        let (starts, ends): (Vec<u32>, Vec<u32>) =
            edges.iter().map(|(start, end)| (*start as u32, *end as u32)).unzip();
        let adjacency = Arc::new(Adjacency::new((nodes, nodes), &starts, &ends));
        for shape in SHAPES {
            let groups = dice.roll(3);
            let line = |(place, (from, to)): (usize, &(usize, usize))| Line {
                from: *from,
                to: *to,
                edges: Arc::clone(&adjacency),
                group: (groups > 0).then_some(if groups == 1 { 0 } else { place % 2 }),
                no_loops: (round + place) % 5 == 4,
            };
            let lines: Vec<Line> = shape.iter().enumerate().map(line).collect();
            let spots = 1 + shape.iter().map(|(from, to)| *from.max(to)).max().unwrap();
            let spot = |_| {
                let mut weights = || Some(Arc::new((0..nodes).map(|_| dice.roll(3)).collect()));
                Spot { count: nodes, weights: if round % 2 == 0 { None } else { weights() } }
            };
            let mut spot = spot;
            let motif = Motif { nodes: (0..spots).map(&mut spot).collect(), lines };
            let each = vec![edges.clone(); motif.lines.len()];
            for root in 0..spots {
                let expected = naive(&motif, &each, root);
                let Some(found) = ways(&motif, root, &Stop::default()) else { continue };
                counted += 1;
                assert_eq!(found.ways, expected, "shape {shape:?}, root {root}, edges {edges:?}");
                assert_eq!(found.total, Some(expected.iter().sum()));
            }
        }
    }
    // Nearly all of them are counted here; a few merge to two cycles.
    assert!(counted > 40 * 30, "{counted}");
}

#[test]
fn signs_of_blocks() {
    assert_eq!([1, 2, 3, 4].map(sign), [1, -1, 2, -6]);
}

#[test]
fn what_is_too_many_is_told() {
    // 2^16 edges each way between two nodes, a chain of five: 2^80 walks.
    let many = 1 << 16;
    let starts: Vec<u32> = (0..2 * many).map(|edge| (edge / many) as u32).collect();
    let ends: Vec<u32> = (0..2 * many).map(|edge| 1 - (edge / many) as u32).collect();
    let adjacency = Arc::new(Adjacency::new((2, 2), &starts, &ends));
    let line = |from: usize| Line { from, to: from + 1, edges: Arc::clone(&adjacency), group: None, no_loops: false };
    let nodes = vec![Spot { count: 2, weights: None }; 6];
    let found = ways(&Motif { nodes, lines: (0..5).map(line).collect() }, 2, &Stop::default()).unwrap();
    assert_eq!(found.total, None);
}
