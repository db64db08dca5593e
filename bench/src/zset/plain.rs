//! The queries in the plainest way, for comparison.

use std::collections::{BTreeMap, HashMap};

use super::view::{View, day, path, view};
use super::work::{Scenario, Work};

/// What every view must hold in the end.
pub fn result(work: &Work) -> View {
    let mut tables: [HashMap<[i64; 3], i64>; 2] = Default::default();
    for (table, row, weight) in work.load.iter().chain(&work.steps).flatten() {
        if let Some(rows) = tables.get_mut(usize::from(*table)) {
            *rows.entry(*row).or_default() += weight;
        }
    }
    let [first, second] = tables;
    let second: HashMap<i64, i64> = second.into_keys().map(|[key, value, _]| (key, value)).collect();
    let other = |key: i64| second.get(&key).copied().unwrap_or(0);
    if work.scenario == Scenario::Closure {
        return view(closure(first.into_iter().filter(|(_, weight)| *weight > 0).map(|([from, to, _], _)| (from, to))));
    }
    let mut sums: HashMap<i64, i64> = HashMap::new();
    for ([a, b, c], weight) in first {
        let (key, amount) = match work.scenario {
            Scenario::Receipts => (a, c * other(b)),
            _ => (day(other(a), b), c),
        };
        *sums.entry(key).or_default() += amount * weight;
    }
    view(sums)
}

fn closure(edges: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut next: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    edges.for_each(|(from, to)| next.entry(from).or_default().push(to));
    let mut paths = Vec::new();
    for from in next.keys() {
        let (mut open, mut seen) = (vec![*from], std::collections::BTreeSet::new());
        while let Some(node) = open.pop() {
            for to in next.get(&node).into_iter().flatten().filter(|to| seen.insert(**to)) {
                open.push(*to);
            }
        }
        paths.extend(seen.into_iter().map(|to| (path(*from, to), 1)));
    }
    paths
}
