//! Steps with `flush_every_set`: what each operator keeps is committed by itself, and nothing is lost or counted twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_zset::store::{Memory, Mode};
use worldstore_zset::{Builder, Cache, Changes, Deltas, Engine, EngineOptions, Input, Output, Stream, Time, ZSet};

use super::support::{Event, Pair, Place, Running, circuits, closure, events};

/// Several operators that keep something, one that fails when it is told to, and one that fails for a row.
struct Opened {
    engine: Engine,
    rows: Input<Pair>,
    early: Cache<Pair>,
    late: Cache<Pair>,
    out: Output<Pair>,
    is_down: Arc<AtomicBool>,
}

fn open(place: &Place, mode: Mode) -> Opened {
    let options = EngineOptions::default().with_frontier_wait(Duration::from_millis(40));
    open_with(place, mode, options)
}

fn open_with(place: &Place, mode: Mode, options: EngineOptions) -> Opened {
    open_behind(place, mode, options, |_| ())
}

/// With operators that keep nothing in front of the others.
fn open_behind(
    place: &Place,
    mode: Mode,
    options: EngineOptions,
    in_front: impl for<'b> FnOnce(Stream<'b, Pair>),
) -> Opened {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    in_front(rows);
    let is_down = Arc::new(AtomicBool::new(false));
    let sums = rows.sum("sums", |row| row.0, |row| row.1);
    let early = sums.cache("early");
    let seen = Arc::clone(&is_down);
    let checked = rows.try_map("checked", move |row| match (row.1, seen.load(Ordering::Relaxed)) {
        (13, _) => Err(Error::invalid("thirteen is not counted")),
        (_, true) => Err(Error::new(ErrorKind::Unavailable, "a service is away")),
        (_, false) => Ok(*row),
    });
    let joined = checked.join("joined", sums, |row| row.1, |sum| sum.0, |row, sum| (row.0, sum.1));
    let paths = closure("paths", joined.distinct("edges"));
    let (late, out) = (paths.cache("late"), paths.output("out"));
    let engine = Engine::open_with(builder.build().unwrap(), place.open(), mode, options).unwrap();
    Opened { engine, rows: input, early, late, out, is_down }
}

impl Opened {
    fn changes(&self, time: i64) -> Changes {
        let batch = |time: i64| (0..6).map(move |row| ((time + row * 3) % 7, (time * 5 + row) % 7));
        let changes = Changes::new().insert(&self.rows, batch(time));
        if time > 2 { changes.remove(&self.rows, batch(time - 2)) } else { changes }
    }

    fn step(&mut self, time: i64) -> Result<Deltas> {
        self.engine.step(self.changes(time), Time::at(time).with_flush_every_set(true))
    }

    fn follow(&mut self, time: i64) -> Result<Deltas> {
        let times = Time::at(time).with_frontier(time - 1).with_flush_every_set(true);
        self.engine.step(self.changes(time), times)
    }

    /// Stops in the middle of a step.
    fn half(&mut self, time: i64) {
        self.is_down.store(true, Ordering::Relaxed);
        assert_eq!(self.step(time).unwrap_err().kind(), ErrorKind::Unavailable);
        self.is_down.store(false, Ordering::Relaxed);
    }

    fn contents(&mut self) -> [ZSet<Pair>; 2] {
        [&self.early, &self.late].map(|cache| self.engine.read(cache).unwrap().all().unwrap())
    }

    /// All is as it would be after these whole steps.
    fn expect(&mut self, times: impl IntoIterator<Item = i64>) {
        let mut plain = open(&Place::Memory(Memory::new()), Mode::CreateTables);
        for time in times {
            plain.engine.step(plain.changes(time), Time::at(time)).unwrap();
        }
        assert_eq!(self.contents(), plain.contents());
        self.engine.check().unwrap();
    }
}

