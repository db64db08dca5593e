//! Steps that are cut short between their append and their commit, and appends that fail, over worlds in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt64Array};
use arrow::datatypes::{Int64Type, UInt64Type};
use serde::{Deserialize, Serialize};
use worldstore_core::ErrorKind;
use worldstore_core::table::{RemoveTableOptions, Scan, TableName};
use worldstore_zset::Builder;
use worldstore_zset::store::{Memory, Mode};

use crate::zset::{Feed, Sink, Standing};
use crate::{Run, World, WorldOptions};

/// A row of the table `items`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Item {
    entity: u64,
    x: i64,
}

/// The sum of all `x` of an entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Total {
    entity: u64,
    total: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sinks {
    One,
    None,
}

fn open(memory: &Memory, mode: Mode, sinks: Sinks) -> Standing {
    let builder = Builder::new();
    let (feed, items) = Feed::new::<Item>(&builder, "items", "items").unwrap();
    let totals = items.sum("sums", |item| item.entity, |item| item.x);
    let totals = totals.map("totals", |(entity, total)| Total { entity: *entity, total: *total });
    let sink = Sink::new(totals.output("appended"), "totals").unwrap();
    let sinks = if sinks == Sinks::One { vec![sink] } else { Vec::new() };
    Standing::open(builder.build().unwrap(), memory.clone(), mode, vec![feed], sinks).unwrap()
}

fn rows(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.iter().cloned()).unwrap()
}

/// One row for each of two entities at each tick.
async fn fill(run: &Run, ticks: std::ops::RangeInclusive<i64>) {
    for tick in ticks {
        let entities: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2]));
        let x: ArrayRef = Arc::new(Int64Array::from(vec![1, 10 * tick]));
        drop(run.append(tick, "items", &rows(&[("entity", entities), ("x", x)])).await.unwrap());
    }
}

/// What the sink says of a tick: the weights of its rows, summed.
async fn sunk(run: &Run, tick: i64) -> BTreeMap<(u64, i64), i64> {
    let mut sums = BTreeMap::new();
    for batch in run.as_of(tick).collect("totals", &Scan::all()).await.unwrap() {
        let (entity, total, weight) = (&batch["entity"], &batch["total"], &batch["weight"]);
        let (entity, total) = (entity.as_primitive::<UInt64Type>(), total.as_primitive::<Int64Type>());
        for row in 0..batch.num_rows() {
            let weight = weight.as_primitive::<Int64Type>().value(row);
            *sums.entry((entity.value(row), total.value(row))).or_insert(0) += weight;
        }
    }
    sums.retain(|_, weight| *weight != 0);
    sums
}

/// What it should say, with one row for each entity.
fn expected(tick: i64) -> BTreeMap<(u64, i64), i64> {
    [((1, tick + 1), 1), ((2, (0..=tick).map(|tick| 10 * tick).sum()), 1)].into()
}

/// A world with eight ticks and a view that has come to tick 2; its store twice, so that one can forget what the other does.
async fn at_two() -> (Run, Memory, Memory) {
    let run = World::create("memory:", &WorldOptions::default()).await.unwrap().run("main").await.unwrap();
    fill(&run, 0..=7).await;
    let (kept, lost) = (Memory::new(), Memory::new());
    open(&kept, Mode::CreateTables, Sinks::One).advance(&run, 2).await.unwrap();
    open(&lost, Mode::CreateTables, Sinks::None).advance(&run, 2).await.unwrap();
    (run, kept, lost)
}

