//! Windows by time: what enters, leaves, waits and comes too late.

use proptest::collection::vec;
use proptest::prelude::*;
use worldstore_zset::store::{Memory, Mode};
use worldstore_zset::{Builder, Changes, Engine, Input, Output, Time, ZSet};

use super::support::{Pair, Place};

const SIZE: i64 = 10;

fn open(place: &Place, mode: Mode) -> (Engine, Input<Pair>, Output<Pair>) {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    let output = rows.window("recent", SIZE, |row| row.0).output("changes");
    (Engine::open(builder.build().unwrap(), place.open(), mode).unwrap(), input, output)
}

#[test]
fn rows_leave_in_a_step_without_changes() {
    for place in Place::all() {
        let (mut engine, input, output) = open(&place, Mode::CreateTables);
        let deltas = engine.step(Changes::new().insert(&input, [(1, 1), (5, 2), (30, 3)]), Time::at(5)).unwrap();
        assert_eq!(deltas.get(&output).unwrap(), [((1, 1), 1), ((5, 2), 1)]);
        let deltas = engine.step(Changes::new(), Time::at(12)).unwrap();
        assert_eq!(deltas.get(&output).unwrap(), [((1, 1), -1)]);
        let deltas =
            engine.step(Changes::new().remove(&input, [(1, 1)]).insert(&input, [(2, 9)]), Time::none()).unwrap();
        assert_eq!((deltas.get(&output).unwrap(), deltas.stats().late), (&[][..], 2));
        let deltas = engine.step(Changes::new(), Time::at(35)).unwrap();
        assert_eq!(deltas.get(&output).unwrap(), [((5, 2), -1), ((30, 3), 1)]);
        let (stats, kept) = (engine.step(Changes::new(), Time::at(36)).unwrap().stats(), 1);
        assert_eq!(stats.scanned, 0, "the row in the window is not visited, and those that left are gone");
        assert_eq!(stats.written, kept, "the clock");
    }
}

/// A size of 0 dropped all rows.
#[test]
fn windows_that_lie_side_by_side_are_at_least_one_long() {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    let output = rows.tumble("windows", 0, |row| row.0).output("changes");
    let mut engine = Engine::open(builder.build().unwrap(), Memory::new(), Mode::CreateTables).unwrap();
    let deltas = engine.insert(&input, [(7, 1), (-2, 2)]).unwrap();
    assert_eq!(deltas.get(&output).unwrap(), [((-2, (-2, 2)), 1), ((7, (7, 1)), 1)]);
}

/// Steps: how far the time moves on, and changes.
type Script = Vec<(i64, Vec<(Pair, i64)>)>;

fn script() -> impl Strategy<Value = Script> {
    let change = ((0..60_i64, 0..3_i64), prop_oneof![2 => Just(1), 1 => Just(-1)]);
    vec((0..9_i64, vec(change, 0..6)), 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_window_holds_what_came_in_time_and_is_recent(script in script(), reopen: bool) {
        let place = Place::Memory(Default::default());
        let (mut engine, mut input, mut output) = open(&place, Mode::CreateTables);
        let (mut all, mut window, mut now) = (ZSet::new(), ZSet::new(), 0);
        for (advance, changes) in script {
            now += advance + 1;
            // Changes of rows that have left are dropped; others count.
            for (row, weight) in changes.iter().filter(|(row, _)| row.0 > now - SIZE) {
                all.add(*row, *weight).unwrap();
            }
            let deltas = engine.step(Changes::new().weigh(&input, changes), Time::at(now)).unwrap();
            deltas.apply(&output, &mut window).unwrap();
            let recent = all.iter().filter(|(row, _)| now - SIZE < row.0 && row.0 <= now);
            prop_assert_eq!(&window, &ZSet::from_weights(recent.map(|(row, weight)| (*row, weight))).unwrap());
            if reopen {
                drop(engine);
                (engine, input, output) = open(&place, Mode::Open);
            }
        }
    }

    #[test]
    fn one_step_at_the_last_time_gives_the_same_window(script in script()) {
        let mut outcomes = Vec::new();
        let end: i64 = script.iter().map(|(advance, _)| advance + 1).sum();
        // Changes that are late in small steps are late in the big one; those that were not must not be late there.
        let mut now = 0;
        let in_time: Script = script.into_iter().map(|(advance, changes)| {
            now += advance + 1;
            (advance, changes.into_iter().filter(|(row, _)| row.0 > now - SIZE).collect())
        }).collect();
        let big = vec![(end - 1, in_time.iter().flat_map(|(_, changes)| changes.clone()).collect())];
        for script in [in_time, big] {
            let (mut engine, input, output) = open(&Place::Memory(Default::default()), Mode::CreateTables);
            let (mut window, mut now) = (ZSet::new(), 0);
            for (advance, changes) in script {
                now += advance + 1;
                let deltas = engine.step(Changes::new().weigh(&input, changes), Time::at(now)).unwrap();
                deltas.apply(&output, &mut window).unwrap();
            }
            outcomes.push(window);
        }
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
    }
}
