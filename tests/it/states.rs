//! States, ticks, replay, diff, merge, changes, hashes and drops, on each table format.

use futures::TryStreamExt;
use worldstore::arrow::array::{AsArray, RecordBatch};
use worldstore::arrow::datatypes::{Float64Type, UInt64Type};
use worldstore::world::{History, TableOptions};
use worldstore::{ErrorKind, View, World};

use crate::bed::{Bed, on_each_format, rows};

on_each_format!(
    a_state_is_the_newest_row_of_each_entity,
    a_replay_elsewhere_has_the_same_hash,
    forks_differ_and_merge,
    changes_are_kept_and_rebuilt,
    an_entity_is_followed_through_tables,
    a_dropped_run_leaves_nothing,
);

fn pairs(batches: &[RecordBatch]) -> Vec<(u64, f64)> {
    let mut found = Vec::new();
    for batch in batches {
        let entities = batch["entity"].as_primitive::<UInt64Type>().values().iter().copied();
        found.extend(entities.zip(batch["x"].as_primitive::<Float64Type>().values().iter().copied()));
    }
    found
}

async fn state(view: &View, table: &str) -> Vec<(u64, f64)> {
    pairs(&view.collect_state(table).await.unwrap())
}

/// Three ticks: entity 2 moves from `position` to `flight` in the third, entity 3 begins and ends in the second.
async fn three_ticks(world: &World) {
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "position", &rows(&[(1, 1.0), (2, 1.0)])).await.unwrap();
    world.flush().await.unwrap();
    let tick = run.tick(2).append("position", &rows(&[(1, 2.0), (2, 2.0), (3, 2.0)])).unwrap();
    let _ = tick.end("position", [3]).unwrap().commit().await.unwrap();
    let tick = run.tick(3).append("position", &rows(&[(1, 3.0)])).unwrap().end("position", [2]).unwrap();
    let _ = tick.append("flight", &rows(&[(2, 3.0)])).unwrap().commit().await.unwrap();
}

async fn a_state_is_the_newest_row_of_each_entity(bed: &Bed) {
    let world = bed.create().await;
    three_ticks(&world).await;
    let run = world.run("main").await.unwrap();
    for _ in 0..2 {
        assert_eq!(state(&run.as_of(1), "position").await, [(1, 1.0), (2, 1.0)]);
        assert_eq!(state(&run.as_of(2), "position").await, [(1, 2.0), (2, 2.0)]);
        assert_eq!(state(&run.now(), "position").await, [(1, 3.0)]);
        assert_eq!(state(&run.now(), "flight").await, [(2, 3.0)]);
        assert_eq!(state(&run.now().at_seq(1), "position").await, [(1, 1.0), (2, 1.0)]);
        world.flush().await.unwrap();
    }
    assert_eq!(run.now().state("missing").await.err().unwrap().kind(), ErrorKind::NotFound);
}

async fn a_replay_elsewhere_has_the_same_hash(bed: &Bed) {
    let world = bed.create().await;
    three_ticks(&world).await;
    let child = world.run("main").await.unwrap().fork("child", 2).await.unwrap();
    let _ = child.append(7, "position", &rows(&[(1, 7.0), (4, f64::NAN), (5, -0.0)])).await.unwrap();
    let elsewhere = World::create("memory:", &Default::default()).await.unwrap();
    let copy = elsewhere.create_run("copy").await.unwrap();
    let mut ticks = child.replay(i64::MIN..=i64::MAX).await.unwrap();
    let mut numbers = Vec::new();
    while let Some(tick) = ticks.try_next().await.unwrap() {
        numbers.push((tick.tick, tick.rows()));
        let _ = tick.commit_to(&copy).await.unwrap();
    }
    assert_eq!(numbers, [(1, 2), (2, 4), (7, 3)]);
    for _ in 0..2 {
        for tick in [0, 1, 2, 7] {
            let (ours, theirs) = (child.as_of(tick).state_hash().await, copy.as_of(tick).state_hash().await);
            assert_eq!(ours.unwrap(), theirs.unwrap(), "tick {tick}");
        }
        world.flush().await.unwrap();
        let position = worldstore::core::table::TableName::new("position").unwrap();
        world.table_backend().compact(&position, &Default::default()).await.unwrap();
    }
}

