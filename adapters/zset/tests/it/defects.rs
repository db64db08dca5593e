//! What went wrong in other systems of this kind, each as a test of its own.

use std::time::Duration;

use worldstore_core::{Error, ErrorKind};
use worldstore_zset::store::{Memory, Mode};
use worldstore_zset::{Builder, Changes, Engine, EngineOptions, Input, Output, Time, ZSet};

use super::support::{Pair, Place};

/// integrate, differentiate, integrate: the second table was never written, so counts doubled after reopening.
#[test]
fn chained_delays_are_right_after_reopening() {
    for place in Place::all() {
        let open = |mode| {
            let builder = Builder::new();
            let (numbers, rows) = builder.input::<i64>("numbers");
            let sums = rows.integrate("first").differentiate("between").integrate("second").output("sums");
            (Engine::open(builder.build().unwrap(), place.open(), mode).unwrap(), numbers, sums)
        };
        let (mut engine, numbers, _): (Engine, Input<i64>, Output<i64>) = open(Mode::CreateTables);
        engine.insert(&numbers, [1]).unwrap();
        engine.insert(&numbers, [5]).unwrap();
        drop(engine);
        let (mut engine, numbers, sums) = open(Mode::Open);
        let deltas = engine.insert(&numbers, [7]).unwrap();
        assert_eq!(deltas.get(&sums).unwrap(), [(1, 1), (5, 1), (7, 1)]);
    }
}

/// `{1: 5}` with n = 2 came back with a count of 3; `{1: 1, 2: 5}` with n = 3 with 1 and 3.
#[test]
fn first_n_counts_rows_and_not_kinds_of_rows() {
    let first = |n: u32, rows: &[(i64, i64)]| {
        let builder = Builder::new();
        let (numbers, stream) = builder.input::<i64>("numbers");
        let kept = stream.first_n("first", n, |number| *number).cache("kept");
        let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
        engine.step(Changes::new().weigh(&numbers, rows.iter().copied()), Time::none()).unwrap();
        engine.read(&kept).unwrap().all().unwrap()
    };
    assert_eq!(first(2, &[(1, 5)]), ZSet::from_weights([(1, 2)]).unwrap());
    assert_eq!(first(3, &[(1, 1), (2, 5)]), ZSet::from_weights([(1, 1), (2, 2)]).unwrap());
    assert_eq!(first(0, &[(1, 1)]), ZSet::new());
    // A row that was taken away before it came takes no place.
    assert_eq!(first(1, &[(1, -1), (2, 1)]), ZSet::from_weights([(2, 1)]).unwrap());
}

/// One row on the left with two matches gave the empty row a weight of -1.
#[test]
fn an_outer_join_with_two_matches_has_no_negative_rows() {
    let builder = Builder::new();
    let (left_in, left) = builder.input::<Pair>("left");
    let (right_in, right) = builder.input::<Pair>("right");
    let key = |row: &Pair| row.0;
    let lefts =
        left.left_join("lefts", right, key, key, |left, right| (left.1, right.map(|row| row.1))).output("out_left");
    let both = left.outer_join("both", right, key, key, |left, right| (left.map(|row| row.1), right.map(|row| row.1)));
    let both = both.output("out_both");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    let rows = Changes::new().insert(&left_in, [(1, 10)]).insert(&right_in, [(1, 20), (1, 21)]);
    let deltas = engine.step(rows, Time::none()).unwrap();
    assert_eq!(deltas.get(&lefts).unwrap(), [((10, Some(20)), 1), ((10, Some(21)), 1)]);
    assert_eq!(deltas.get(&both).unwrap(), [((Some(10), Some(20)), 1), ((Some(10), Some(21)), 1)]);
    let deltas = engine.remove(&right_in, [(1, 20), (1, 21)]).unwrap();
    assert_eq!(deltas.get(&lefts).unwrap(), [((10, None), 1), ((10, Some(20)), -1), ((10, Some(21)), -1)]);
}

fn counter(place: &Place, mode: Mode) -> (Engine, Input<i64>, worldstore_zset::Cache<i64>) {
    let builder = Builder::new();
    let (numbers, rows) = builder.input::<i64>("numbers");
    let checked = rows.try_map("checked", |number| match number {
        13 => Err(Error::invalid("thirteen is not counted")),
        number => Ok(*number),
    });
    // The state before and behind the operator that fails.
    let kept = rows.distinct("before").semi_join("both", checked, |row| *row, |row| *row).cache("kept");
    let options = EngineOptions::default().with_frontier_wait(Duration::from_millis(40));
    (Engine::open_with(builder.build().unwrap(), place.open(), mode, options).unwrap(), numbers, kept)
}

/// A frontier that had been passed already was never reached, and it was reported late.
#[test]
fn a_frontier_means_at_least() {
    for place in Place::all() {
        let (mut engine, numbers, _) = counter(&place, Mode::CreateTables);
        engine.step(Changes::new().insert(&numbers, [1]), Time::at(5)).unwrap();
        engine.step(Changes::new().insert(&numbers, [2]), Time::at(6).with_frontier(3)).unwrap();
        assert_eq!(engine.time().unwrap(), 6);
        let error = engine.step(Changes::new().insert(&numbers, [3]), Time::at(9).with_frontier(8)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().ends_with("frontier: 8, reached: 6"), "{error}");
        assert_eq!(engine.time().unwrap(), 6, "a step that did not begin keeps its time");
    }
}

