//! What the operators of streams owe to each other: the definitions and theorems of DBSP.

use proptest::collection::vec;
use proptest::prelude::*;
use worldstore_zset::store::{Memory, Mode};
use worldstore_zset::{Builder, Engine, Input, Output, Stream, ZSet};

use super::support::Pair;

/// The batches of an output, one for each step.
fn outputs<'s>(
    steps: &'s [Vec<Pair>],
    query: impl for<'b> Fn(Stream<'b, Pair>) -> Stream<'b, Pair>,
    reopen: bool,
) -> Vec<ZSet<Pair>> {
    let memory = Memory::new();
    let open = |mode| {
        let builder = Builder::new();
        let (input, rows) = builder.input::<Pair>("rows");
        let output = query(rows).output("result");
        (Engine::open(builder.build().unwrap(), memory.clone(), mode).unwrap(), input, output)
    };
    let (mut engine, mut input, mut output): (Engine, Input<Pair>, Output<Pair>) = open(Mode::CreateTables);
    let mut batches = Vec::new();
    for rows in steps {
        let deltas = engine.insert(&input, rows.iter().copied()).unwrap();
        batches.push(ZSet::from_weights(deltas.get(&output).unwrap().iter().copied()).unwrap());
        if reopen {
            (engine, input, output) = open(Mode::Open);
        }
    }
    batches
}

fn steps() -> impl Strategy<Value = Vec<Vec<Pair>>> {
    vec(vec((0..3_i64, 0..3_i64), 0..4), 1..8)
}

fn sets(steps: &[Vec<Pair>]) -> Vec<ZSet<Pair>> {
    steps.iter().map(|rows| ZSet::from_rows(rows.iter().copied()).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn integrate_and_differentiate_are_inverse(steps in steps(), reopen: bool) {
        let there = outputs(&steps, |rows| rows.integrate("sum").differentiate("change"), reopen);
        let back = outputs(&steps, |rows| rows.differentiate("change").integrate("sum"), reopen);
        prop_assert_eq!(&there, &sets(&steps));
        prop_assert_eq!(&back, &sets(&steps));
    }

    #[test]
    fn a_delay_gives_the_step_before(steps in steps(), reopen: bool) {
        let delayed = outputs(&steps, |rows| rows.delay("before"), reopen);
        let mut expected = sets(&steps);
        expected.insert(0, ZSet::new());
        expected.pop();
        prop_assert_eq!(delayed, expected);
    }

    #[test]
    fn a_derivative_is_now_less_before(steps in steps(), reopen: bool) {
        let derived = outputs(&steps, |rows| rows.differentiate("change"), reopen);
        let computed = outputs(&steps, |rows| rows.minus("difference", rows.delay("before")), reopen);
        prop_assert_eq!(derived, computed);
    }

    #[test]
    fn an_integral_is_what_came_and_the_integral_before(steps in steps(), reopen: bool) {
        let sums = outputs(&steps, |rows| rows.integrate("sum"), reopen);
        let rebuilt = outputs(&steps, |rows| rows.add("again", rows.integrate("sum").delay("before")), reopen);
        prop_assert_eq!(sums, rebuilt);
    }

    #[test]
    fn linear_operators_commute_with_integration(steps in steps(), reopen: bool) {
        let inside = outputs(&steps, |rows| rows.map("swap", |row| (row.1, row.0)).integrate("sum"), reopen);
        let outside = outputs(&steps, |rows| rows.integrate("sum").map("swap", |row| (row.1, row.0)), reopen);
        prop_assert_eq!(inside, outside);
    }

    #[test]
    fn the_chain_rule_holds(steps in steps(), reopen: bool) {
        // The incremental form of a composition is the composition of the incremental forms.
        let first = |rows: &ZSet<Pair>| ZSet::from_rows(rows.iter().filter(|(_, weight)| *weight > 0).map(|(row, _)| *row));
        let composed = outputs(&steps, |rows| rows.distinct("set").count("counts", |row| row.0), reopen);
        let mut sum = ZSet::new();
        let mut before: ZSet<Pair> = ZSet::new();
        for (rows, delta) in sets(&steps).iter().zip(composed) {
            sum.add_all(rows).unwrap();
            let mut counts: std::collections::BTreeMap<i64, i64> = std::collections::BTreeMap::new();
            first(&sum).unwrap().iter().for_each(|(row, weight)| *counts.entry(row.0).or_default() += weight);
            let now = ZSet::from_rows(counts).unwrap();
            let mut change = now.clone();
            change.add_all(&before.scaled(-1).unwrap()).unwrap();
            prop_assert_eq!(delta, change);
            before = now;
        }
    }
}
