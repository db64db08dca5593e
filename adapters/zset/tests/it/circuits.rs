//! Many small steps, with the store closed and opened in between, equal one big step and a recompute: for every operator
//! and for random circuits.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use worldstore_zset::store::Memory;

use super::model;
use super::support::{Event, Node, OPS, Place, Running, circuits, events};

/// Runs the events on a place and compares after every step; then runs them as one step.
fn check(nodes: &[Node], events: &[Event], place: &Place) -> Result<(), TestCaseError> {
    let mut sums: [worldstore_zset::ZSet<super::support::Pair>; 2] = Default::default();
    for event in events {
        if let Event::Step(changes) = event {
            changes.iter().for_each(|(input, row, weight)| sums[*input].add(*row, *weight).unwrap());
        }
        prop_assume!(model::evaluate(nodes, &sums).is_some());
    }
    let mut running = Running::new(nodes, place);
    for event in events {
        running.apply(event);
        let expected = model::evaluate(nodes, &running.inputs).unwrap();
        for (index, output) in running.outputs.iter().enumerate() {
            prop_assert_eq!(output, &expected[index + 2], "operator {} of {:?} after {:?}", index, nodes, event);
        }
    }
    let memory = Place::Memory(Memory::new());
    let mut at_once = Running::new(nodes, &memory);
    let changes = events.iter().filter_map(|event| match event {
        Event::Step(changes) => Some(changes.clone()),
        Event::Reopen => None,
    });
    at_once.apply(&Event::Step(changes.flatten().collect()));
    prop_assert_eq!(&at_once.outputs, &running.outputs);
    Ok(())
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, max_global_rejects: 100_000, failure_persistence: None, ..Config::default() })
}

#[test]
fn every_operator_in_memory() {
    for op in OPS {
        let strategy = events(16);
        runner(60).run(&strategy, |events| check(&[(*op, 0, 1)], &events, &Place::Memory(Memory::new()))).unwrap();
    }
}

#[test]
fn every_operator_with_both_sides_the_same_stream() {
    for op in OPS {
        runner(20).run(&events(12), |events| check(&[(*op, 0, 0)], &events, &Place::Memory(Memory::new()))).unwrap();
    }
}

#[test]
fn every_operator_on_every_store() {
    for op in OPS {
        let strategy = events(8);
        let on_all =
            |events: Vec<Event>| Place::all().iter().try_for_each(|place| check(&[(*op, 0, 1)], &events, place));
        runner(2).run(&strategy, on_all).unwrap();
    }
}

#[test]
fn random_circuits_in_memory() {
    let strategy = (circuits(8), events(12));
    runner(400).run(&strategy, |(nodes, events)| check(&nodes, &events, &Place::Memory(Memory::new()))).unwrap();
}

#[test]
fn random_circuits_on_every_store() {
    let strategy = (circuits(8), events(8));
    let on_all = |(nodes, events): (Vec<Node>, Vec<Event>)| {
        Place::all().iter().try_for_each(|place| check(&nodes, &events, place))
    };
    runner(16).run(&strategy, on_all).unwrap();
}
