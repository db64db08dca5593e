//! Tables of changes answer as full tables do, and store less.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use futures::TryStreamExt;
use proptest::prelude::*;
use worldstore_core::ErrorKind;
use worldstore_core::table::{RemoveTableOptions, TableName};

use super::Last;
use crate::world::testing::{Bed, pairs, rows, rows_with_active, state, world};
use crate::world::{History, Run, TableOptions, World};

async fn declared(world: &World) {
    world.define_table("delta", &TableOptions::default().with_history(History::Changes)).await.unwrap();
}

type Snapshot = BTreeMap<u64, Option<i64>>;

#[derive(Debug, Clone)]
struct Step {
    /// Ticks after the one before.
    later: i64,
    state: Snapshot,
    then: Then,
}

#[derive(Debug, Clone, Copy)]
enum Then {
    GoOn,
    Flush,
    Reopen,
    Fork,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let state = prop::collection::btree_map(0_u64..5, prop::option::of(0_i64..3), 0..5);
    let then =
        prop_oneof![6 => Just(Then::GoOn), 1 => Just(Then::Flush), 1 => Just(Then::Reopen), 1 => Just(Then::Fork)];
    let step = (0_i64..3, state, then).prop_map(|(later, state, then)| Step { later, state, then });
    prop::collection::vec(step, 1..14)
}

/// Entity, active and `x` of the rows of a tick.
async fn rows_at(run: &Run, table: &str, tick: i64) -> Vec<(u64, bool, Option<i64>)> {
    let batches: Vec<_> = run.now().rows_at(table, tick).await.unwrap().batches.try_collect().await.unwrap();
    let ticks = batches.iter().flat_map(|batch| batch["tick"].as_primitive::<arrow::datatypes::Int64Type>().values());
    assert!(ticks.into_iter().all(|each| *each == tick));
    let active = batches.iter().flat_map(|batch| batch["active"].as_boolean().iter().map(Option::unwrap));
    pairs(&batches).into_iter().zip(active).map(|((entity, x), active)| (entity, active, x)).collect()
}

async fn compare(steps: Vec<Step>) {
    let bed = Bed::new("world").await;
    let mut world = bed.open().await;
    declared(&world).await;
    let mut run = world.run("main").await.unwrap();
    let (mut tick, mut before, mut seen) = (0, Snapshot::new(), Vec::new());
    for (number, step) in steps.into_iter().enumerate() {
        tick = (tick + step.later).max(run.first_tick());
        let given: Vec<_> = step.state.iter().map(|(entity, x)| (*entity, *x)).collect();
        let gone = before.iter().filter(|(entity, _)| !step.state.contains_key(*entity));
        let gone: Vec<_> = gone.map(|(entity, x)| (*entity, false, *x)).collect();
        let differs = |(entity, x): &&(u64, Option<i64>)| before.get(entity) != Some(x);
        let changes = given.iter().filter(differs).count() + gone.len();
        let full: Vec<_> = given.iter().map(|(entity, x)| (*entity, true, *x)).chain(gone).collect();
        let _ = run.append(tick, "full", &rows_with_active(&full)).await.unwrap();
        let stored = run.append(tick, "delta", &rows(&given)).await.unwrap();
        assert_eq!(stored.rows, changes as u64, "rows that differ, and those that ended");
        seen.push((tick, step.state.clone()));
        before = step.state;
        match step.then {
            Then::GoOn => {}
            Then::Flush => world.flush().await.unwrap(),
            Then::Reopen => {
                world.flush().await.unwrap();
                world = bed.open().await;
                run = world.run(run.name()).await.unwrap();
            }
            Then::Fork => run = run.fork(&format!("fork{number}"), tick).await.unwrap(),
        }
    }
    for (index, (tick, expected)) in seen.iter().enumerate() {
        assert_eq!(rows_at(&run, "delta", *tick).await, rows_at(&run, "full", *tick).await, "tick {tick}");
        if seen.get(index + 1).is_none_or(|(next, _)| next > tick) {
            assert_eq!(&state(&run.as_of(*tick), "delta").await, expected);
            assert_eq!(&state(&run.as_of(*tick), "full").await, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changes_answer_as_full_rows_do(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(steps));
    }
}

#[tokio::test]
async fn unchanged_states_store_nothing() {
    let world = world().await;
    declared(&world).await;
    let run = world.run("main").await.unwrap();
    let mut stored = Vec::new();
    for tick in 0..5 {
        stored.push(run.append(tick, "delta", &rows(&[(1, Some(1)), (2, None)])).await.unwrap().rows);
    }
    stored.push(run.append(5, "delta", &rows(&[(1, Some(2)), (2, None)])).await.unwrap().rows);
    stored.push(run.append(6, "delta", &rows(&[(1, Some(2))])).await.unwrap().rows);
    stored.push(run.append(7, "delta", &rows(&[])).await.unwrap().rows);
    assert_eq!(stored, [2, 0, 0, 0, 0, 1, 1, 1]);
    assert_eq!(run.now().count("delta").await.unwrap(), 5);
    assert_eq!(rows_at(&run, "delta", 4).await, [(1, true, Some(1)), (2, true, None)]);
    assert_eq!(rows_at(&run, "delta", 6).await, [(1, true, Some(2)), (2, false, None)], "2 ended in this tick");
    assert_eq!(rows_at(&run, "delta", 7).await, [(1, false, Some(2))], "and is no part of the next");
    assert_eq!(state(&run.now(), "delta").await, [].into());
}

#[tokio::test]
async fn ticks_come_in_ascending_order() {
    let world = world().await;
    declared(&world).await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(5, "delta", &rows(&[(1, Some(1))])).await.unwrap();
    let refused = run.append(4, "delta", &rows(&[(1, Some(2))])).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("newest: 5"), "{refused}");
    assert_eq!(run.append(5, "delta", &rows(&[(1, Some(1))])).await.unwrap().rows, 0);
    assert_eq!(run.append(6, "delta", &rows(&[(1, Some(2))])).await.unwrap().rows, 1);
}

#[tokio::test]
async fn a_failed_append_is_not_taken_for_stored() {
    let bed = Bed::new("world").await;
    let world = bed.open().await;
    declared(&world).await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "delta", &rows(&[(1, Some(1))])).await.unwrap();
    world.shutdown().await.unwrap();
    for _ in 0..2 {
        let refused = run.append(2, "delta", &rows(&[(1, Some(2))])).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Poisoned);
    }
    assert_eq!(state(&run.now(), "delta").await, [(1, Some(1))].into());
}