#[test]
fn steps_in_sets_give_what_whole_steps_give() {
    for place in Place::all() {
        let mut opened = open(&place, Mode::CreateTables);
        let mut plain = open(&Place::Memory(Memory::new()), Mode::CreateTables);
        for time in 0..8 {
            if time % 3 == 0 {
                drop(opened);
                opened = open(&place, Mode::Open);
            }
            let given = opened.step(time).unwrap();
            let expected = plain.engine.step(plain.changes(time), Time::at(time)).unwrap();
            assert_eq!(given.get(&opened.out).unwrap(), expected.get(&plain.out).unwrap());
            assert_eq!((given.stats().scanned, opened.engine.time().unwrap()), (expected.stats().scanned, time));
        }
        opened.expect(0..8);
        assert_eq!(opened.step(7).unwrap_err().kind(), ErrorKind::ConditionFailed, "a time that is over");
    }
}

#[test]
fn a_step_that_was_cut_short_is_seen_in_part_and_gone_on_with() {
    for place in Place::all() {
        let mut opened = open(&place, Mode::CreateTables);
        opened.step(1).unwrap();
        let [early, late] = opened.contents();
        opened.half(2);
        let [half, same] = opened.contents();
        assert!(half != early && same == late, "the first operators are through, the others are not");
        assert_eq!(opened.engine.time().unwrap(), 1);
        drop(opened);
        let mut opened = open(&place, Mode::Open);
        assert_eq!(opened.engine.check().unwrap_err().kind(), ErrorKind::Conflict);
        let whole = opened.engine.step(opened.changes(2), Time::at(2)).unwrap_err();
        assert_eq!(whole.kind(), ErrorKind::ConditionFailed, "the same step as one transaction would count double");
        let others = opened.engine.step(opened.changes(3), Time::at(2).with_flush_every_set(true)).unwrap_err();
        assert!(others.to_string().contains("begun with other changes"), "{others}");
        let mut plain = open(&Place::Memory(Memory::new()), Mode::CreateTables);
        plain.engine.step(plain.changes(1), Time::at(1)).unwrap();
        let expected = plain.engine.step(plain.changes(2), Time::at(2)).unwrap();
        assert_eq!(opened.step(2).unwrap().get(&opened.out).unwrap(), expected.get(&plain.out).unwrap());
        opened.expect([1, 2]);
    }
}

#[test]
fn a_step_that_cannot_succeed_is_taken_back() {
    for place in Place::all() {
        let mut opened = open(&place, Mode::CreateTables);
        opened.step(1).unwrap();
        let bad = opened.changes(2).insert(&opened.rows, [(3, 13)]);
        let error = opened.engine.step(bad, Time::at(2).with_flush_every_set(true)).unwrap_err();
        assert_eq!(error.to_string(), "invalid: thirteen is not counted, operator: checked");
        assert_eq!(opened.engine.time().unwrap(), 2, "its time is released");
        opened.expect([1]);
        let refused = |_: &Deltas| Err(Error::invalid("refused"));
        let changes = opened.changes(3);
        opened.engine.step_then(changes, Time::at(3).with_flush_every_set(true), refused).unwrap_err();
        opened.expect([1]);
        opened.follow(4).unwrap();
        opened.expect([1, 4]);
    }
}

/// An operator that keeps nothing was added to the program between two attempts: all numbers meant the next operator, and
/// some operators got the step twice.
#[test]
fn only_the_circuit_that_began_a_step_goes_on_with_it() {
    for place in Place::all() {
        let mut opened = open(&place, Mode::CreateTables);
        opened.step(1).unwrap();
        opened.half(2);
        drop(opened);
        let options = EngineOptions::default().with_frontier_wait(Duration::from_millis(40));
        let mut other = open_behind(&place, Mode::Open, options, |rows| {
            rows.neg("negative").output("extra");
        });
        let released = other.engine.release(Time::at(2)).unwrap_err();
        for error in [other.step(2).unwrap_err(), other.follow(3).unwrap_err(), released] {
            assert_eq!(error.kind(), ErrorKind::ConditionFailed);
            assert!(error.to_string().contains("begun by another circuit"), "{error}");
        }
        drop(other);
        let mut opened = open(&place, Mode::Open);
        opened.step(2).unwrap();
        opened.expect([1, 2]);
    }
}

