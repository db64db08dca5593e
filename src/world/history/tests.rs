//! The history of an entity, through tables, forks, and ticks in which it began and ended.

use worldstore_core::table::TableName;

use super::EntityRow;
use crate::world::testing::{pairs, rows, rows_with_active, state, world};

/// Table, run, tick, sequence number, active, `x`.
type Short<'row> = (&'row str, &'row str, i64, u64, bool, Option<i64>);

fn short(rows: &[EntityRow]) -> Vec<Short<'_>> {
    let x = |row: &EntityRow| {
        let entity = crate::world::testing::rows(&[(0, None)]).column(0).clone();
        let columns = [("entity", entity, false), ("x", row.row["x"].clone(), true)];
        pairs(&[arrow::array::RecordBatch::try_from_iter_with_nullable(columns).unwrap()])[0].1
    };
    rows.iter().map(|row| (row.table.as_str(), row.run.as_str(), row.tick, row.seq, row.active, x(row))).collect()
}

#[tokio::test]
async fn an_entity_that_moved_is_found_in_the_table_of_that_time() {
    let run = world().await.run("main").await.unwrap();
    let _ = run.append(1, "walker", &rows(&[(7, Some(1)), (8, Some(0))])).await.unwrap();
    let moved = run.tick(2).end("walker", [7]).unwrap().append("flyer", &rows(&[(7, Some(2))])).unwrap();
    assert_eq!(moved.commit().await.unwrap().rows(), 2);
    let _ = run.append(3, "flyer", &rows(&[(7, Some(3))])).await.unwrap();
    let history = run.now().history(7).await.unwrap();
    let expected = [
        ("walker", "main", 1, 1, true, Some(1)),
        ("flyer", "main", 2, 2, true, Some(2)),
        ("walker", "main", 2, 2, false, Some(1)),
        ("flyer", "main", 3, 3, true, Some(3)),
    ];
    assert_eq!(short(&history), expected);
    assert_eq!(short(&run.as_of(1).history(7).await.unwrap()), expected[..1]);
    let tables = async |tick| -> Vec<TableName> {
        run.as_of(tick).entity(7).await.unwrap().into_iter().map(|row| row.table).collect()
    };
    assert_eq!(tables(0).await, []);
    assert_eq!(tables(1).await, [TableName::new("walker").unwrap()]);
    assert_eq!(tables(2).await, [TableName::new("flyer").unwrap()]);
    assert_eq!(state(&run.as_of(1), "walker").await, [(7, Some(1)), (8, Some(0))].into());
    assert_eq!(state(&run.as_of(2), "walker").await, [(8, Some(0))].into());
    assert!(run.now().history(99).await.unwrap().is_empty());
}

#[tokio::test]
async fn spawn_and_despawn_in_one_tick_are_both_told() {
    let run = world().await.run("main").await.unwrap();
    let tick = run.tick(1).append("a", &rows(&[(1, Some(1)), (2, Some(2))])).unwrap().end("a", [2]).unwrap();
    assert_eq!(tick.commit().await.unwrap().rows(), 3);
    assert_eq!(state(&run.now(), "a").await, [(1, Some(1))].into());
    let told = run.now().history(2).await.unwrap();
    assert_eq!(short(&told), [("a", "main", 1, 1, true, Some(2)), ("a", "main", 1, 1, false, Some(2))]);
    assert!(run.now().entity(2).await.unwrap().is_empty());
    let reborn = run.tick(2).append("a", &rows_with_active(&[(1, false, None), (1, true, Some(5))])).unwrap();
    let _ = reborn.commit().await.unwrap();
    assert_eq!(state(&run.now(), "a").await, [(1, Some(5))].into());
}

#[tokio::test]
async fn the_history_of_a_fork_begins_with_its_parents() {
    let world = world().await;
    let main = world.run("main").await.unwrap();
    let _ = main.append(1, "a", &rows(&[(1, Some(1))])).await.unwrap();
    let _ = main.append(2, "a", &rows(&[(1, Some(2))])).await.unwrap();
    let child = main.fork("child", 1).await.unwrap();
    let _ = child.append(2, "b", &rows(&[(1, Some(20))])).await.unwrap();
    let grandchild = child.fork("grandchild", 2).await.unwrap();
    let _ = grandchild.append(3, "a", &rows_with_active(&[(1, false, Some(1))])).await.unwrap();
    let _ = main.append(1, "a", &rows(&[(1, Some(9))])).await.unwrap();
    let told = grandchild.now().history(1).await.unwrap();
    let expected = [
        ("a", "main", 1, 1, true, Some(1)),
        ("b", "child", 2, 3, true, Some(20)),
        ("a", "grandchild", 3, 4, false, Some(1)),
    ];
    assert_eq!(short(&told), expected);
}

#[tokio::test]
async fn what_is_too_large_for_memory_is_refused() {
    let run = world().await.run("main").await.unwrap();
    let _ = run.append(1, "walker", &rows(&[(7, Some(1)), (8, Some(0))])).await.unwrap();
    let view = run.now();
    let error = view.history_within(7, 1).await.unwrap_err();
    assert_eq!(error.kind(), worldstore_core::ErrorKind::Unsupported, "{error}");
    assert_eq!(view.history_within(7, 1 << 20).await.unwrap().len(), 1);
    let small = crate::world::StateOptions::default().with_memory_mb(0);
    let error = view.state_with("walker", &small).await.err().unwrap();
    assert_eq!(error.kind(), worldstore_core::ErrorKind::Unsupported, "{error}");
}
