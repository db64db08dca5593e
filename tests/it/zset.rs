//! Standing views: circuits over runs and ticks, opened again, on forks, and with their changes as rows of the world.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use worldstore::arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, UInt64Array};
use worldstore::arrow::datatypes::{Int64Type, UInt64Type};
use worldstore::core::ErrorKind;
use worldstore::core::table::Scan;
use worldstore::zset::store::{Memory, Mode};
use worldstore::zset::{Builder, Cache, Desc, Feed, Output, Sink, Standing, ZSet};
use worldstore::{Run, View};

use crate::bed::{Bed, on_each_format};

/// A row of the table `position`; the other columns are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Position {
    entity: u64,
    tick: i64,
    active: bool,
    cell: i64,
}

/// How many entities a cell has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Crowd {
    entity: u64,
    count: i64,
}

struct Crowds {
    view: Standing,
    kept: Cache<Crowd>,
    changes: Output<Crowd>,
}

/// The newest position of each entity, counted by cell.
fn crowds(memory: &Memory, mode: Mode) -> Crowds {
    let builder = Builder::new();
    let (feed, positions) = Feed::new::<Position>(&builder, "positions", "position").unwrap();
    let newest = positions.top_k("newest", 1, |row| row.entity, |row| Desc(row.tick));
    let counts = newest.filter("active", |row| row.active).count("counts", |row| row.cell);
    let crowds = counts.map("crowds", |(cell, count)| Crowd { entity: cell.unsigned_abs(), count: *count });
    let (kept, changes) = (crowds.cache("kept"), crowds.output("changes"));
    let sink = Sink::new(crowds.output("appended"), "crowd").unwrap();
    let view = Standing::open(builder.build().unwrap(), memory.clone(), mode, vec![feed], vec![sink]).unwrap();
    Crowds { view, kept, changes }
}

fn rows(cells: &[(u64, i64)]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 3] = [
        ("entity", Arc::new(UInt64Array::from_iter_values(cells.iter().map(|(entity, _)| *entity)))),
        ("cell", Arc::new(Int64Array::from_iter_values(cells.iter().map(|(_, cell)| *cell)))),
        ("unused", Arc::new(Float64Array::from_iter_values(cells.iter().map(|_| 0.5)))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Ten ticks in which five entities walk over three cells.
async fn walk(run: &Run, ticks: std::ops::RangeInclusive<i64>) {
    for tick in ticks {
        let cells: Vec<_> = (0..5_u64)
            .filter(|entity| !(entity + tick as u64).is_multiple_of(3))
            .map(|entity| (entity, (entity as i64 * tick) % 3))
            .collect();
        drop(run.append(tick, "position", &rows(&cells)).await.unwrap());
    }
}

/// What the view should hold: the state of the table, counted.
async fn expected(view: &View) -> ZSet<Crowd> {
    let mut newest = std::collections::BTreeMap::new();
    for batch in view.collect("position", &Scan::all()).await.unwrap() {
        let (entity, tick) = (batch["entity"].as_primitive::<UInt64Type>(), batch["tick"].as_primitive::<Int64Type>());
        let cell = batch["cell"].as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let place = newest.entry(entity.value(row)).or_insert((i64::MIN, 0));
            *place = (*place).max((tick.value(row), cell.value(row)));
        }
    }
    let mut counts = std::collections::BTreeMap::new();
    newest.values().for_each(|(_, cell)| *counts.entry(*cell).or_insert(0) += 1);
    ZSet::from_rows(counts.into_iter().map(|(cell, count)| Crowd { entity: cell as u64, count })).unwrap()
}

impl Crowds {
    fn state(&mut self) -> ZSet<Crowd> {
        self.view.engine().unwrap().read(&self.kept).unwrap().all().unwrap()
    }
}

/// The sum of what was appended up to a tick.
async fn appended(view: &View) -> ZSet<Crowd> {
    let mut sum = ZSet::new();
    for batch in view.collect("crowd", &Scan::all()).await.unwrap() {
        let (entity, count) =
            (batch["entity"].as_primitive::<UInt64Type>(), batch["count"].as_primitive::<Int64Type>());
        let weight = batch["weight"].as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let crowd = Crowd { entity: entity.value(row), count: count.value(row) };
            sum.add(crowd, weight.value(row)).unwrap();
        }
    }
    sum
}

on_each_format!(
    a_view_follows_a_run_and_its_changes_are_rows,
    a_view_goes_on_after_reopening_and_on_a_fork,
    rows_that_come_too_late_are_noticed,
    what_was_appended_before_a_crash_is_not_appended_again,
);