/// A worker's step could not succeed, and the one before it, which another worker had in hand, was taken back with it.
#[test]
fn a_step_that_cannot_succeed_leaves_the_one_before_alone() {
    for place in Place::all() {
        let mut opened = open(&place, Mode::CreateTables);
        opened.step(1).unwrap();
        opened.half(2);
        let sum_leaves_its_range = Changes::new().insert(&opened.rows, [(0, i64::MAX), (0, i64::MAX - 1)]);
        let times = Time::at(3).with_frontier(2).with_flush_every_set(true);
        let error = opened.engine.step(sum_leaves_its_range, times).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("time_not_released: unavailable"), "{error}");
        assert_eq!(opened.engine.time().unwrap(), 1);
        opened.step(2).unwrap();
        opened.engine.release(Time::at(3).with_frontier(2)).unwrap();
        opened.expect([1, 2]);
    }
}

#[test]
fn a_step_is_taken_back_from_under_one_that_followed() {
    for place in Place::all() {
        let mut opened = open(&place, Mode::CreateTables);
        opened.step(1).unwrap();
        opened.half(2);
        // It comes as far as the one before, and waits there.
        assert_eq!(opened.follow(3).unwrap_err().kind(), ErrorKind::Unavailable);
        opened.engine.release(Time::at(2)).unwrap();
        opened.follow(3).unwrap();
        opened.expect([1, 3]);
    }
}

#[test]
fn an_abandoned_step_is_taken_back_by_those_who_wait() {
    for place in Place::all() {
        let options = EngineOptions::default().with_abandoned_after(Duration::from_millis(30));
        let mut opened = open_with(&place, Mode::CreateTables, options);
        opened.step(1).unwrap();
        opened.half(2);
        opened.follow(3).unwrap();
        opened.expect([1, 3]);
        assert_eq!(opened.step(2).unwrap_err().kind(), ErrorKind::ConditionFailed, "a writer that comes back is told");
    }
}

