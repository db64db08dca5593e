//! Checkpoints: opening reads one and the rows behind it, at any tick, and nothing of what was before.

use std::collections::BTreeMap;

use worldstore::Run;
use worldstore::arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, UInt64Array, new_null_array};
use worldstore::core::table::{CompactOptions, Predicate, Scan, TableName, base};
use worldstore::ecs::{AsyncStorage, Batch, ComponentValue, Entity, Local, Storage, Tick, Updates};
use worldstore::ecs::{WorldTables, WorldTablesOptions};

use super::steps::{Agent, Dice, Position, Shown, shown, updates};
use crate::bed::{Bed, on_each_format};

on_each_format!(
    opening_reads_what_is_behind_a_checkpoint,
    opening_needs_nothing_of_what_was_before,
    every_tick_opens_as_it_was_through_checkpoints,
    a_fork_begins_with_a_checkpoint_of_its_source,
    a_checkpoint_that_is_not_whole_is_passed_over,
    without_checkpoints_all_is_folded,
);

const EVERY: u64 = 120;

async fn open(run: &Run, rows: u64) -> WorldTables {
    WorldTables::open_with(run, &WorldTablesOptions::default().with_checkpoint_rows(rows)).await.unwrap()
}

async fn all(tables: &WorldTables) -> Shown {
    shown(&AsyncStorage::export(tables).await.unwrap())
}

fn position(x: u64) -> ComponentValue {
    ComponentValue::of(&Position { x: x as f32, y: 0.0 }).unwrap()
}

/// 40 entities, some of which share a value, are made in tick 1; each later tick moves ten of them, and ends and makes one.
fn batch(tick: u64, alive: &[Entity]) -> Batch {
    let mut updates = Updates::new();
    let agent = ComponentValue::of(&Agent).unwrap();
    if tick == 1 {
        (0..40).for_each(|number| _ = updates.spawn_values(vec![position(number), agent.clone().shared()]));
        return updates.to_batch().unwrap();
    }
    for entity in alive.iter().cycle().skip(tick as usize * 7 % 40).take(10) {
        updates.insert_value(*entity, position(tick));
    }
    let last = alive[tick as usize % alive.len()];
    updates.remove_named(alive[0], "agent").destroy(last);
    updates.spawn_values(vec![position(tick)]);
    updates.to_batch().unwrap()
}

/// Applies so many ticks to tables and to memory.
async fn run_ticks(tables: &mut WorldTables, local: &mut Local, count: u64) {
    for _ in 0..count {
        let state = Storage::export(local).unwrap();
        let (tick, alive) = (state.tick.0 + 1, state.allocator.alive().collect::<Vec<_>>());
        let batch = batch(tick, &alive);
        Storage::apply(local, &batch).unwrap();
        AsyncStorage::apply(tables, &batch).await.unwrap();
    }
    assert!(tables.trouble().is_none(), "{:?}", tables.trouble());
}

async fn opening_reads_what_is_behind_a_checkpoint(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let (mut tables, mut local) = (open(&run, EVERY).await, Local::new());
    let mut last = None;
    for _ in 0..8 {
        run_ticks(&mut tables, &mut local, 10).await;
        world.flush().await.unwrap();
        tables = open(&run, EVERY).await;
        assert_eq!(all(&tables).await, shown(&Storage::export(&local).unwrap()));
        // What is due between two checkpoints, the rows of one batch, and the lists of components and tables.
        let opening = tables.opening();
        assert!(opening.rows < EVERY + 40 + 20, "{opening:?} of {:?}", Storage::tick(&local));
        assert!(opening.checkpoint >= last, "{opening:?}");
        last = opening.checkpoint;
    }
    assert!(last > Some(Tick(60)), "{last:?}");
}

async fn opening_needs_nothing_of_what_was_before(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let (mut tables, mut local) = (open(&run, EVERY).await, Local::new());
    run_ticks(&mut tables, &mut local, 50).await;
    let tables = open(&run, EVERY).await;
    let checkpoint = tables.opening().checkpoint.unwrap();
    world.flush().await.unwrap();
    let before = Predicate::le(base::TICK, checkpoint.0 as i64 - 1);
    let mut dropped = 0;
    for name in world.tables().await.unwrap() {
        // The lists of components and tables are few rows, and always read whole.
        if ["ecs_components", "ecs_archetypes"].contains(&name.as_str()) {
            continue;
        }
        let options = CompactOptions::default().with_drop(before.clone());
        dropped += world.table_backend().compact(&name, &options).await.unwrap().dropped_rows;
    }
    assert!(dropped > 300, "{dropped}");
    let tables = open(&run, EVERY).await;
    assert_eq!(tables.opening().checkpoint, Some(checkpoint));
    assert_eq!(all(&tables).await, shown(&Storage::export(&local).unwrap()));
}

