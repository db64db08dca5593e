//! A step costs what changes and what that meets, however much is stored. Counted in entries, not in time.

use worldstore_zset::store::{Memory, Mode};
use worldstore_zset::{Builder, Changes, Engine, Time};

use super::support::{Built, Op, Pair, build};

/// The entries that single changes touch after so many rows have been stored.
fn cost(op: Op, rows: i64) -> u64 {
    let Built { circuit, inputs, outputs } = build(&[(op, 0, 1)]);
    let mut engine = Engine::open(circuit, Memory::new(), Mode::CreateTables).unwrap();
    // Every key has two rows on each side, however many keys there are. Keys and values go up side by side, but rows
    // come in another order.
    let base =
        |offset: i64| (0..rows).map(move |index| (index * 7919) % rows).map(move |at| ((at / 2) * 4, at + offset));
    let changes = Changes::new().insert(&inputs[0], base(1000)).insert(&inputs[1], base(5000));
    engine.step(changes, Time::none()).unwrap();
    let mut total = 0;
    let (left, right): (Pair, Pair) = ((8, 500_000), (8, 600_000));
    for changes in [
        Changes::new().insert(&inputs[0], [left]),
        Changes::new().insert(&inputs[1], [right]),
        Changes::new().remove(&inputs[0], [left]),
        Changes::new().remove(&inputs[1], [right]),
    ] {
        let deltas = engine.step(changes, Time::none()).unwrap();
        total += deltas.stats().total() + deltas.get(&outputs[0]).unwrap().len() as u64;
    }
    total
}

/// Cost per batch grew with what was stored: 17 to 47 ms over 10,000 rows of a sum by group.
#[test]
fn the_cost_of_a_change_does_not_grow_with_the_state() {
    let growing = [
        // Their groups are rows modulo a small number here, so that matches and groups themselves grow. See below.
        Op::AsofJoin,
        Op::NestedFirst,
    ];
    for op in super::support::OPS.iter().filter(|op| !growing.contains(op)) {
        let (small, large) = (cost(*op, 100), cost(*op, 5_000));
        assert_eq!(small, large, "{op:?}");
        assert!(large < 60, "{op:?} costs {large} entries for four changes");
    }
}

#[test]
fn a_batch_costs_its_rows() {
    for batch in [1, 10, 100] {
        let Built { circuit, inputs, .. } = build(&[(Op::Sum, 0, 1)]);
        let mut engine = Engine::open(circuit, Memory::new(), Mode::CreateTables).unwrap();
        let mut costs = Vec::new();
        for step in 0..20 {
            let rows = (0..batch).map(|row| (row * 13 % 1_000, step));
            costs.push(engine.insert(&inputs[0], rows).unwrap().stats().total());
        }
        assert_eq!(costs, vec![2 * batch as u64; 20]);
    }
}

#[test]
fn an_asof_join_costs_the_rows_that_get_another_partner() {
    let costs = [100, 5_000].map(|rows| {
        let builder = Builder::new();
        let (left_in, left) = builder.input::<Pair>("left");
        let (right_in, right) = builder.input::<Pair>("right");
        left.asof_join("latest", right, |row| ((), row.0), |row| ((), row.0), |left, right| (left.0, right.copied()));
        let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
        let lefts = Changes::new().insert(&left_in, (0..rows).map(|time| (time * 10 + 5, 0)));
        engine.step(lefts.insert(&right_in, (0..rows).map(|time| (time * 20, 0))), Time::none()).unwrap();
        let inserted = engine.insert(&right_in, [(510, 0)]).unwrap().stats().total();
        let removed = engine.remove(&right_in, [(500, 0)]).unwrap().stats().total();
        (inserted, removed, engine.insert(&left_in, [(333, 0)]).unwrap().stats().total())
    });
    assert_eq!(costs[0], costs[1]);
    assert!(costs[0].0 < 8 && costs[0].1 < 8 && costs[0].2 < 8, "{costs:?}");
}

#[test]
fn a_recursion_costs_the_rows_whose_derivations_change() {
    let costs = [5, 100].map(|chains| {
        let Built { circuit, inputs, .. } = build(&[(Op::Closure, 0, 1)]);
        let mut engine = Engine::open(circuit, Memory::new(), Mode::CreateTables).unwrap();
        let edges = (0..chains).flat_map(|chain| (0..8).map(move |link| (chain * 100 + link, chain * 100 + link + 1)));
        engine.insert(&inputs[0], edges).unwrap();
        let removed = engine.remove(&inputs[0], [(203, 204)]).unwrap().stats().total();
        (removed, engine.insert(&inputs[0], [(203, 204)]).unwrap().stats().total())
    });
    assert_eq!(costs[0], costs[1]);
    // Twenty pairs lead over the edge that goes.
    assert!(costs[0].0 < 20 * 8, "{costs:?}");
}
