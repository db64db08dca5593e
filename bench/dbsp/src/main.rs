//! The queries of `bench zset` in dbsp: one worker, the changes from a file of lines, what it took and its view as JSON.
//!
//! A hash map that the output keeps current is the view to read, as for the other peer in memory.

#[path = "../../src/zset/view.rs"]
mod view;

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use dbsp::circuit::CircuitConfig;
use dbsp::mimalloc::MiMalloc;
use dbsp::typed_batch::{IndexedZSetReader, SpineSnapshot};
use dbsp::utils::{Tup2, Tup3};
use dbsp::{
    DBSPHandle, NestedCircuit, OrdIndexedZSet, OrdZSet, OutputHandle, RootCircuit, Runtime, Stream, ZSetHandle, ZWeight,
};
use serde::Serialize;
use view::View;

/// What its own measurements use.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

type Failure = Box<dyn Error + Send + Sync>;
type Row = Tup3<i64, i64, i64>;
type Rows = Stream<RootCircuit, OrdZSet<Row>>;
type Sums = OrdIndexedZSet<i64, i64>;

/// What the harness reads.
#[derive(Serialize)]
struct Taken {
    load: f64,
    steps: Vec<f64>,
    #[serde(flatten)]
    result: View,
}

/// A query that runs, and the view that it keeps current.
struct Running {
    circuit: DBSPHandle,
    inputs: [ZSetHandle<Row>; 2],
    output: OutputHandle<SpineSnapshot<Sums>>,
    view: HashMap<(i64, i64), ZWeight>,
}

impl Running {
    fn new(scenario: String) -> Result<Self, Failure> {
        let config = CircuitConfig::with_workers(1).with_allow_input_during_commit(false);
        let (circuit, (inputs, output)) = Runtime::init_circuit(config, move |circuit| {
            let (first, first_in) = circuit.add_input_zset::<Row>();
            let (second, second_in) = circuit.add_input_zset::<Row>();
            let result = query(circuit, &scenario, &first, &second)?;
            Ok(([first_in, second_in], result.accumulate_output()))
        })?;
        Ok(Self { circuit, inputs, output, view: HashMap::new() })
    }

    /// A step, until its result is in the view: its seconds.
    fn step(&mut self, mut changes: [Vec<Tup2<Row, ZWeight>>; 2]) -> Result<f64, Failure> {
        let begun = Instant::now();
        for (input, changes) in self.inputs.iter().zip(&mut changes) {
            input.append(changes);
        }
        self.circuit.transaction()?;
        for (key, value, weight) in self.output.concat().iter() {
            let sum = self.view.entry((key, value)).or_default();
            *sum += weight;
            if *sum == 0 {
                self.view.remove(&(key, value));
            }
        }
        Ok(begun.elapsed().as_secs_f64())
    }
}

fn query(
    circuit: &mut RootCircuit,
    scenario: &str,
    first: &Rows,
    second: &Rows,
) -> Result<Stream<RootCircuit, Sums>, anyhow::Error> {
    Ok(match scenario {
        "receipts" => {
            let items = first.map_index(|Tup3(basket, product, quantity)| (*product, Tup2(*basket, *quantity)));
            let prices = second.map_index(|Tup3(product, price, _)| (*product, *price));
            let priced =
                items.join_index(&prices, |_, Tup2(basket, quantity), price| Some((*basket, quantity * price)));
            priced.aggregate_linear(|amount| *amount)
        }
        "meters" => {
            let reads = first.map_index(|Tup3(meter, slot, watts)| (*meter, Tup2(*slot, *watts)));
            let meters = second.map_index(|Tup3(meter, user, _)| (*meter, *user));
            let owned = reads.join_index(&meters, |_, Tup2(slot, watts), user| Some((view::day(*user, *slot), *watts)));
            owned.aggregate_linear(|watts| *watts)
        }
        _ => {
            let edges = first.map(|Tup3(from, to, _)| Tup2(*from, *to));
            type Paths = Stream<NestedCircuit, OrdZSet<Tup2<i64, i64>>>;
            let paths = circuit.recursive(|inner, paths: Paths| {
                let edges = edges.delta0(inner);
                let steps = edges.map_index(|Tup2(from, to)| (*from, *to));
                let ends = paths.map_index(|Tup2(from, to)| (*to, *from));
                Ok(ends.join(&steps, |_, from, to| Tup2(*from, *to)).plus(&edges))
            })?;
            paths.map_index(|Tup2(from, to)| (view::path(*from, *to), 1))
        }
    })
}

/// The steps in a file of lines: the first says how many load, a line is a change, a dot ends a step.
fn steps(lines: &str) -> Result<(usize, Vec<[Vec<Tup2<Row, ZWeight>>; 2]>), Failure> {
    let (first, rest) = lines.split_once('\n').ok_or("the file of changes is empty")?;
    let mut steps = Vec::new();
    let mut step = [Vec::new(), Vec::new()];
    for line in rest.lines() {
        if line == "." {
            steps.push(std::mem::take(&mut step));
            continue;
        }
        let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<i64>, _>>()?;
        let [table, a, b, c, weight] = numbers[..] else { return Err("a change has five numbers".into()) };
        let rows = step.get_mut(usize::try_from(table)?).ok_or("there are two tables")?;
        rows.push(Tup2(Tup3(a, b, c), weight));
    }
    Ok((first.parse()?, steps))
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(scenario), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("usage: worldstore-bench-dbsp SCENARIO CHANGES".into());
    };
    let (loading, steps) = steps(&std::fs::read_to_string(path)?)?;
    let mut running = Running::new(scenario)?;
    let mut times = steps.into_iter().map(|step| running.step(step)).collect::<Result<Vec<_>, _>>()?;
    let steps = times.split_off(loading.min(times.len()));
    let result = view::view(running.view.keys().copied());
    println!("{}", serde_json::to_string(&Taken { load: times.iter().sum(), steps, result })?);
    running.circuit.kill().map_err(|_| "the worker failed")?;
    Ok(())
}