#[tokio::test]
async fn what_a_step_over_many_ticks_has_appended_is_not_appended_again() {
    for is_each in [true, false] {
        let (run, kept, lost) = at_two().await;
        assert_eq!(open(&kept, Mode::Open, Sinks::One).catch_up(&run, 5).await.unwrap().len(), 1);
        // Its commit is lost, and the next call goes further.
        let mut again = open(&lost, Mode::Open, Sinks::One);
        let steps = match is_each {
            true => again.advance(&run, 7).await.unwrap(),
            false => again.catch_up(&run, 7).await.unwrap(),
        };
        let ticks: Vec<i64> = steps.iter().map(|step| step.tick).collect();
        assert_eq!(ticks, if is_each { vec![5, 6, 7] } else { vec![5, 7] });
        for tick in [2, 5, 7] {
            assert_eq!(sunk(&run, tick).await, expected(tick), "tick {tick}, each: {is_each}");
        }
        assert!(again.advance(&run, 7).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_a_step_of_one_tick_has_appended_is_not_appended_again_by_one_of_many() {
    let (run, kept, lost) = at_two().await;
    open(&kept, Mode::Open, Sinks::One).advance(&run, 3).await.unwrap();
    let steps = open(&lost, Mode::Open, Sinks::One).catch_up(&run, 7).await.unwrap();
    assert_eq!(steps.iter().map(|step| step.tick).collect::<Vec<_>>(), [3, 7]);
    for tick in [2, 3, 7] {
        assert_eq!(sunk(&run, tick).await, expected(tick), "tick {tick}");
    }
}

#[tokio::test]
async fn a_tick_in_the_middle_of_what_was_appended_is_refused() {
    let (run, kept, lost) = at_two().await;
    open(&kept, Mode::Open, Sinks::One).catch_up(&run, 5).await.unwrap();
    let mut again = open(&lost, Mode::Open, Sinks::One);
    let refused = again.advance(&run, 4).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.to_string().contains("tick: 5"), "{refused}");
    assert_eq!(again.tick().unwrap(), 2, "nothing was applied");
    again.advance(&run, 5).await.unwrap();
    assert_eq!(sunk(&run, 5).await, expected(5));
}

#[tokio::test]
async fn rows_that_came_to_what_was_appended_are_noticed() {
    let (run, kept, lost) = at_two().await;
    open(&kept, Mode::Open, Sinks::One).advance(&run, 3).await.unwrap();
    let (entity, x): (ArrayRef, ArrayRef) = (Arc::new(UInt64Array::from(vec![9])), Arc::new(Int64Array::from(vec![1])));
    drop(run.append(3, "items", &rows(&[("entity", entity), ("x", x)])).await.unwrap());
    let mut again = open(&lost, Mode::Open, Sinks::One);
    assert_eq!(again.advance(&run, 5).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(again.tick().unwrap(), 2);
}

#[tokio::test]
async fn a_tick_whose_append_fails_is_not_passed_over() {
    let (run, kept, _) = at_two().await;
    let (world, table) = (run.world(), TableName::new("totals").unwrap());
    let mut view = open(&kept, Mode::Open, Sinks::One);
    // Another table has the name of the sink's.
    world.table_backend().remove(&table, &RemoveTableOptions::default()).await.unwrap();
    let entity: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
    drop(run.append(0, "totals", &rows(&[("entity", entity)])).await.unwrap());
    let refused = view.advance(&run, 4).await.unwrap_err();
    assert_eq!((refused.kind(), refused.retry()), (ErrorKind::Invalid, worldstore_core::Retry::Never));
    assert_eq!(view.tick().unwrap(), 2, "it can be tried again");
    world.table_backend().remove(&table, &RemoveTableOptions::default()).await.unwrap();
    assert_eq!(view.advance(&run, 4).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_fork_shares_is_not_appended_to_it() {
    let world = World::create("memory:", &WorldOptions::default()).await.unwrap();
    let main = world.run("main").await.unwrap();
    fill(&main, 0..=3).await;
    for is_each in [true, false] {
        let run = main.fork(if is_each { "each" } else { "once" }, 3).await.unwrap();
        fill(&run, 4..=6).await;
        let mut view = open(&Memory::new(), Mode::CreateTables, Sinks::One);
        let steps = match is_each {
            true => view.advance(&run, 6).await.unwrap(),
            false => view.catch_up(&run, 6).await.unwrap(),
        };
        assert_eq!(steps.len(), if is_each { 7 } else { 2 });
        let count = async |tick| run.as_of(tick).count("totals").await.unwrap();
        // Of each entity a total that goes and one that comes.
        assert_eq!((count(3).await, count(6).await), (0, if is_each { 12 } else { 4 }));
    }
}

#[tokio::test]
async fn whoever_goes_away_in_the_middle_of_a_step_can_go_on() {
    let (run, kept, _) = at_two().await;
    let mut view = open(&kept, Mode::Open, Sinks::One);
    let mut patience = Duration::ZERO;
    while let Err(_elapsed) = tokio::time::timeout(patience, view.advance(&run, 7)).await {
        // A little longer each time, so that it is left wherever it waits.
        patience += Duration::from_micros(100);
    }
    assert!(!patience.is_zero());
    assert!(view.advance(&run, 7).await.unwrap().is_empty());
    for tick in [2, 5, 7] {
        assert_eq!(sunk(&run, tick).await, expected(tick), "tick {tick}");
    }
}
