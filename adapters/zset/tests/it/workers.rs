//! Several workers on one store: times put their steps in order.

use std::time::Duration;

use worldstore_zset::store::{Mode, Store};
use worldstore_zset::{Builder, Cache, Changes, Engine, EngineOptions, Input, Time};

use super::support::{Pair, Place};

fn open(store: impl Store + 'static, mode: Mode) -> (Engine, Input<Pair>, Cache<(i64, i64)>) {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    let kept = rows.sum("sums", |row| row.0, |row| row.1).cache("kept");
    let options = EngineOptions::default().with_frontier_wait(Duration::from_secs(120));
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
