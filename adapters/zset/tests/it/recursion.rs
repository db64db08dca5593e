//! Recursion with deletions, against a search from scratch.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use worldstore_core::ErrorKind;
use worldstore_zset::store::{Memory, Mode};
use worldstore_zset::{Builder, Changes, Engine, Input, Output, Time, ZSet};

use super::model::reachable;
use super::support::{Pair, Place, closure};

/// The transitive closure of edges, open on a place.
struct Paths {
    engine: Engine,
    edges: Input<Pair>,
    changes: Output<Pair>,
    paths: ZSet<Pair>,
}

impl Paths {
    fn open(place: &Place, mode: Mode) -> Self {
        let builder = Builder::new();
        let (edges, rows) = builder.input::<Pair>("edges");
        let changes = closure("paths", rows).output("changes");
        let engine = Engine::open(builder.build().unwrap(), place.open(), mode).unwrap();
        Self { engine, edges, changes, paths: ZSet::new() }
    }

    fn step(&mut self, changes: &[(Pair, i64)]) {
        let changes = Changes::new().weigh(&self.edges, changes.iter().copied());
        let deltas = self.engine.step(changes, Time::none()).unwrap();
        deltas.apply(&self.changes, &mut self.paths).unwrap();
    }

    fn assert_paths(&self, edges: &BTreeSet<Pair>) {
        assert_eq!(self.paths, ZSet::from_rows(reachable(edges)).unwrap(), "edges: {edges:?}");
    }
}

fn in_memory() -> Paths {
    Paths::open(&Place::Memory(Memory::new()), Mode::CreateTables)
}

#[test]
fn a_cycle_that_loses_its_only_support_goes_away() {
    let mut paths = in_memory();
    // 0 leads into the cycle 1, 2, 3; the pairs from 0 support each other around the cycle.
    let edges = [(0, 1), (1, 2), (2, 3), (3, 1)];
    paths.step(&edges.map(|edge| (edge, 1)));
    assert_eq!(paths.paths.len(), 12);
    paths.step(&[((0, 1), -1)]);
    paths.assert_paths(&BTreeSet::from([(1, 2), (2, 3), (3, 1)]));
    paths.step(&[((2, 3), -1)]);
    paths.assert_paths(&BTreeSet::from([(1, 2), (3, 1)]));
    paths.step(&[((2, 3), 1), ((0, 3), 1)]);
    paths.assert_paths(&BTreeSet::from([(1, 2), (2, 3), (3, 1), (0, 3)]));
    paths.step(&[((1, 2), -1), ((2, 3), -1), ((3, 1), -1), ((0, 3), -1)]);
    assert!(paths.paths.is_empty());
}

#[test]
fn a_row_with_two_derivations_loses_one_and_stays() {
    let mut paths = in_memory();
    paths.step(&[(0, 1), (1, 3), (0, 2), (2, 3), (3, 4)].map(|edge| (edge, 1)));
    paths.step(&[((1, 3), -1)]);
    paths.assert_paths(&BTreeSet::from([(0, 1), (0, 2), (2, 3), (3, 4)]));
}

#[test]
fn a_shorter_way_comes_and_goes() {
    let mut paths = in_memory();
    let mut edges: BTreeSet<Pair> = (0..20).map(|node| (node, node + 1)).collect();
    paths.step(&edges.iter().map(|edge| (*edge, 1)).collect::<Vec<_>>());
    // With the shortcut rows come in earlier iterations; without it in the old ones again.
    paths.step(&[((0, 15), 1)]);
    paths.step(&[((0, 15), -1), ((7, 8), -1)]);
    edges.remove(&(7, 8));
    paths.assert_paths(&edges);
}

