//! Operators that are added to a circuit whose state is in a store: what is there stays, what is new is filled.

use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use worldstore_core::{ErrorKind, Result};
use worldstore_zset::store::{Memory, Mode, Snapshot, Store, Transaction};
use worldstore_zset::{Builder, Cache, Changes, Circuit, Engine, Input, Table, Time, ZSet};

use super::model;
use super::support::{Node, Pair, Place, circuits, wired};

/// A circuit that keeps the inputs and what each operator gives.
fn kept(nodes: &[Node]) -> (Circuit, [Input<Pair>; 2], Vec<Cache<Pair>>) {
    let builder = Builder::new();
    let (left_in, left) = builder.input::<Pair>("left");
    let (right_in, right) = builder.input::<Pair>("right");
    let mut caches = vec![left.cache("kept_left"), right.cache("kept_right")];
    let streams = wired(nodes, left, right);
    caches.extend(streams.iter().enumerate().map(|(index, stream)| stream.cache(&format!("kept{index}"))));
    (builder.build().unwrap(), [left_in, right_in], caches)
}

type Rows = Vec<(usize, Pair, i64)>;

fn rows() -> impl Strategy<Value = Rows> {
    proptest::collection::vec((0..2_usize, (0..4_i64, 0..6_i64), prop_oneof![3 => Just(1), 1 => Just(-1)]), 0..8)
}

fn step(engine: &mut Engine, inputs: &[Input<Pair>; 2], rows: &Rows) {
    let weigh =
        |changes: Changes, (input, row, weight): &(usize, Pair, i64)| changes.weigh(&inputs[*input], [(*row, *weight)]);
    engine.step(rows.iter().fold(Changes::new(), weigh), Time::none()).unwrap();
}

fn migrate(nodes: &[Node], before: usize, steps: &[Rows; 2], place: &Place) -> Result<(), TestCaseError> {
    let mut sums: [ZSet<Pair>; 2] = Default::default();
    for (input, row, weight) in steps.iter().flatten() {
        sums[*input].add(*row, *weight).unwrap();
        prop_assume!(model::evaluate(nodes, &sums).is_some());
    }
    let (circuit, inputs, _) = kept(&nodes[..before.min(nodes.len())]);
    let mut engine = Engine::open(circuit, place.open(), Mode::CreateTables).unwrap();
    step(&mut engine, &inputs, &steps[0]);
    drop(engine);
    let (circuit, inputs, caches) = kept(nodes);
    let mut engine = Engine::open(circuit, place.open(), Mode::Migrate).unwrap();
    engine.check().unwrap();
    step(&mut engine, &inputs, &steps[1]);
    let expected = model::evaluate(nodes, &sums).unwrap();
    for (cache, expected) in caches.iter().zip(&expected) {
        prop_assert_eq!(&engine.read(cache).unwrap().all().unwrap(), expected, "{} of {:?}", cache.name(), nodes);
    }
    Ok(())
}

#[test]
fn operators_that_are_added_are_filled_as_if_they_had_been_there() {
    let config = |cases| Config { cases, max_global_rejects: 100_000, failure_persistence: None, ..Config::default() };
    let strategy = || (circuits(7), 0..6_usize, [rows(), rows()]);
    TestRunner::new(config(150))
        .run(&strategy(), |(nodes, before, steps)| migrate(&nodes, before, &steps, &Place::Memory(Memory::new())))
        .unwrap();
    TestRunner::new(config(5))
        .run(&strategy(), |(nodes, before, steps)| {
            Place::all().iter().try_for_each(|place| migrate(&nodes, before, &steps, place))
        })
        .unwrap();
}

/// A join, and what is made of it later.
fn grown(more: bool) -> (Circuit, Input<Pair>, Option<Cache<Pair>>) {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    let joined = rows.join("joined", rows, |row| row.0, |row| row.1, |left, right| (left.1, right.0));
    // Nobody keeps what the join gives: it is computed from its sides.
    let sums = more.then(|| joined.map("turned", |row| (row.1, row.0)).sum("sums", |row| row.0, |row| row.1));
    let cache = sums.map(|sums| sums.cache("kept"));
    (builder.build().unwrap(), input, cache)
}