async fn forks_differ_and_merge(bed: &Bed) {
    let world = bed.create().await;
    three_ticks(&world).await;
    let main = world.run("main").await.unwrap();
    let child = main.fork("child", 2).await.unwrap();
    let _ = child.append(3, "position", &rows(&[(2, 2.5), (9, 9.0)])).await.unwrap();
    let diff = main.now().diff(&child.now()).await.unwrap();
    let position = diff.table("position").unwrap();
    assert_eq!(pairs(std::slice::from_ref(&position.added)), [(2, 2.5), (9, 9.0)]);
    assert_eq!(pairs(std::slice::from_ref(&position.before)), [(1, 3.0)]);
    assert_eq!(pairs(std::slice::from_ref(&position.after)), [(1, 2.0)]);
    assert_eq!(position.changed, [["x"]]);
    assert_eq!(diff.table("flight").unwrap().removed.num_rows(), 1);
    let refused = main.merge(&child.now(), 4).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConditionFailed, "entity 2 ended in one run and changed in the other");
    let merge = main.merge_with(&child.now(), 4, |_| Ok(worldstore::world::Resolution::Theirs)).await.unwrap();
    assert_eq!((merge.written, merge.conflicts), (2, 1));
    assert_eq!(state(&main.now(), "position").await, [(1, 3.0), (2, 2.5), (9, 9.0)]);
}

async fn changes_are_kept_and_rebuilt(bed: &Bed) {
    let world = bed.create().await;
    world.define_table("position", &TableOptions::default().with_history(History::Changes)).await.unwrap();
    let run = world.run("main").await.unwrap();
    let states = [vec![(1, 1.0), (2, 1.0)], vec![(1, 1.0), (2, 2.0)], vec![(2, 2.0)], vec![(2, 2.0)]];
    let mut stored = Vec::new();
    for (tick, state) in states.iter().enumerate() {
        stored.push(run.append(tick as i64, "position", &rows(state)).await.unwrap().rows);
        world.flush().await.unwrap();
    }
    assert_eq!(stored, [2, 1, 1, 0]);
    for (tick, expected) in states.iter().enumerate() {
        assert_eq!(&state(&run.as_of(tick as i64), "position").await, expected);
    }
    let rows_at = run.now().rows_at("position", 2).await.unwrap();
    assert_eq!(rows_at.rows, 2, "one that is active and one that ended");
}

async fn an_entity_is_followed_through_tables(bed: &Bed) {
    let world = bed.create().await;
    three_ticks(&world).await;
    let run = world.run("main").await.unwrap();
    let told = async |entity, tick| -> Vec<(String, i64, bool)> {
        let history = run.as_of(tick).history(entity).await.unwrap();
        let mut told: Vec<_> = history.iter().map(|row| (row.table.to_string(), row.tick, row.active)).collect();
        told.sort_by_key(|(_, tick, active)| (*tick, !active));
        told
    };
    let row = |table: &str, tick, active| (table.to_owned(), tick, active);
    let moved = [row("position", 1, true), row("position", 2, true), row("flight", 3, true), row("position", 3, false)];
    assert_eq!(told(2, 9).await, moved);
    assert_eq!(told(2, 2).await, moved[..2]);
    assert_eq!(told(3, 9).await, [row("position", 2, true), row("position", 2, false)]);
    assert_eq!(run.as_of(2).entity(2).await.unwrap()[0].table.as_str(), "position");
    assert_eq!(run.as_of(3).entity(2).await.unwrap()[0].table.as_str(), "flight");
}

async fn a_dropped_run_leaves_nothing(bed: &Bed) {
    let world = bed.create().await;
    three_ticks(&world).await;
    let main = world.run("main").await.unwrap();
    let child = main.fork("child", 2).await.unwrap();
    let _ = child.append(3, "position", &rows(&[(2, 2.5), (9, 9.0)])).await.unwrap();
    let hash = main.now().state_hash().await.unwrap();
    assert_eq!(world.drop_run("child").await.unwrap().rows, 2);
    assert_eq!(main.now().state_hash().await.unwrap(), hash);
    assert_eq!(world.run("child").await.unwrap_err().kind(), ErrorKind::NotFound);
    let again = world.create_run("child").await.unwrap();
    assert_eq!(again.now().count("position").await.unwrap(), 0);
    assert_eq!(child.append(4, "position", &rows(&[(1, 1.0)])).await.unwrap_err().kind(), ErrorKind::NotFound);
}