/// An exception left half of a step in the store, and later frontiers never arrived.
#[test]
fn a_failing_step_is_undone_and_releases_its_time() {
    for place in Place::all() {
        let (mut engine, numbers, kept) = counter(&place, Mode::CreateTables);
        engine.step(Changes::new().insert(&numbers, [1]), Time::at(1)).unwrap();
        let error = engine.step(Changes::new().insert(&numbers, [2, 13]), Time::at(2).with_frontier(1)).unwrap_err();
        assert_eq!(error.to_string(), "invalid: thirteen is not counted, operator: checked");
        // The next writer waits for the failed one.
        engine.step(Changes::new().insert(&numbers, [3]), Time::at(3).with_frontier(2)).unwrap();
        assert_eq!(engine.read(&kept).unwrap().all().unwrap(), ZSet::from_rows([1, 3]).unwrap());
        // Had a part of the failed step stayed, this would not be a first row.
        engine.insert(&numbers, [2]).unwrap();
        assert_eq!(engine.read(&kept).unwrap().all().unwrap(), ZSet::from_rows([1, 2, 3]).unwrap());
        drop(engine);
        let (mut engine, _, kept) = counter(&place, Mode::Open);
        assert_eq!(engine.read(&kept).unwrap().all().unwrap(), ZSet::from_rows([1, 2, 3]).unwrap());
        assert_eq!(engine.time().unwrap(), 3);
    }
}

/// The same for a function that panics, which unwinds through the step.
#[test]
fn a_step_that_panics_is_undone() {
    for place in Place::all() {
        let builder = Builder::new();
        let (numbers, rows) = builder.input::<i64>("numbers");
        let kept = rows.distinct("set").cache("kept");
        rows.map("picky", |number| assert_ne!(*number, 13));
        let mut engine = Engine::open(builder.build().unwrap(), place.open(), Mode::CreateTables).unwrap();
        engine.insert(&numbers, [1]).unwrap();
        let step = std::panic::AssertUnwindSafe(|| engine.insert(&numbers, [2, 13]).is_ok());
        std::panic::catch_unwind(step).unwrap_err();
        engine.insert(&numbers, [3]).unwrap();
        assert_eq!(engine.read(&kept).unwrap().all().unwrap(), ZSet::from_rows([1, 3]).unwrap());
    }
}

/// A writer that is gone held up all others, and only a repair by hand helped.
#[test]
fn the_time_of_an_abandoned_writer_can_be_released() {
    let place = Place::Memory(Memory::new());
    let (mut engine, numbers, _) = counter(&place, Mode::CreateTables);
    engine.step(Changes::new().insert(&numbers, [1]), Time::at(1)).unwrap();
    engine.release(Time::at(2).with_frontier(1)).unwrap();
    engine.step(Changes::new().insert(&numbers, [3]), Time::at(3).with_frontier(2)).unwrap();
    let error = engine.step(Changes::new().insert(&numbers, [2]), Time::at(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed, "the writer that came back is told");
}

/// A change of a widely joined row was worked through all its partners, however many, and nothing could stop it.
#[test]
fn a_step_can_be_kept_from_touching_too_much() {
    let builder = Builder::new();
    let (items_in, items) = builder.input::<Pair>("items");
    let (prices_in, prices) = builder.input::<Pair>("prices");
    let priced = items.join("priced", prices, |item| item.1, |price| price.0, |item, price| (item.0, price.1));
    let kept = priced.cache("kept");
    let options = EngineOptions::default().with_entries_max(500);
    let circuit = builder.build().unwrap();
    let mut engine = Engine::open_with(circuit, Memory::new(), Mode::CreateTables, options).unwrap();
    engine.insert(&prices_in, [(1, 10), (2, 20)]).unwrap();
    for batch in 0..6 {
        engine.insert(&items_in, (0..60).map(|item| (batch * 60 + item, 1))).unwrap();
    }
    engine.insert(&items_in, [(1_000, 2)]).unwrap();
    let error = engine.replace(&prices_in, (1, 10), (1, 11)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().ends_with("entries_max: 500, operator: kept"), "{error}");
    engine.replace(&prices_in, (2, 20), (2, 21)).unwrap();
    let rows = engine.read(&kept).unwrap().all().unwrap();
    assert_eq!((rows.len(), rows.weight(&(0, 10)), rows.weight(&(1_000, 21))), (361, 1, 1));
}

/// Tables were named after source code, so renaming a function lost its state without a word.
#[test]
fn tables_have_the_names_that_operators_were_given() {
    let place = Place::Memory(Memory::new());
    let (engine, ..) = counter(&place, Mode::CreateTables);
    let names: Vec<_> = engine.circuit().tables().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["before", "both__left", "both__right_keys", "kept"]);
}
