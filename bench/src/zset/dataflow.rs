//! differential-dataflow, one worker, with a map that its output keeps current as the view to read.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use differential_dataflow::VecCollection;
use differential_dataflow::input::Input;
use differential_dataflow::operators::CountTotal;
use differential_dataflow::operators::iterate::Iterate;

use super::work::{Change, Scenario, Work};
use super::{Taken, view};

/// The rows of the view, each with how often it is there.
type Rows = Rc<RefCell<HashMap<(i64, i64), isize>>>;

type Collection<'scope, T> = VecCollection<'scope, u32, T, isize>;

pub fn run(work: &Work) -> Taken {
    let (scenario, load, steps) = (work.scenario, work.load.clone(), work.steps.clone());
    timely::execute_directly(move |worker| {
        let kept = Rows::default();
        let seen = Rc::clone(&kept);
        let (mut first, mut second, probe) = worker.dataflow::<u32, _, _>(|scope| {
            let (first_in, first) = scope.new_collection::<[i64; 3], isize>();
            let (second_in, second) = scope.new_collection::<[i64; 3], isize>();
            let result = query(scenario, first, second);
            let result = result.consolidate().inspect(move |(row, _, weight)| {
                let mut rows = seen.borrow_mut();
                let sum = rows.entry(*row).or_default();
                *sum += *weight;
                if *sum == 0 {
                    rows.remove(row);
                }
            });
            let (probe, _) = result.probe();
            (first_in, second_in, probe)
        });
        let mut time = 0;
        let mut step = |changes: &Vec<Change>| {
            let begun = Instant::now();
            for (table, row, weight) in changes {
                let input = if *table == 0 { &mut first } else { &mut second };
                input.update(*row, *weight as isize);
            }
            time += 1;
            for input in [&mut first, &mut second] {
                input.advance_to(time);
                input.flush();
            }
            worker.step_while(|| probe.less_than(&time));
            begun.elapsed().as_secs_f64()
        };
        let load = load.iter().map(&mut step).sum();
        let steps = steps.iter().map(&mut step).collect();
        let result = view::view(kept.borrow().keys().copied());
        Taken { load, steps, result }
    })
}

fn query<'scope>(
    scenario: Scenario,
    first: Collection<'scope, [i64; 3]>,
    second: Collection<'scope, [i64; 3]>,
) -> Collection<'scope, (i64, i64)> {
    match scenario {
        Scenario::Receipts => {
            let items = first.map(|[basket, product, quantity]| (product, (basket, quantity)));
            let prices = second.map(|[product, price, _]| (product, price));
            // Amounts are put into the weights, which is how sums are made here.
            let priced = items.join_map(prices, |_, (basket, quantity), price| (*basket, *quantity * *price));
            summed(priced)
        }
        Scenario::Meters => {
            let reads = first.map(|[meter, slot, watts]| (meter, (slot, watts)));
            let meters = second.map(|[meter, user, _]| (meter, user));
            summed(reads.join_map(meters, |_, (slot, watts), user| (view::day(*user, *slot), *watts)))
        }
        Scenario::Closure => {
            let edges = first.map(|[from, to, _]| (from, to));
            let paths = edges.clone().iterate(|scope, paths| {
                let edges = edges.enter(scope);
                let ends = paths.map(|(from, to)| (to, from));
                ends.join_map(edges.clone(), |_, from, to| (*from, *to)).concat(edges).distinct()
            });
            paths.map(|(from, to)| (view::path(from, to), 1))
        }
    }
}

fn summed(rows: Collection<'_, (i64, i64)>) -> Collection<'_, (i64, i64)> {
    rows.explode(|(key, amount)| Some((key, amount as isize))).count_total().map(|(key, sum)| (key, sum as i64))
}
