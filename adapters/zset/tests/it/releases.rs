//! Which failed steps give up their time, and which keep it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use worldstore_core::{Error, ErrorKind, Result};
use worldstore_zset::store::Mode;
use worldstore_zset::{Builder, Cache, Changes, Engine, EngineOptions, Input, Time, ZSet};

use super::support::Place;

/// What an operator in the middle of a circuit does with a row.
type Action = Box<dyn Fn() -> Result<()> + Send>;

struct Opened {
    engine: Engine,
    rows: Input<i64>,
    kept: Cache<i64>,
    action: Arc<Mutex<Option<Action>>>,
}

fn open(place: &Place) -> Opened {
    let builder = Builder::new();
    let (rows, stream) = builder.input::<i64>("rows");
    let action: Arc<Mutex<Option<Action>>> = Arc::default();
    let seen = Arc::clone(&action);
    let checked = stream.distinct("before").try_map("checked", move |row| match &*seen.lock().unwrap() {
        Some(action) => action().map(|()| *row),
        None => Ok(*row),
    });
    let kept = checked.cache("kept");
    let options = EngineOptions::default().with_frontier_wait(Duration::from_millis(40));
    let engine = Engine::open_with(builder.build().unwrap(), place.open(), Mode::CreateTables, options).unwrap();
    Opened { engine, rows, kept, action }
}

impl Opened {
    fn step(&mut self, row: i64, time: Time) -> Result<()> {
        self.engine.step(Changes::new().insert(&self.rows, [row]), time).map(drop)
    }

    fn expect(&mut self, rows: impl IntoIterator<Item = i64>) {
        assert_eq!(self.engine.read(&self.kept).unwrap().all().unwrap(), ZSet::from_rows(rows).unwrap());
    }
}

/// The disk was full for a moment, the step's time was used up, and its rows were refused ever after.
#[test]
fn a_step_keeps_its_time_if_the_fault_is_not_its_own() {
    let elsewhere = [
        ErrorKind::StorageFull,
        ErrorKind::PermissionDenied,
        ErrorKind::Poisoned,
        ErrorKind::Fenced,
        ErrorKind::Corrupt,
        ErrorKind::Unexpected,
        ErrorKind::Unavailable,
        ErrorKind::OutcomeUnknown,
    ];
    for place in Place::all() {
        for flush in [false, true] {
            let mut opened = open(&place);
            let first = opened.engine.time().unwrap() + 1;
            for (time, kind) in (first..).zip(elsewhere) {
                let at = Time::at(time).with_flush_every_set(flush);
                *opened.action.lock().unwrap() = Some(Box::new(move || Err(Error::new(kind, "something is wrong"))));
                assert_eq!(opened.step(time, at).unwrap_err().kind(), kind);
                assert_eq!(opened.engine.time().unwrap(), time - 1, "{kind}");
                *opened.action.lock().unwrap() = None;
                opened.step(time, at).unwrap();
            }
            opened.expect(0..first + 8);
        }
        let mut opened = open(&place);
        for (time, kind) in (16..).zip([ErrorKind::Invalid, ErrorKind::Unsupported]) {
            *opened.action.lock().unwrap() = Some(Box::new(move || Err(Error::new(kind, "the row is wrong"))));
            assert_eq!(opened.step(99, Time::at(time)).unwrap_err().kind(), kind);
            assert_eq!(opened.engine.time().unwrap(), time, "{kind}");
        }
    }
}

/// Such steps failed before the first operator, and those behind them waited for ever.
#[test]
fn a_step_that_cannot_begin_releases_its_time() {
    for place in Place::all() {
        let builder = Builder::new();
        let (foreign, _) = builder.input::<i64>("foreign");
        let mut opened = open(&place);
        let too_many = Changes::new().weigh(&opened.rows, [(1, i64::MAX), (1, 1)]);
        let error = opened.engine.step(too_many, Time::at(0)).unwrap_err();
        assert_eq!((error.kind(), opened.engine.time().unwrap()), (ErrorKind::Invalid, 0));
        let of_another = Changes::new().insert(&foreign, [1]);
        let error = opened.engine.step(of_another, Time::at(1).with_frontier(0)).unwrap_err();
        assert_eq!((error.kind(), opened.engine.time().unwrap()), (ErrorKind::Invalid, 1));
        let of_another = Changes::new().insert(&foreign, [1]);
        let error = opened.engine.step(of_another, Time::at(9).with_frontier(8)).unwrap_err();
        assert!(error.to_string().contains("time_not_released: unavailable"), "{error}");
        assert_eq!(opened.engine.time().unwrap(), 1);
    }
}

#[test]
fn a_step_in_sets_on_a_store_made_without_them_releases_its_time() {
    for place in Place::all() {
        let make = || {
            let builder = Builder::new();
            let (rows, stream) = builder.input::<i64>("rows");
            stream.cache("kept");
            (builder.build().unwrap(), rows)
        };
        let (circuit, _) = make();
        let tables: Vec<_> = circuit.tables().collect();
        place.open().prepare(&tables, Mode::CreateTables).unwrap();
        let (circuit, rows) = make();
        let mut engine = Engine::open(circuit, place.open(), Mode::Open).unwrap();
        let time = Time::at(1).with_flush_every_set(true);
        let error = engine.step(Changes::new().insert(&rows, [1]), time).unwrap_err();
        assert_eq!((error.kind(), engine.time().unwrap()), (ErrorKind::Unsupported, 1));
    }
}

/// The server ends a session that is idle within a transaction.
#[cfg(feature = "postgres")]
#[test]
fn a_step_whose_session_the_server_ends_can_be_made_again() {
    let Some(Place::Postgres(schema)) = Place::postgres() else { return };
    let mark = if schema.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{mark}options[idle_in_transaction_session_timeout]=40", schema.url);
    let place = Place::Postgres(super::server::Schema { url, name: schema.name.clone() });
    let mut opened = open(&place);
    let pause = || {
        std::thread::sleep(Duration::from_millis(300));
        Ok(())
    };
    *opened.action.lock().unwrap() = Some(Box::new(pause));
    let error = opened.step(1, Time::at(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    *opened.action.lock().unwrap() = None;
    opened.step(1, Time::at(1)).unwrap();
    opened.expect([1]);
}

/// Changes that are all those since a time: applied behind another one, some of them would be there twice, and given up, for
/// ever missing.
#[test]
fn a_step_that_follows_a_time_follows_no_other_and_gives_nothing_up() {
    for place in Place::all() {
        let mut opened = open(&place);
        opened.step(1, Time::at(5).with_after(-1)).unwrap();
        let late = opened.step(2, Time::at(9).with_after(-1)).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::ConditionFailed, "{late}");
        let late = opened.engine.release(Time::at(9).with_after(4)).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::ConditionFailed, "{late}");
        *opened.action.lock().unwrap() = Some(Box::new(|| Err(Error::invalid("no row of ours"))));
        for _ in 0..2 {
            let error = opened.step(2, Time::at(9).with_after(5)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            assert_eq!(opened.engine.time().unwrap(), 5);
        }
        *opened.action.lock().unwrap() = None;
        opened.step(2, Time::at(9).with_after(5)).unwrap();
        opened.engine.release(Time::at(11).with_after(9)).unwrap();
        assert_eq!(opened.engine.time().unwrap(), 11);
        opened.expect([1, 2]);
        let both = Time::at(12).with_after(11).with_flush_every_set(true);
        assert_eq!(opened.step(3, both).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
