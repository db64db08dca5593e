//! Merges: who changed what, what is refused, what a rule may say.

use worldstore_core::{Error, ErrorKind};

use super::Resolution;
use crate::world::testing::{pairs, rows, state, world};
use crate::world::{History, Run, TableOptions};

/// Runs `main` and `side`, which part after tick 1: each changes an entity of its own, and both change entity 3.
async fn parted() -> (Run, Run) {
    let world = world().await;
    let main = world.run("main").await.unwrap();
    let start = rows(&[(1, Some(1)), (2, Some(1)), (3, Some(1)), (4, Some(1))]);
    let _ = main.tick(1).append("a", &start).unwrap().append("b", &rows(&[(9, None)])).unwrap().commit().await.unwrap();
    let side = main.fork("side", 1).await.unwrap();
    let _ = main.append(2, "a", &rows(&[(1, Some(2)), (3, Some(2))])).await.unwrap();
    let changed = side.tick(2).append("a", &rows(&[(2, Some(3)), (3, Some(3)), (5, Some(3))])).unwrap();
    let _ = changed.end("a", [4]).unwrap().end("b", [9]).unwrap().commit().await.unwrap();
    (main, side)
}

#[tokio::test]
async fn a_conflict_needs_a_rule_and_writes_nothing() {
    let (main, side) = parted().await;
    let before = main.world().stats().unwrap().last_seq;
    let refused = main.merge(&side.now(), 3).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConditionFailed);
    assert!(refused.to_string().contains("table: a, entity: 3"), "{refused}");
    let by_rule = main.merge_with(&side.now(), 3, |_| Err(Error::invalid("no"))).await.unwrap_err();
    assert_eq!(by_rule.kind(), ErrorKind::Invalid);
    let wrong = |_: &_| Ok(Resolution::Row(rows(&[(4, None)])));
    assert_eq!(main.merge_with(&side.now(), 3, wrong).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(main.world().stats().unwrap().last_seq, before);
}

#[tokio::test]
async fn a_rule_sees_all_three_and_may_make_a_row() {
    let (main, side) = parted().await;
    let mut told = Vec::new();
    let merge = main
        .merge_with(&side.now(), 3, |conflict| {
            told.push(conflict.clone());
            let x = |rows: &Option<arrow::array::RecordBatch>| pairs(rows.as_slice())[0].1.unwrap();
            let sum = x(&conflict.base) + x(&conflict.ours) + x(&conflict.theirs);
            Ok(Resolution::Row(rows(&[(conflict.entity, Some(sum))])))
        })
        .await
        .unwrap();
    assert_eq!((merge.written, merge.ended, merge.conflicts), (3, 2, 1));
    assert_eq!((told.len(), told[0].entity, told[0].table.as_str()), (1, 3, "a"));
    let expected = [(1, Some(2)), (2, Some(3)), (3, Some(6)), (5, Some(3))];
    assert_eq!(state(&main.now(), "a").await, expected.into());
    assert_eq!(state(&main.now(), "b").await, [].into());
    assert_eq!(state(&main.as_of(2), "b").await, [(9, None)].into(), "it is a tick of its own");
}

#[tokio::test]
async fn without_conflict_no_rule_is_needed() {
    let (main, side) = parted().await;
    let _ = main.append(3, "a", &rows(&[(3, Some(3))])).await.unwrap();
    let merge = main.merge(&side.now(), 4).await.unwrap();
    assert_eq!(merge.conflicts, 0, "both say the same of entity 3");
    assert_eq!(state(&main.now(), "a").await, [(1, Some(2)), (2, Some(3)), (3, Some(3)), (5, Some(3))].into());
    let again = main.merge(&side.now(), 5).await.unwrap();
    assert_eq!((again.written, again.ended, again.receipts.len()), (0, 0, 0));
    let own = main.merge(&main.as_of(1), 6).await.unwrap();
    assert_eq!((own.written, own.ended), (0, 0), "it never changed since");
}

#[tokio::test]
async fn strangers_and_ticks_of_the_past_are_refused() {
    let (main, side) = parted().await;
    let stranger = main.world().create_run("stranger").await.unwrap();
    for refused in [
        main.merge(&stranger.now(), 3).await.unwrap_err(),
        main.merge(&world().await.run("main").await.unwrap().now(), 3).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(refused.to_string().contains("no common ancestor"), "{refused}");
    }
    let past = main.merge(&side.now(), 1).await.unwrap_err();
    assert!(past.to_string().contains("newest: 2"), "{past}");
}

#[tokio::test]
async fn tables_of_changes_are_merged_too() {
    let world = world().await;
    world.define_table("delta", &TableOptions::default().with_history(History::Changes)).await.unwrap();
    let main = world.run("main").await.unwrap();
    let _ = main.append(1, "delta", &rows(&[(1, Some(1)), (2, Some(1))])).await.unwrap();
    let side = main.fork("side", 1).await.unwrap();
    let _ = side.append(2, "delta", &rows(&[(2, Some(2)), (3, Some(2))])).await.unwrap();
    let merge = main.merge(&side.now(), 2).await.unwrap();
    assert_eq!((merge.written, merge.ended), (2, 1));
    assert_eq!(state(&main.now(), "delta").await, [(2, Some(2)), (3, Some(2))].into());
    let same = main.append(3, "delta", &rows(&[(2, Some(2)), (3, Some(2))])).await.unwrap();
    assert_eq!(same.rows, 0, "what was merged is the last state");
}
