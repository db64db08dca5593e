//! Checks of a store against itself: right states pass, and a wrong entry is found with the operator that it belongs to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use worldstore_core::ErrorKind;
use worldstore_zset::store::{Change, KeyRange, Memory, Mode, Store, Visit};
use worldstore_zset::{BackgroundCheck, Builder, Changes, Datum, Engine, Table, TableKind, Time};

use super::model;
use super::support::{Built, Event, Node, OPS, Op, Place, build, circuits, events};

/// A check that panicked was taken for the good one before it.
#[test]
fn a_check_in_the_background_tells_that_it_panicked() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let builder = Builder::new();
    let (input, rows) = builder.input::<i64>("rows");
    let seen = Arc::clone(&is_broken);
    rows.cache("kept_rows");
    let picky = rows.map("picky", move |row| {
        assert!(!seen.load(Ordering::Relaxed), "a defect of the function");
        *row
    });
    picky.cache("kept");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    engine.insert(&input, [1]).unwrap();
    let check = BackgroundCheck::start(engine, Duration::from_millis(1)).unwrap();
    let begun = Instant::now();
    let wait_for = |kind: Option<ErrorKind>| {
        while check.last().map(|found| found.err().map(|error| error.kind())) != Some(kind) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", check.last());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    wait_for(None);
    is_broken.store(true, Ordering::Relaxed);
    wait_for(Some(ErrorKind::Unexpected));
    assert_eq!(check.stop().unwrap_err().to_string(), "unexpected: a check panicked");
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, max_global_rejects: 100_000, failure_persistence: None, ..Config::default() })
}

/// Opens a circuit on a new place and applies the steps.
fn run(nodes: &[Node], events: &[Event], place: &Place) -> Engine {
    let Built { circuit, inputs, .. } = build(nodes);
    let mut engine = Engine::open(circuit, place.open(), Mode::CreateTables).unwrap();
    for event in events {
        if let Event::Step(rows) = event {
            let weigh = |changes: Changes, (input, row, weight): &(usize, _, _)| {
                changes.weigh(&inputs[*input], [(*row, *weight)])
            };
            engine.step(rows.iter().fold(Changes::new(), weigh), Time::none()).unwrap();
        }
    }
    engine
}

fn stays_small(nodes: &[Node], events: &[Event]) -> bool {
    let mut sums: [worldstore_zset::ZSet<super::support::Pair>; 2] = Default::default();
    events.iter().all(|event| {
        if let Event::Step(changes) = event {
            changes.iter().for_each(|(input, row, weight)| sums[*input].add(*row, *weight).unwrap());
        }
        model::evaluate(nodes, &sums).is_some()
    })
}

#[test]
fn what_steps_have_made_passes() {
    let pass = |nodes: &[Node], events: &[Event], place: &Place| {
        let checked = run(nodes, events, place).check();
        prop_assert!(checked.is_ok(), "{:?} of {:?}", checked, nodes);
        Ok(())
    };
    for op in OPS {
        runner(12).run(&events(10), |events| pass(&[(*op, 0, 1)], &events, &Place::Memory(Memory::new()))).unwrap();
    }
    runner(150)
        .run(&(circuits(8), events(10)), |(nodes, events)| {
            prop_assume!(stays_small(&nodes, &events));
            pass(&nodes, &events, &Place::Memory(Memory::new()))
        })
        .unwrap();
    runner(4)
        .run(&(circuits(6), events(6)), |(nodes, events)| {
            prop_assume!(stays_small(&nodes, &events));
            Place::all().iter().try_for_each(|place| pass(&nodes, &events, place))
        })
        .unwrap();
}

/// Changes one entry of a table as no step would. False if the table has none.
fn damage(store: &mut dyn Store, table: &Table) -> bool {
    let mut transaction = store.begin().unwrap();
    let columns = vec![Datum::Null; table.columns.len()];
    let mut found = None;
    match table.kind {
        TableKind::Weights => {
            let seen = &mut |_, key: &[u8], _| {
                found = Some(key.to_vec());
                Ok(Visit::Enough)
            };
            transaction.scan(table, &[KeyRange::prefix(&[])], seen).unwrap();
            let Some(key) = found else { return false };
            transaction.add(table, vec![Change { key, change: 1, columns }]).unwrap();
        }
        TableKind::Values => {
            let seen = &mut |key: &[u8], _: &[u8]| {
                found = Some(key.to_vec());
                Ok(Visit::Enough)
            };
            transaction.scan_values(table, seen).unwrap();
            let Some(key) = found else { return false };
            transaction.put(table, vec![Change { key, change: None, columns }]).unwrap();
        }
    }
    transaction.commit().unwrap();
    true
}