#[tokio::test]
async fn what_was_on_its_way_is_awaited_before_the_state_is_read_again() {
    let world = world().await;
    declared(&world).await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "delta", &rows(&[(1, Some(1))])).await.unwrap();
    let table = TableName::new("delta").unwrap();
    let schema = world.world_tables().await.unwrap()[0].schema.clone();
    drop(Last::take(&run, &table, &schema).await.unwrap());
    assert_eq!(world.stats().unwrap().buffered_rows, 1);
    assert_eq!(run.append(2, "delta", &rows(&[(1, Some(1))])).await.unwrap().rows, 0);
    assert_eq!(world.stats().unwrap().buffered_rows, 0, "a caller went away, so all was written before it was read");
    assert_eq!(run.append(3, "delta", &rows(&[(1, Some(3))])).await.unwrap().rows, 1);
    assert_eq!(world.stats().unwrap().buffered_rows, 1, "and then it is known again");
}

#[tokio::test]
async fn spawn_and_despawn_in_one_tick_leave_a_trace() {
    let world = world().await;
    declared(&world).await;
    let run = world.run("main").await.unwrap();
    let tick = run.tick(1).append("delta", &rows(&[(1, Some(1)), (2, Some(2))])).unwrap().end("delta", [2]).unwrap();
    assert_eq!(tick.commit().await.unwrap().rows(), 3);
    assert_eq!(run.now().history(2).await.unwrap().len(), 2);
    assert_eq!(state(&run.now(), "delta").await, [(1, Some(1))].into());
    let _ = run.tick(2).end("delta", [1]).unwrap().commit().await.unwrap();
    assert_eq!(state(&run.now(), "delta").await, [].into());
    assert_eq!(run.append(3, "delta", &rows(&[])).await.unwrap().rows, 0, "what ended does not end again");
}

#[tokio::test]
async fn an_end_alone_is_no_state() {
    let world = world().await;
    declared(&world).await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "delta", &rows(&[(1, Some(1)), (2, Some(2))])).await.unwrap();
    assert_eq!(run.tick(2).end("delta", [2]).unwrap().commit().await.unwrap().rows(), 1);
    assert_eq!(state(&run.now(), "delta").await, [(1, Some(1))].into());
}

#[tokio::test]
async fn what_a_table_keeps_is_said_before_it_is_made() {
    let bed = Bed::new("world").await;
    let world = bed.open().await;
    let asked = world.run("main").await.unwrap().now().rows_at("delta", 1).await.err().unwrap();
    assert_eq!((asked.kind(), world.table_history("delta").await.unwrap()), (ErrorKind::NotFound, History::Full));
    declared(&world).await;
    declared(&world).await;
    let other = world.define_table("delta", &TableOptions::default()).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::AlreadyExists);
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "full", &rows(&[(1, None)])).await.unwrap();
    let late = world.define_table("full", &TableOptions::default().with_history(History::Changes)).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::AlreadyExists);
    let world = bed.open().await;
    assert_eq!(world.table_history("delta").await.unwrap(), History::Changes);
    assert_eq!(world.table_history("full").await.unwrap(), History::Full);
    assert_eq!(world.define_table("no name", &TableOptions::default()).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_table_that_is_made_anew_does_not_go_on_with_the_state_of_the_one_before() {
    let world = world().await;
    declared(&world).await;
    let table = TableName::new("delta").unwrap();
    let (main, full) = (world.run("main").await.unwrap(), rows(&[(1, Some(1)), (2, None)]));
    let side = world.create_run("side").await.unwrap();
    for run in [&main, &side] {
        assert_eq!(run.append(1, "delta", &full).await.unwrap().rows, 2);
        assert_eq!(run.append(2, "delta", &full).await.unwrap().rows, 0);
    }
    world.table_backend().remove(&table, &RemoveTableOptions::default()).await.unwrap();
    for run in [&main, &side] {
        assert_eq!(run.append(1, "delta", &full).await.unwrap().rows, 2);
        assert_eq!(state(&run.now(), "delta").await, [(1, Some(1)), (2, None)].into());
    }
}