#[test]
fn what_remembers_the_step_before_is_gone_on_with_but_not_taken_back() {
    for place in Place::all() {
        let is_down = Arc::new(AtomicBool::new(true));
        let open = |mode| {
            let builder = Builder::new();
            let (input, rows) = builder.input::<i64>("rows");
            let sums = rows.integrate("first").differentiate("between").integrate("second");
            let seen = Arc::clone(&is_down);
            let checked = sums.try_map("checked", move |row| match seen.load(Ordering::Relaxed) {
                true => Err(Error::new(ErrorKind::Unavailable, "a service is away")),
                false => Ok(*row),
            });
            let kept = checked.distinct("set").cache("kept");
            (Engine::open(builder.build().unwrap(), place.open(), mode).unwrap(), input, kept)
        };
        let time = |time| Time::at(time).with_flush_every_set(true);
        let (mut engine, input, _) = open(Mode::CreateTables);
        engine.step(Changes::new().insert(&input, [1]), time(0)).unwrap_err();
        let error = engine.release(Time::at(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("operator: first"), "{error}");
        drop(engine);
        is_down.store(false, Ordering::Relaxed);
        let (mut engine, input, kept) = open(Mode::Open);
        engine.step(Changes::new().insert(&input, [1]), time(0)).unwrap();
        engine.step(Changes::new().insert(&input, [5]), time(1)).unwrap();
        assert_eq!(engine.read(&kept).unwrap().all().unwrap(), ZSet::from_rows([1, 5]).unwrap());
    }
}

#[test]
fn workers_follow_each_other_from_operator_to_operator() {
    for place in Place::all().into_iter().filter(|place| !place.is_exclusive()) {
        drop(open(&place, Mode::CreateTables));
        let patient = EngineOptions::default().with_frontier_wait(Duration::from_secs(120));
        std::thread::scope(|scope| {
            for worker in 0..3 {
                let (place, patient) = (&place, patient.clone());
                scope.spawn(move || {
                    let mut opened = open_with(place, Mode::Open, patient);
                    for time in (0..15).filter(|time| time % 3 == worker) {
                        opened.follow(time).unwrap();
                    }
                });
            }
        });
        let mut opened = open(&place, Mode::Open);
        assert_eq!(opened.engine.time().unwrap(), 14);
        opened.expect(0..15);
    }
}

/// An input that comes after an operator with state was not remembered, so that the step was taken for another one.
#[test]
fn inputs_may_come_after_operators() {
    for place in Place::all() {
        let is_down = Arc::new(AtomicBool::new(true));
        let open = |mode| {
            let builder = Builder::new();
            let (left, rows) = builder.input::<Pair>("left");
            let sums = rows.sum("sums", |row| row.0, |row| row.1);
            let (right, names) = builder.input::<Pair>("right");
            let seen = Arc::clone(&is_down);
            let checked = names.try_map("checked", move |row| match seen.load(Ordering::Relaxed) {
                true => Err(Error::new(ErrorKind::Unavailable, "a service is away")),
                false => Ok(*row),
            });
            let kept = sums.join("joined", checked, |row| row.0, |row| row.0, |sum, name| (sum.1, name.1));
            let kept = kept.cache("kept");
            (Engine::open(builder.build().unwrap(), place.open(), mode).unwrap(), left, right, kept)
        };
        let time = |time| Time::at(time).with_flush_every_set(true);
        let (mut engine, left, right, _) = open(Mode::CreateTables);
        let changes = || Changes::new().insert(&left, [(1, 10), (1, 20)]).insert(&right, [(1, 7)]);
        assert_eq!(engine.step(changes(), time(0)).unwrap_err().kind(), ErrorKind::Unavailable);
        engine.release(Time::at(0)).unwrap();
        engine.check().unwrap();
        assert_eq!(engine.step(changes(), time(1)).unwrap_err().kind(), ErrorKind::Unavailable);
        drop(engine);
        is_down.store(false, Ordering::Relaxed);
        let (mut engine, left, right, kept) = open(Mode::Open);
        let others = Changes::new().insert(&left, [(1, 10), (1, 20)]).insert(&right, [(1, 8)]);
        assert_eq!(engine.step(others, time(1)).unwrap_err().kind(), ErrorKind::Invalid);
        let changes = Changes::new().insert(&left, [(1, 10), (1, 20)]).insert(&right, [(1, 7)]);
        engine.step(changes, time(1)).unwrap();
        assert_eq!(engine.read(&kept).unwrap().all().unwrap(), ZSet::from_rows([(30, 7)]).unwrap());
        engine.check().unwrap();
    }
}

#[test]
fn a_step_in_sets_needs_a_time() {
    let mut opened = open(&Place::Memory(Memory::new()), Mode::CreateTables);
    let error = opened.engine.step(opened.changes(1), Time::none().with_flush_every_set(true)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("needs an input_time"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any circuit, with deletions and reopening.
    #[test]
    fn any_circuit_gives_the_same_in_sets(nodes in circuits(8), events in events(12)) {
        let (whole, sets) = (Place::Memory(Memory::new()), Place::Memory(Memory::new()));
        let (mut whole, mut sets) = (Running::new(&nodes, &whole), Running::new(&nodes, &sets));
        for (time, event) in events.iter().enumerate() {
            whole.apply(event);
            match event {
                Event::Step(changes) => sets.step_at(changes, Time::at(time as i64).with_flush_every_set(true)),
                Event::Reopen => sets.apply(event),
            }
            prop_assert_eq!(&whole.outputs, &sets.outputs);
        }
    }
}
