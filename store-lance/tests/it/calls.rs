//! Calls of the backend that fail or whose answer is lost, under everything that changes a table.
//!
//! By default a few places are tried; with `WORLDSTORE_TEST_EVERY_CALL` set, each call in turn.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::{DataType, Field};
use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_lance::LanceTables;

use crate::scripted::{ScriptedBackend, Verdict};
use crate::support::{cells, create_world, indexing, memory, name, once, world_rows};

const EVERY_CALL: &str = "WORLDSTORE_TEST_EVERY_CALL";
const ENTITIES: u64 = 4;

/// Which calls the fault is in.
#[derive(Debug, Clone, Copy)]
enum Place {
    At(u64),
    Every(u64),
}

impl Place {
    fn is(self, number: u64) -> bool {
        match self {
            Self::At(at) => number == at,
            Self::Every(period) => number.is_multiple_of(period),
        }
    }
}

/// What an expected table looks like.
#[derive(Debug, Default)]
struct Model {
    ticks: u64,
    columns: usize,
}

impl Model {
    fn cells(&self) -> Vec<(i64, u64)> {
        (0..self.ticks as i64).flat_map(|tick| (0..ENTITIES).map(move |entity| (tick, entity))).collect()
    }
}

fn expect_typed(error: &Error, at: &str) {
    assert_ne!(error.kind(), ErrorKind::Unexpected, "{at}: {error:?}");
}

/// The table through a handle of its own and no faults: every row once, by a scan and by the indexes.
async fn expect(backend: &Arc<dyn AsyncBackend>, model: &Model, at: &str) {
    let tables = indexing(backend.clone());
    let info = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.watermark, info.rows), (model.ticks, model.ticks * ENTITIES), "{at}");
    assert_eq!(info.schema.fields().len(), model.columns, "{at}");
    assert_eq!(cells(&tables, &Scan::all()).await.unwrap(), model.cells(), "{at}");
    let one = Scan::all().with_predicate(Predicate::eq(base::ENTITY, 2_u64));
    let of_one: Vec<_> = model.cells().into_iter().filter(|(_, entity)| *entity == 2).collect();
    assert_eq!(cells(&tables, &one).await.unwrap(), of_one, "{at}");
    let history = tables.history(&name("t"), &HistoryOptions::default()).await.unwrap();
    assert!(history.is_sorted_by_key(|version| version.watermark), "{at}: {history:?}");
}

/// Makes a step exactly once: with the fault, and if it did not happen then, without.
async fn step(tables: &LanceTables, backend: &Arc<dyn AsyncBackend>, model: &mut Model, at: &str) -> Result<()> {
    let tick = model.ticks;
    let mut batch = world_rows(tick as i64, tick + 1, 0..ENTITIES);
    let info = indexing(backend.clone()).describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    if info.schema.fields().len() > batch.num_columns() {
        let none = arrow::array::new_null_array(&DataType::Int64, batch.num_rows());
        let columns = batch.columns().iter().cloned().chain([none]).collect();
        batch = arrow::record_batch::RecordBatch::try_new(info.schema.clone(), columns).unwrap();
    }
    let appended = once(tables, tick, tick + 1, batch.clone()).await;
    let after = indexing(backend.clone()).describe(&name("t"), &DescribeOptions::default()).await.unwrap();
    match &appended {
        Ok(receipt) => assert_eq!((receipt.seq, after.watermark), (tick + 1, tick + 1), "{at}"),
        Err(error) => {
            expect_typed(error, at);
            if error.kind() != ErrorKind::OutcomeUnknown {
                assert_eq!(after.watermark, tick, "{at}: a certain failure, and it happened: {error:?}");
            }
        }
    }
    if after.watermark == tick {
        let _ = once(&indexing(backend.clone()), tick, tick + 1, batch).await.unwrap();
    }
    model.ticks += 1;
    appended.map(drop)
}

/// Everything that changes a table, with the fault. Returns how many calls there were and how many steps failed.
async fn play(place: Place, verdict: Verdict) -> (u64, usize) {
    let backend = memory();
    let mut model = Model { ticks: 0, columns: 7 };
    let sound = indexing(backend.clone());
    create_world(&sound).await;
    for tick in 0..3 {
        let _ = once(&sound, tick, tick + 1, world_rows(tick as i64, tick + 1, 0..ENTITIES)).await.unwrap();
        model.ticks += 1;
    }
    let on = Arc::new(AtomicBool::new(true));
    let (switch, fault) = (on.clone(), verdict.clone());
    let faulty = ScriptedBackend::new(backend.clone(), move |call| {
        match place.is(call.number) && switch.load(Ordering::SeqCst) {
            true => fault.clone(),
            false => Verdict::Pass,
        }
    });
    let tables = indexing(faulty.clone());
    let mut failed = 0;
    for round in 0..rounds() {
        for what in ["append", "compact", "append", "index", "evolve", "append", "expire"] {
            let at = format!("{what} in round {round}, {verdict:?} {place:?}");
            let table = name("t");
            let done = match what {
                "append" => step(&tables, &backend, &mut model, &at).await,
                "compact" => tables.compact(&table, &CompactOptions::default()).await.map(drop),
                "index" => tables.index(&table).await.map(drop),
                "expire" => tables.expire(&table, &ExpireOptions::default().with_keep(2)).await.map(drop),
                _ if model.columns == 7 => {
                    let field = Field::new("extra", DataType::Int64, true);
                    tables.evolve(&table, &EvolveOptions::add(vec![field])).await.map(drop)
                }
                _ => Ok(()),
            };
            if let Err(error) = &done {
                failed += 1;
                expect_typed(error, &at);
            }
            if what == "evolve" {
                let info = indexing(backend.clone()).describe(&table, &DescribeOptions::default()).await.unwrap();
                assert!(done.is_err() || info.schema.fields().len() == 8, "{at}");
                model.columns = info.schema.fields().len();
            }
            expect(&backend, &model, &at).await;
        }
    }
    // The handle that saw the faults is as good as a new one.
    on.store(false, Ordering::SeqCst);
    assert_eq!(cells(&tables, &Scan::all()).await.unwrap(), model.cells(), "{verdict:?} {place:?}");
    (faulty.calls(), failed)
}

fn rounds() -> usize {
    if std::env::var_os(EVERY_CALL).is_some() { 2 } else { 1 }
}

async fn everywhere(verdict: Verdict) {
    let (calls, failed) = play(Place::At(0), Verdict::Pass).await;
    assert!(calls > 60 && failed == 0, "{calls} calls, {failed} failed");
    let places: BTreeSet<u64> = match std::env::var_os(EVERY_CALL) {
        Some(_) => (1..=calls).collect(),
        None => (1..=6).map(|part| part * calls / 7 + part).collect(),
    };
    let mut failures = 0;
    for place in places.into_iter().map(Place::At).chain([5, 23].map(Place::Every)) {
        failures += play(place, verdict.clone()).await.1;
    }
    assert!(failures > 0, "no fault was felt");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_fail_lose_and_double_nothing() {
    everywhere(Verdict::Fail(ErrorKind::Unavailable)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_lost_lose_and_double_nothing() {
    everywhere(Verdict::Lose).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_untrue_lose_and_double_nothing() {
    everywhere(Verdict::Belie).await;
}
