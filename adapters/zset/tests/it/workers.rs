//! Several workers on one store: times put their steps in order.

use std::time::Duration;

use worldstore_core::ErrorKind;
use worldstore_zset::store::{Memory, Mode, Store};
use worldstore_zset::{Builder, Cache, Changes, Engine, EngineOptions, Input, Time};

use super::support::{Pair, Place};

fn open(store: impl Store + 'static, mode: Mode) -> (Engine, Input<Pair>, Cache<(i64, i64)>) {
    open_with(store, mode, EngineOptions::default().with_frontier_wait(Duration::from_secs(120)))
}

fn open_with(
    store: impl Store + 'static,
    mode: Mode,
    options: EngineOptions,
) -> (Engine, Input<Pair>, Cache<(i64, i64)>) {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    let kept = rows.sum("sums", |row| row.0, |row| row.1).cache("kept");
    (Engine::open_with(builder.build().unwrap(), store, mode, options).unwrap(), input, kept)
}

#[test]
fn workers_wait_for_the_step_before_theirs() {
    // One process may have a redb file open once, so its workers would share one engine.
    let shared = Place::all().into_iter().filter(|place| !place.is_exclusive());
    for place in shared {
        drop(open(place.open(), Mode::CreateTables));
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let place = &place;
                scope.spawn(move || {
                    let (mut engine, input, _) = open(place.open(), Mode::Open);
                    for time in (0..24).filter(|time| time % 4 == worker) {
                        let changes = Changes::new().insert(&input, [(time % 3, time), (7, 1)]);
                        engine.step(changes, Time::at(time).with_frontier(time - 1)).unwrap();
                    }
                });
            }
        });
        let (mut engine, _, kept) = open(place.open(), Mode::Open);
        let sums: Vec<_> = engine.read(&kept).unwrap().all().unwrap().into_iter().collect();
        assert_eq!(sums, [((0, 84), 1), ((1, 92), 1), ((2, 100), 1), ((7, 24), 1)]);
        assert_eq!(engine.time().unwrap(), 23);
    }
}

#[test]
fn workers_take_the_next_time_and_steps_come_in_that_order() {
    for place in Place::all().into_iter().filter(|place| !place.is_exclusive()) {
        drop(open(place.open(), Mode::CreateTables));
        let taken = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let (mut engine, input, _) = open(place.open(), Mode::Open);
                    for _ in 0..6 {
                        let time = engine.next_time().unwrap();
                        taken.lock().unwrap().push(time.input_time);
                        engine.step(Changes::new().insert(&input, [(0, time.input_time)]), time).unwrap();
                    }
                });
            }
        });
        let mut taken = taken.into_inner().unwrap();
        taken.sort_unstable();
        assert_eq!(taken, (0..24).collect::<Vec<_>>());
        let (mut engine, _, kept) = open(place.open(), Mode::Open);
        assert_eq!(engine.read(&kept).unwrap().all().unwrap().into_iter().collect::<Vec<_>>(), [((0, 276), 1)]);
        assert_eq!(engine.next_time().unwrap(), Time::at(24).with_frontier(23));
    }
}

#[test]
fn the_next_time_is_later_than_any_that_was_used() {
    for place in Place::all() {
        let (mut engine, input, _) = open(place.open(), Mode::CreateTables);
        assert_eq!(engine.next_time().unwrap().input_time, 0);
        engine.step(Changes::new().insert(&input, [(1, 1)]), Time::at(41)).unwrap();
        assert_eq!(engine.next_time().unwrap().input_time, 42);
        assert_eq!(engine.next_time().unwrap().input_time, 43);
        drop(engine);
        let (mut engine, ..) = open(place.open(), Mode::Open);
        assert_eq!(engine.next_time().unwrap().input_time, 44);
    }
}

#[test]
fn an_abandoned_time_is_released_after_a_while() {
    for place in Place::all() {
        let options = EngineOptions::default().with_abandoned_after(Duration::from_millis(30));
        let (mut engine, input, kept) = open_with(place.open(), Mode::CreateTables, options);
        let abandoned = [engine.next_time().unwrap(), engine.next_time().unwrap()];
        let time = engine.next_time().unwrap();
        engine.step(Changes::new().insert(&input, [(1, 5)]), time).unwrap();
        assert_eq!(engine.time().unwrap(), 2);
        for late in abandoned {
            let error = engine.step(Changes::new().insert(&input, [(1, 7)]), late).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConditionFailed, "a writer that comes back is told");
        }
        assert_eq!(engine.read(&kept).unwrap().all().unwrap().into_iter().collect::<Vec<_>>(), [((1, 5), 1)]);
    }
}

/// It never took effect: each step gave up waiting before the silence was long enough.
#[test]
fn a_time_is_abandoned_before_the_wait_for_it_ends() {
    for millis in [40, 41] {
        let options = EngineOptions::default().with_frontier_wait(Duration::from_millis(40));
        let options = options.with_abandoned_after(Duration::from_millis(millis));
        let circuit = Builder::new().build().unwrap();
        let error = Engine::open_with(circuit, Memory::new(), Mode::CreateTables, options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().ends_with(&format!("abandoned_after: {millis}ms, frontier_wait: 40ms")), "{error}");
    }
}

#[test]
fn behind_the_last_of_all_times_there_is_none() {
    for place in Place::all() {
        let (mut engine, input, _) = open(place.open(), Mode::CreateTables);
        engine.step(Changes::new().insert(&input, [(1, 1)]), Time::at(i64::MAX - 1)).unwrap();
        assert_eq!(engine.next_time().unwrap().input_time, i64::MAX);
        for _ in 0..2 {
            let error = engine.next_time().unwrap_err();
            assert_eq!(error.to_string(), format!("invalid: there is no later time to give out, last: {}", i64::MAX));
        }
    }
}