#[test]
fn an_engine_of_the_circuit_before_is_told() {
    for place in Place::all().into_iter().filter(|place| !place.is_exclusive()) {
        let (circuit, input, _) = grown(false);
        let mut old = Engine::open(circuit, place.open(), Mode::CreateTables).unwrap();
        old.insert(&input, [(1, 1), (1, 2)]).unwrap();
        let (circuit, _, cache) = grown(true);
        let mut new = Engine::open(circuit, place.open(), Mode::Migrate).unwrap();
        assert_eq!(old.insert(&input, [(2, 2)]).unwrap_err().kind(), ErrorKind::Poisoned);
        assert_eq!(old.check().unwrap_err().kind(), ErrorKind::Poisoned);
        let rows: Vec<_> = new.read(&cache.unwrap()).unwrap().all().unwrap().into_iter().collect();
        assert_eq!(rows, [((1, 3), 1)]);
    }
}

#[test]
fn a_migration_that_was_cut_short_is_noticed_and_finished() {
    for place in Place::all() {
        let (circuit, input, _) = grown(false);
        let mut engine = Engine::open(circuit, place.open(), Mode::CreateTables).unwrap();
        engine.insert(&input, [(1, 1), (1, 2)]).unwrap();
        drop(engine);
        // The tables are made, and the process is gone before they are filled.
        let (circuit, ..) = grown(true);
        let tables: Vec<_> = circuit.tables().collect();
        let mut store = place.open();
        assert_eq!(store.prepare(&tables, Mode::Migrate).unwrap(), ["sums", "kept"]);
        drop(store);
        let error = Engine::open(grown(true).0, place.open(), Mode::Open).unwrap_err();
        assert!(error.to_string().contains("was not finished; migrate finishes it"), "{error}");
        // The circuit of before goes on, and what it does is in what is filled later.
        let (circuit, input, _) = grown(false);
        let mut engine = Engine::open(circuit, place.open(), Mode::Open).unwrap();
        engine.insert(&input, [(2, 1)]).unwrap();
        drop(engine);
        let (circuit, _, cache) = grown(true);
        let mut engine = Engine::open(circuit, place.open(), Mode::Migrate).unwrap();
        let rows: Vec<_> = engine.read(&cache.unwrap()).unwrap().all().unwrap().into_iter().collect();
        assert_eq!(rows, [((1, 4), 1), ((2, 3), 1)]);
        engine.check().unwrap();
    }
}

#[test]
fn an_operator_whose_input_nobody_keeps_is_refused_with_the_reason() {
    for place in Place::all() {
        let open = |mode, more: bool| {
            let builder = Builder::new();
            let (_, rows) = builder.input::<Pair>("rows");
            rows.sum("sums", |row| row.0, |row| row.1);
            if more {
                rows.count("counts", |row| row.1);
            }
            Engine::open(builder.build().unwrap(), place.open(), mode)
        };
        drop(open(Mode::CreateTables, false).unwrap());
        let error = open(Mode::Migrate, true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(
            error.to_string().contains("what flowed into it is not in the store, operation: migrate, operator: counts"),
            "{error}"
        );
        drop(open(Mode::Open, false).unwrap());
        drop(open(Mode::Migrate, false).unwrap());
    }
}

/// A store where others are at work before its first transaction.
struct Meanwhile {
    store: Box<dyn Store>,
    others: Option<Box<dyn FnOnce() + Send>>,
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.store.fmt(f)
    }
}

impl Store for Meanwhile {
    fn prepare(&mut self, tables: &[&Table], mode: Mode) -> Result<Vec<String>> {
        self.store.prepare(tables, mode)
    }

    fn wants_columns(&self) -> bool {
        self.store.wants_columns()
    }

    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        if let Some(others) = self.others.take() {
            others();
        }
        self.store.begin()
    }

    fn snapshot(&mut self) -> Result<Box<dyn Snapshot + '_>> {
        self.store.snapshot()
    }

    fn next_time(&mut self) -> Result<i64> {
        self.store.next_time()
    }
}

