//! The operators computed from scratch, in the plainest way.

use std::collections::{BTreeMap, BTreeSet};

use worldstore_zset::{Weight, ZSet};

use super::support::{MISSING, Node, Op, Pair, small};

/// All collections of a circuit: the inputs, then the operators. `None` if weights grow beyond what steps can add up.
pub fn evaluate(nodes: &[Node], inputs: &[ZSet<Pair>; 2]) -> Option<Vec<ZSet<Pair>>> {
    let mut sets = inputs.to_vec();
    for (op, left, right) in nodes {
        let set = ZSet::from_weights(apply(*op, &sets[*left], &sets[*right])).unwrap();
        if set.iter().any(|(row, weight)| weight.abs() > 1_000_000 || row.0.abs() > 1 << 40 || row.1.abs() > 1 << 40) {
            return None;
        }
        sets.push(set);
    }
    Some(sets)
}

type Rows = Vec<(Pair, Weight)>;

fn apply(op: Op, left: &ZSet<Pair>, right: &ZSet<Pair>) -> Rows {
    let rows = || left.iter().map(|(row, weight)| (*row, weight));
    match op {
        Op::Map => rows().map(|(row, weight)| ((small(row.0 + 1), row.1), weight)).collect(),
        Op::FlatMap => {
            rows().flat_map(|(row, weight)| [((row.0, small(row.1)), weight), ((row.1, 0), weight)]).collect()
        }
        Op::Filter => rows().filter(|(row, _)| row.0 != row.1).collect(),
        Op::Neg => rows().map(|(row, weight)| (row, -weight)).collect(),
        Op::Add => rows().chain(right.iter().map(|(row, weight)| (*row, weight))).collect(),
        Op::Minus => rows().chain(right.iter().map(|(row, weight)| (*row, -weight))).collect(),
        Op::Join => join(left, right, false, false),
        Op::LeftJoin => join(left, right, true, false),
        Op::OuterJoin => join(left, right, true, true),
        Op::SemiJoin => rows().filter(|(row, _)| total(right, |other| other.1 == row.0) > 0).collect(),
        Op::AntiJoin => rows().filter(|(row, _)| total(right, |other| other.1 == row.0) <= 0).collect(),
        Op::AsofJoin => rows().map(|(row, weight)| ((row.1, latest(row, right)), weight)).collect(),
        Op::Count => sums(left, |row| row.0, |_| 0, |key, count, _| (key, count)),
        Op::Sum => sums(left, |row| row.0, |row| row.1, |key, _, sum| (key, sum)),
        Op::Average => sums(left, |row| row.0, |row| row.1, |key, count, sum| (key, sum.div_euclid(count))),
        Op::Min => extremes(left, |values| values.first().copied()),
        Op::Max => extremes(left, |values| values.last().copied()),
        Op::Reduce => reduce(left),
        Op::GroupReduce => sums(left, |row| small(row.1), |row| row.0, |_, count, sum| (count, sum)),
        Op::Aggregate => aggregate(left),
        Op::Distinct => rows().filter(|(_, weight)| *weight > 0).map(|(row, _)| (row, 1)).collect(),
        Op::TopK => first(left, 3, |row| row.0, |row| (-row.1, row.0)),
        Op::FirstN => first(left, 4, |_| 0, |row| (-row.1, row.0)),
        Op::Hop => rows().flat_map(|(row, weight)| hops(row).map(move |start| ((start, row.0), weight))).collect(),
        Op::NestedFirst => {
            let first = first(left, 2, |row| row.0 * 10 + small(row.1), |row| (row.1, row.0));
            first.into_iter().map(|(row, weight)| ((row.0, row.1), weight)).collect()
        }
        Op::NestedJoin => nested_join(left, right),
        Op::Closure => closure(left),
    }
}

fn total(set: &ZSet<Pair>, is: impl Fn(&Pair) -> bool) -> Weight {
    set.iter().filter(|(row, _)| is(row)).map(|(_, weight)| weight).sum()
}

fn join(left: &ZSet<Pair>, right: &ZSet<Pair>, lonely_left: bool, lonely_right: bool) -> Rows {
    let mut rows = Rows::new();
    for (l, left_weight) in left.iter() {
        let pairs = right.iter().filter(|(r, _)| r.0 == l.0);
        rows.extend(pairs.map(|(r, right_weight)| ((l.1, r.1), left_weight * right_weight)));
        if lonely_left && total(right, |r| r.0 == l.0) <= 0 {
            rows.push(((l.1, MISSING), left_weight));
        }
    }
    for (r, weight) in right.iter().filter(|_| lonely_right) {
        if total(left, |l| l.0 == r.0) <= 0 {
            rows.push(((MISSING, r.1), weight));
        }
    }
    rows
}