/// Swaps of edges: each step removes some that are there and adds some that are not.
fn run(nodes: i64, steps: &[Vec<Pair>], reopen_every: usize, place: &Place) {
    let mut paths = Paths::open(place, Mode::CreateTables);
    let mut edges = BTreeSet::new();
    for (index, toggled) in steps.iter().enumerate() {
        let toggled: BTreeSet<Pair> = toggled.iter().map(|(from, to)| (from % nodes, to % nodes)).collect();
        let change = |edge: &Pair| (*edge, if edges.contains(edge) { -1 } else { 1 });
        let changes: Vec<_> = toggled.iter().map(change).collect();
        for (edge, weight) in &changes {
            if *weight > 0 {
                edges.insert(*edge)
            } else {
                edges.remove(edge)
            };
        }
        paths.step(&changes);
        paths.assert_paths(&edges);
        if index % reopen_every == reopen_every - 1 {
            let so_far = std::mem::take(&mut paths.paths);
            drop(paths);
            paths = Paths::open(place, Mode::Open);
            paths.paths = so_far;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn random_graphs_with_deletions(nodes in 2..9_i64, steps in vec(vec((0..9_i64, 0..9_i64), 1..6), 1..16)) {
        run(nodes, &steps, 3, &Place::Memory(Memory::new()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn random_graphs_on_every_store(steps in vec(vec((0..6_i64, 0..6_i64), 1..6), 1..8)) {
        Place::all().iter().for_each(|place| run(6, &steps, 2, place));
    }

    #[test]
    fn larger_graphs_with_deletions(steps in vec(vec((0..25_i64, 0..25_i64), 1..12), 10..20)) {
        run(25, &steps, 7, &Place::Memory(Memory::new()));
    }
}

#[test]
fn a_recursion_without_an_end_fails_the_step_and_leaves_nothing() {
    let builder = Builder::new();
    let (numbers, rows) = builder.input::<i64>("numbers");
    let endless = builder.recursive::<i64>("endless", |scope, known| {
        scope.limit(50);
        known.map("next", |number| number + 1).add("all", scope.import("first", rows))
    });
    let found = endless.cache("found");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    let error = engine.insert(&numbers, [1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("operator: endless"), "{error}");
    assert!(engine.read(&found).unwrap().all().unwrap().is_empty());
}

#[test]
fn semi_joins_and_sets_work_inside() {
    // Reachable from a root over open nodes only.
    let builder = Builder::new();
    let (edges_in, edges) = builder.input::<Pair>("edges");
    let (open_in, open) = builder.input::<i64>("open");
    let (roots_in, roots) = builder.input::<i64>("roots");
    let reached = builder.recursive::<i64>("reached", |scope, reached| {
        let edges = scope.import("edges_in", edges);
        let next = reached.join("next", edges, |node| *node, |edge| edge.0, |_, edge| edge.1);
        let all = next.add("all", scope.import("roots_in", roots)).distinct("once");
        all.semi_join("if_open", scope.import("open_in", open), |node| *node, |node| *node)
    });
    let changes = reached.output("changes");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    let first = Changes::new().insert(&edges_in, [(1, 2), (2, 3), (3, 1), (3, 4)]).insert(&open_in, [1, 2, 3, 4]);
    let deltas = engine.step(first.insert(&roots_in, [1]), Time::none()).unwrap();
    assert_eq!(deltas.get(&changes).unwrap(), [(1, 1), (2, 1), (3, 1), (4, 1)]);
    let deltas = engine.remove(&open_in, [2]).unwrap();
    assert_eq!(deltas.get(&changes).unwrap(), [(2, -1), (3, -1), (4, -1)]);
    let deltas = engine.step(Changes::new().insert(&roots_in, [3]).insert(&open_in, [2]), Time::none()).unwrap();
    assert_eq!(deltas.get(&changes).unwrap(), [(2, 1), (3, 1), (4, 1)]);
    let deltas = engine.remove(&roots_in, [1]).unwrap();
    assert_eq!(deltas.get(&changes).unwrap(), []);
    let deltas = engine.remove(&roots_in, [3]).unwrap();
    assert_eq!(deltas.get(&changes).unwrap(), [(1, -1), (2, -1), (3, -1), (4, -1)]);
}