/// Stores that several engines can have open at once, each opened again and again.
fn shared() -> Vec<Box<dyn Fn() -> Box<dyn Store> + Send + Sync>> {
    let places = Place::all().into_iter().filter(|place| !place.is_exclusive());
    #[allow(unused_mut, reason = "there may be no other stores")]
    let mut stores: Vec<Box<dyn Fn() -> Box<dyn Store> + Send + Sync>> =
        places.map(|place| Box::new(move || place.open()) as _).collect();
    #[cfg(feature = "redb")]
    {
        let folder = tempfile::tempdir().unwrap();
        let store = worldstore_zset::store::Redb::open(folder.path().join("state.redb")).unwrap();
        stores.push(Box::new(move || {
            let _kept = &folder;
            Box::new(store.clone())
        }));
    }
    stores
}

/// The circuit of before, with sums of its rows under a name.
fn named(sums: &str) -> Circuit {
    let builder = Builder::new();
    let (_, rows) = builder.input::<Pair>("rows");
    let joined = rows.join("joined", rows, |row| row.0, |row| row.1, |left, right| (left.1, right.0));
    joined.sum(sums, |row| row.0, |row| row.1);
    builder.build().unwrap()
}

/// Makes the tables of the circuit of before, with rows.
fn fill(store: impl Store + 'static) {
    let (circuit, input, _) = grown(false);
    let mut engine = Engine::open(circuit, store, Mode::CreateTables).unwrap();
    engine.insert(&input, [(1, 1), (1, 2)]).unwrap();
}

/// Two processes were updated at once: both filled the new tables, so every sum was counted twice.
#[test]
fn of_two_that_migrate_at_once_one_fills() {
    for open in shared() {
        fill(open());
        let other = open();
        let others = move || drop(Engine::open(grown(true).0, other, Mode::Migrate).unwrap());
        let store = Meanwhile { store: open(), others: Some(Box::new(others)) };
        let (circuit, input, cache) = grown(true);
        let mut engine = Engine::open(circuit, store, Mode::Migrate).unwrap();
        engine.check().unwrap();
        let cache = cache.unwrap();
        assert_eq!(engine.read(&cache).unwrap().all().unwrap(), ZSet::from_rows([(1, 3)]).unwrap());
        engine.insert(&input, [(2, 1)]).unwrap();
        engine.check().unwrap();
    }
}

#[test]
fn of_two_that_migrate_to_different_circuits_one_is_told() {
    for open in shared() {
        fill(open());
        let other = open();
        let others = move || drop(Engine::open(named("theirs"), other, Mode::Migrate).unwrap());
        let store = Meanwhile { store: open(), others: Some(Box::new(others)) };
        let error = Engine::open(named("ours"), store, Mode::Migrate).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("operation: migrate, operator: ours, table: ours"), "{error}");
        Engine::open(named("theirs"), open(), Mode::Open).unwrap().check().unwrap();
    }
}

/// Tables were removed as left behind by a migration that was just about to end.
#[test]
fn tables_that_are_being_filled_are_not_removed() {
    for open in shared() {
        let (circuit, input, _) = grown(false);
        let mut engine = Engine::open(circuit, open(), Mode::CreateTables).unwrap();
        engine.insert(&input, [(1, 1), (1, 2)]).unwrap();
        drop(engine);
        let builder = Builder::new();
        let (_, rows) = builder.input::<Pair>("rows");
        let joined = rows.join("joined", rows, |row| row.0, |row| row.1, |left, right| (left.1, right.0));
        let (begun, has_begun) = mpsc::channel();
        let slow = joined.map("slow", move |row| {
            begun.send(()).ok();
            std::thread::sleep(Duration::from_millis(200));
            *row
        });
        let kept = slow.cache("kept");
        let circuit = builder.build().unwrap();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| Engine::open(circuit, open(), Mode::Migrate).unwrap());
            has_begun.recv().unwrap();
            let error = Engine::open(named("theirs"), open(), Mode::Migrate).unwrap_err();
            assert!(error.to_string().contains("no operator keeps current, table: kept"), "{error}");
            let mut first = first.join().unwrap();
            first.check().unwrap();
            assert_eq!(first.read(&kept).unwrap().all().unwrap(), ZSet::from_rows([(1, 1), (2, 1)]).unwrap());
        });
    }
}