async fn every_tick_opens_as_it_was_through_checkpoints(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let (mut tables, mut local) = (open(&run, 15).await, Local::new());
    let (mut dice, mut ticks) = (Dice::new(5), BTreeMap::new());
    while ticks.len() < 40 {
        let alive: Vec<Entity> = Storage::export(&local).unwrap().allocator.alive().collect();
        let Ok(batch) = updates(&mut dice, &alive).to_batch() else { continue };
        if Storage::apply(&mut local, &batch).is_ok() {
            AsyncStorage::apply(&mut tables, &batch).await.unwrap();
            let state = Storage::export(&local).unwrap();
            ticks.insert(state.tick, shown(&state));
        }
    }
    let mut checkpoints = Vec::new();
    for (tick, expected) in &ticks {
        let then = WorldTables::at(&run.as_of(tick.0 as i64)).await.unwrap();
        assert_eq!(all(&then).await, *expected, "tick {tick}");
        assert!(then.opening().checkpoint.is_none_or(|checkpoint| checkpoint <= *tick), "tick {tick}");
        checkpoints.extend(then.opening().checkpoint);
    }
    checkpoints.dedup();
    assert!(checkpoints.len() > 2, "{checkpoints:?}");
}

async fn a_fork_begins_with_a_checkpoint_of_its_source(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let (mut tables, mut local) = (open(&run, EVERY).await, Local::new());
    run_ticks(&mut tables, &mut local, 30).await;
    let (shared, mut forked) = (all(&tables).await, Local::from_state(&Storage::export(&local).unwrap()).unwrap());
    run_ticks(&mut tables, &mut local, 30).await;
    let fork = run.fork("what-if", 30).await.unwrap();
    let mut tables = open(&fork, EVERY).await;
    let first = tables.opening().checkpoint.unwrap();
    assert!(first <= Tick(30), "{first}");
    let now = all(&tables).await;
    assert_eq!((&now.rows, &now.allocator), (&shared.rows, &shared.allocator));
    // Both have taken a tick to get there: memory with its restore, and the fork behind what it shares.
    let ours = Storage::tick(&forked).unwrap();
    assert_eq!(now.tick, Tick(ours.0 - 1));
    let alive: Vec<Entity> = Storage::export(&forked).unwrap().allocator.alive().collect();
    for tick in 31..70 {
        let batch = batch(tick, &alive[20..]);
        let refused = Storage::apply(&mut forked, &batch).is_err();
        assert_eq!(AsyncStorage::apply(&mut tables, &batch).await.is_err(), refused, "tick {tick}");
    }
    let again = open(&fork, EVERY).await;
    let (again_shown, expected) = (all(&again).await, shown(&Storage::export(&forked).unwrap()));
    assert_eq!((again_shown.rows, again_shown.allocator), (expected.rows, expected.allocator));
}

async fn a_checkpoint_that_is_not_whole_is_passed_over(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let (mut tables, mut local) = (open(&run, EVERY).await, Local::new());
    run_ticks(&mut tables, &mut local, 40).await;
    let checkpoint = open(&run, u64::MAX).await.opening().checkpoint;
    assert!(checkpoint.is_some() && checkpoint < Some(Tick(40)), "{checkpoint:?}");
    // One row of several, and whole ones that say that they are of another tick, as merges copy them.
    for (of, count) in [(40, 2), (39, 1)] {
        let rows = one_row(&run, of, count).await;
        let _ = run.append(40, "ecs_checkpoints", &rows).await.unwrap();
        let tables = open(&run, u64::MAX).await;
        assert_eq!(tables.opening().checkpoint, checkpoint);
        assert_eq!(all(&tables).await, shown(&Storage::export(&local).unwrap()));
    }
}

/// A row as that of a checkpoint, without anything in it.
async fn one_row(run: &Run, of: i64, count: i64) -> RecordBatch {
    let found = run.now().collect("ecs_checkpoints", &Scan::all()).await.unwrap();
    let schema = found[0].schema();
    let columns = schema.fields().iter().filter_map(|field| {
        let column: ArrayRef = match field.name().as_str() {
            base::WORLD | base::RUN | base::TICK | base::SEQ | base::ACTIVE => return None,
            base::ENTITY => std::sync::Arc::new(UInt64Array::from(vec![7 + of as u64])),
            "of_tick" => std::sync::Arc::new(Int64Array::from(vec![of])),
            "row_count" => std::sync::Arc::new(Int64Array::from(vec![count])),
            _ => new_null_array(field.data_type(), 1),
        };
        Some((field.name().clone(), column))
    });
    let columns: Vec<(String, ArrayRef)> = columns.collect();
    assert!(columns.iter().all(|(_, column)| column.len() == 1));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| {
        let nullable = name != base::ENTITY;
        (name, column, nullable)
    }))
    .unwrap()
}

async fn without_checkpoints_all_is_folded(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let (mut tables, mut local) = (open(&run, u64::MAX).await, Local::new());
    run_ticks(&mut tables, &mut local, 30).await;
    let tables = open(&run, EVERY).await;
    let opening = tables.opening();
    assert!(opening.checkpoint.is_none() && opening.rows > 300, "{opening:?}");
    assert_eq!(all(&tables).await, shown(&Storage::export(&local).unwrap()));
    let known = world.tables().await.unwrap();
    assert!(!known.contains(&TableName::new("ecs_checkpoints").unwrap()));
}