fn latest(row: Pair, right: &ZSet<Pair>) -> i64 {
    let earlier =
        right.iter().filter(|(other, weight)| *weight > 0 && small(other.0) == small(row.0) && other.1 <= row.1);
    earlier.map(|(other, _)| (other.1, *other)).max().map_or(MISSING, |(_, other)| other.1)
}

fn sums(
    set: &ZSet<Pair>,
    by: impl Fn(&Pair) -> i64,
    value: impl Fn(&Pair) -> i64,
    make: impl Fn(i64, i64, i64) -> Pair,
) -> Rows {
    let mut groups = BTreeMap::new();
    for (row, weight) in set.iter() {
        let group: &mut (i64, i64) = groups.entry(by(row)).or_default();
        *group = (group.0 + weight, group.1 + value(row) * weight);
    }
    groups
        .into_iter()
        .filter(|(_, (count, _))| *count != 0)
        .map(|(key, (count, sum))| (make(key, count, sum), 1))
        .collect()
}

fn reduce(set: &ZSet<Pair>) -> Rows {
    let sum = |part: fn(&Pair) -> i64| set.iter().map(|(row, weight)| part(row) * weight).sum();
    let sums = (sum(|row| row.0), sum(|row| row.1));
    if total(set, |_| true) == 0 { Rows::new() } else { vec![(sums, 1)] }
}

fn extremes(set: &ZSet<Pair>, pick: impl Fn(&[i64]) -> Option<i64>) -> Rows {
    let mut groups: BTreeMap<i64, BTreeMap<i64, Weight>> = BTreeMap::new();
    for (row, weight) in set.iter() {
        *groups.entry(row.0).or_default().entry(row.1).or_default() += weight;
    }
    let pick = |(key, values): (i64, BTreeMap<i64, Weight>)| {
        let values: Vec<i64> = values.into_iter().filter(|(_, weight)| *weight > 0).map(|(value, _)| value).collect();
        Some(((key, pick(&values)?), 1))
    };
    groups.into_iter().filter_map(pick).collect()
}

fn aggregate(set: &ZSet<Pair>) -> Rows {
    let mut groups: BTreeMap<i64, Vec<Weight>> = BTreeMap::new();
    set.iter().for_each(|(row, weight)| groups.entry(row.0).or_default().push(weight));
    let made = groups.into_iter().flat_map(|(key, weights)| {
        let most = weights.iter().copied().max().unwrap_or(0);
        [((key, small(most)), 1), ((small(weights.len() as i64), MISSING), 1)]
    });
    made.collect()
}

fn first(set: &ZSet<Pair>, count: i64, by: impl Fn(&Pair) -> i64, order: impl Fn(&Pair) -> Pair) -> Rows {
    let mut rows: Vec<(Pair, Weight)> =
        set.iter().filter(|(_, weight)| *weight > 0).map(|(row, w)| (*row, w)).collect();
    rows.sort_by_key(|(row, _)| (order(row), *row));
    let mut left: BTreeMap<i64, i64> = BTreeMap::new();
    let take = |(row, weight): (Pair, Weight)| {
        let left = left.entry(by(&row)).or_insert(count);
        let taken = weight.min(*left);
        *left -= taken;
        (row, taken)
    };
    rows.into_iter().map(take).collect()
}

/// The beginnings of windows of length 5 at multiples of 2.
fn hops(row: Pair) -> impl Iterator<Item = i64> {
    (-100..100).map(|index| index * 2).filter(move |start| *start <= row.1 && row.1 < start + 5)
}

fn nested_join(left: &ZSet<Pair>, right: &ZSet<Pair>) -> Rows {
    let mut groups: BTreeMap<i64, ZSet<Pair>> = BTreeMap::new();
    for (l, left_weight) in left.iter() {
        for (r, right_weight) in right.iter().filter(|(r, _)| *r == l) {
            groups.entry(l.0).or_default().add((l.1, r.0), left_weight * right_weight).unwrap();
        }
    }
    let counted =
        groups.into_iter().map(|(key, set)| (key, set.iter().filter(|(_, weight)| *weight > 0).count() as i64));
    counted.filter(|(_, count)| *count != 0).map(|row| (row, 1)).collect()
}

fn closure(edges: &ZSet<Pair>) -> Rows {
    let edges: BTreeSet<Pair> = edges.iter().filter(|(_, weight)| *weight > 0).map(|(edge, _)| *edge).collect();
    reachable(&edges).into_iter().map(|path| (path, 1)).collect()
}

/// All pairs with a path from the first to the second, by walking from each node.
pub fn reachable(edges: &BTreeSet<Pair>) -> BTreeSet<Pair> {
    let mut paths = BTreeSet::new();
    for start in edges.iter().map(|edge| edge.0) {
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            for edge in edges.range((node, i64::MIN)..=(node, i64::MAX)) {
                if paths.insert((start, edge.1)) {
                    open.push(edge.1);
                }
            }
        }
    }
    paths
}