#[test]
fn a_wrong_entry_is_found_with_its_operator() {
    // Every operator stands behind another that keeps what flows into it.
    let steps = [
        Event::Step(vec![
            (0, (1, 2), 1),
            (0, (1, 3), 2),
            (0, (2, 2), 1),
            (1, (1, 1), 1),
            (1, (2, 5), 1),
            (0, (2, 3), 1),
        ]),
        Event::Step(vec![(0, (1, 3), -1), (1, (1, 4), 1)]),
    ];
    let mut damaged = 0;
    for op in OPS {
        let nodes = [(Op::Distinct, 0, 0), (Op::Distinct, 1, 1), (*op, 2, 3)];
        let names: Vec<_> = build(&nodes).circuit.tables().map(|table| table.name.clone()).collect();
        for name in names.iter().filter(|name| !matches!(name.as_str(), "op0" | "op1")) {
            let memory = Memory::new();
            let mut engine = run(&nodes, &steps, &Place::Memory(memory.clone()));
            let table = engine.circuit().tables().find(|table| table.name == *name).unwrap().clone();
            if !damage(&mut memory.clone(), &table) {
                continue;
            }
            damaged += 1;
            let error = engine.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{op:?} {name} {error}");
            let text = error.to_string();
            // Inside a recursion operators have names of their own, which the table bears.
            assert!(text.contains("operator: op2") && text.contains(&format!("table: {name}")), "{op:?}: {text}");
        }
    }
    assert!(damaged > 30, "{damaged}");
}

#[test]
fn operators_that_cannot_be_checked_are_named() {
    let builder = worldstore_zset::Builder::new();
    let (input, rows) = builder.input::<i64>("rows");
    rows.delay("before");
    rows.distinct("alone");
    rows.delay("later").cache("kept");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    engine.insert(&input, [1, 2]).unwrap();
    let skipped: Vec<String> = engine.check().unwrap().skipped.into_iter().map(|(name, _)| name).collect();
    assert_eq!(skipped, ["before", "alone", "later", "kept"]);
}

#[test]
fn a_check_in_the_background_finds_damage_while_steps_go_on() {
    let nodes = [(Op::Distinct, 0, 0), (Op::Sum, 2, 2)];
    for place in Place::all().into_iter().filter(|place| !place.is_exclusive()) {
        let Built { circuit, inputs, .. } = build(&nodes);
        let mut engine = Engine::open(circuit, place.open(), Mode::CreateTables).unwrap();
        let other = Engine::open(build(&nodes).circuit, place.open(), Mode::Open).unwrap();
        let background = BackgroundCheck::start(other, Duration::from_millis(1)).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        for time in 0.. {
            engine.step(Changes::new().insert(&inputs[0], [(time % 7, time)]), Time::at(time)).unwrap();
            if background.last().is_some_and(|found| found.unwrap().entries > 4) {
                break;
            }
            assert!(Instant::now() < until, "no check came to an end");
        }
        background.stop().unwrap();
    }
    let memory = Memory::new();
    let steps = [Event::Step(vec![(0, (1, 2), 1), (0, (2, 2), 1)])];
    let engine = run(&nodes, &steps, &Place::Memory(memory.clone()));
    let table = engine.circuit().tables().find(|table| table.name == "op1").unwrap().clone();
    let background = BackgroundCheck::start(engine, Duration::from_millis(1)).unwrap();
    damage(&mut memory.clone(), &table);
    let until = Instant::now() + Duration::from_secs(60);
    while background.last().is_none_or(|found| found.is_ok()) {
        assert!(Instant::now() < until, "the damage was not found");
        std::thread::sleep(Duration::from_millis(1));
    }
    let error = background.stop().unwrap_err();
    assert!(error.to_string().contains("operator: op1"), "{error}");
}