async fn a_view_follows_a_run_and_its_changes_are_rows(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    walk(&run, 0..=9).await;
    let (memory, mut sum) = (Memory::new(), ZSet::new());
    let mut crowds = crowds(&memory, Mode::CreateTables);
    for until in [3, 4, 9] {
        for step in crowds.view.advance(&run, until).await.unwrap() {
            step.deltas.apply(&crowds.changes, &mut sum).unwrap();
        }
        assert_eq!(crowds.state(), expected(&run.as_of(until)).await);
        assert_eq!(crowds.view.tick().unwrap(), until);
    }
    assert_eq!(sum, crowds.state());
    for tick in 0..=9 {
        assert_eq!(appended(&run.as_of(tick)).await, expected(&run.as_of(tick)).await, "tick {tick}");
    }
    assert!(crowds.view.advance(&run, 9).await.unwrap().is_empty());
    world.shutdown().await.unwrap();
}

async fn a_view_goes_on_after_reopening_and_on_a_fork(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    walk(&run, 0..=6).await;
    let memory = Memory::new();
    let mut first = crowds(&memory, Mode::CreateTables);
    first.view.advance(&run, 4).await.unwrap();
    drop(first);
    let fork = run.fork("other", 4).await.unwrap();
    drop(fork.append(5, "position", &rows(&[(0, 2), (9, 2)])).await.unwrap());
    // The state that was left at the tick of the fork is the fork's history too.
    let mut on_fork = crowds(&memory, Mode::Open);
    let steps = on_fork.view.advance(&fork, 5).await.unwrap();
    assert_eq!(steps.iter().map(|step| step.tick).collect::<Vec<_>>(), [5]);
    assert_eq!(on_fork.state(), expected(&fork.as_of(5)).await);
    // From the beginning, in one step, to a past tick, and on from there.
    let fresh = Memory::new();
    let mut late = crowds(&fresh, Mode::CreateTables);
    late.view.catch_up(&fork, 3).await.unwrap();
    assert_eq!(late.state(), expected(&run.as_of(3)).await);
    let mut on_main = crowds(&Memory::new(), Mode::CreateTables);
    on_main.view.catch_up(&run, i64::MAX).await.unwrap();
    assert_eq!(on_main.state(), expected(&run.now()).await);
    // What the first view has appended is not appended again.
    assert_eq!(appended(&run.now()).await, expected(&run.now()).await);
    // A view that has passed the fork in one run has not the other's history.
    let error = on_fork.view.advance(&run, 6).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    world.shutdown().await.unwrap();
}

async fn rows_that_come_too_late_are_noticed(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    walk(&run, 0..=3).await;
    let mut crowds = crowds(&Memory::new(), Mode::CreateTables);
    crowds.view.advance(&run, 3).await.unwrap();
    drop(run.append(2, "position", &rows(&[(77, 1)])).await.unwrap());
    let error = crowds.view.advance(&run, 3).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("table: position, tick: 3"), "{error}");
    world.shutdown().await.unwrap();
}

async fn what_was_appended_before_a_crash_is_not_appended_again(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    walk(&run, 0..=2).await;
    let done = Memory::new();
    let mut first = crowds(&done, Mode::CreateTables);
    first.view.advance(&run, 2).await.unwrap();
    // The rows of the last tick are there, and the step's commit is lost.
    let cut_short = Memory::new();
    drop(crowds(&cut_short, Mode::CreateTables));
    for until in [0, 1, 2] {
        let mut again = crowds(&cut_short, Mode::Open);
        again.view.advance(&run, until).await.unwrap();
    }
    for tick in 0..=2 {
        assert_eq!(appended(&run.as_of(tick)).await, expected(&run.as_of(tick)).await, "tick {tick}");
    }
    world.shutdown().await.unwrap();
}

#[test]
fn outputs_that_are_no_rows_of_a_table_are_refused() {
    let builder = Builder::new();
    let (_, positions) = Feed::new::<Position>(&builder, "positions", "position").unwrap();
    let reserved = Sink::new(positions.output("all"), "copy").unwrap_err();
    assert_eq!(reserved.kind(), ErrorKind::Invalid);
    assert!(reserved.to_string().contains("field: tick"), "{reserved}");
    let without = Sink::new(positions.map("pairs", |row| (row.entity, row.cell)).output("pair"), "copy").unwrap_err();
    assert!(without.to_string().contains("no field entity"), "{without}");
    let no_name = Feed::new::<Position>(&builder, "others", "no name/").err().unwrap();
    assert_eq!(no_name.kind(), ErrorKind::Invalid);
}
