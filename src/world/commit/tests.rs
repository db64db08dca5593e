//! Ticks are written whole or not at all.

use worldstore_core::ErrorKind;
use worldstore_core::table::Scan;

use crate::world::testing::{rows, rows_with_active, state, world};

#[tokio::test]
async fn a_tick_is_written_to_all_tables() {
    let run = world().await.run("main").await.unwrap();
    let tick = run.tick(4).append("b", &rows(&[(1, Some(1))])).unwrap();
    let tick = tick.append("a", &rows(&[(1, Some(2))])).unwrap().append("b", &rows(&[(1, Some(3))])).unwrap();
    let receipt = tick.commit().await.unwrap();
    assert_eq!((receipt.tick, receipt.rows()), (4, 3));
    let tables: Vec<&str> = receipt.receipts.iter().map(|receipt| receipt.table.as_str()).collect();
    assert_eq!(tables, ["a", "b"]);
    assert_eq!((receipt.receipts[0].seq, receipt.receipts[1].seq), (1, 1), "one step");
    assert_eq!(state(&run.now(), "a").await, [(1, Some(2))].into());
    assert_eq!(state(&run.now(), "b").await, [(1, Some(3))].into(), "the later rows of an entity are the newer ones");
    assert!(run.tick(5).commit().await.unwrap().receipts.is_empty());
}

#[tokio::test]
async fn what_does_not_fit_one_table_changes_none() {
    let world = world().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "a", &rows(&[(1, Some(1))])).await.unwrap();
    let wrong = rows(&[(1, Some(1))]).project(&[0]).unwrap();
    for tick in [
        run.tick(2)
            .append("a", &rows(&[(1, Some(2))]))
            .unwrap()
            .append("new", &rows(&[(1, None)]))
            .unwrap()
            .append("a", &wrong),
        run.tick(2).append("new", &rows(&[(1, None)])).unwrap().end("a", [1, 2]),
        run.tick(2).append("new", &rows(&[(1, None)])).unwrap().end("a", [1]).unwrap().end("a", [1]),
        run.tick(2).append("new", &rows(&[(1, None)])).unwrap().append("new", &wrong),
    ] {
        let refused = tick.unwrap().commit().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    }
    let missing = run.tick(2).end("missing", [1]).unwrap().commit().await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(world.tables().await.unwrap().len(), 1);
    assert_eq!(world.stats().unwrap().last_seq, 1);
    assert_eq!(run.tick(1).append("no name", &wrong).unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn an_end_keeps_the_components() {
    let run = world().await.run("main").await.unwrap();
    let _ = run.append(1, "a", &rows(&[(1, Some(1)), (2, Some(2)), (3, Some(3))])).await.unwrap();
    let tick = run.tick(2).append("a", &rows(&[(2, Some(20))])).unwrap().end("a", [2, 1]).unwrap();
    let _ = tick.commit().await.unwrap();
    assert_eq!(state(&run.now(), "a").await, [(3, Some(3))].into());
    let told = run.now().history(2).await.unwrap();
    assert_eq!(told.iter().map(|row| row.active).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(told[2].row["x"].as_ref(), rows(&[(0, Some(20))])["x"].as_ref());
    assert_eq!(run.now().history(1).await.unwrap()[1].row["x"].as_ref(), rows(&[(0, Some(1))])["x"].as_ref());
}

#[tokio::test]
async fn an_entity_that_ended_before_cannot_end_again() {
    let run = world().await.run("main").await.unwrap();
    let _ = run.append(1, "a", &rows_with_active(&[(1, false, Some(1))])).await.unwrap();
    let refused = run.tick(2).end("a", [1]).unwrap().commit().await.unwrap_err();
    assert!(refused.to_string().contains("entity: 1"), "{refused}");
}

/// Each step of a run used to get an identity of its own, and its history fell apart.
#[tokio::test]
async fn all_steps_of_a_run_carry_its_name() {
    let world = world().await;
    for tick in 0..3 {
        let run = world.run("main").await.unwrap();
        let _ = run.tick(tick).append("a", &rows(&[(1, Some(tick))])).unwrap().commit().await.unwrap();
    }
    let batches = world.run("main").await.unwrap().now().collect("a", &Scan::all()).await.unwrap();
    let runs = batches.iter().flat_map(|batch| {
        let run = arrow::array::AsArray::as_string::<i32>(batch["run"].as_ref());
        run.iter().map(|run| run.unwrap().to_owned()).collect::<Vec<_>>()
    });
    assert_eq!(runs.collect::<Vec<_>>(), ["main"; 3]);
}

/// Asking for a table that is not there used to make one.
#[tokio::test]
async fn no_read_creates_a_table() {
    let world = world().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "a", &rows(&[(1, Some(1))])).await.unwrap();
    let view = run.now();
    let kinds = [
        view.state("missing").await.err().unwrap().kind(),
        view.rows_at("missing", 1).await.err().unwrap().kind(),
        view.count("missing").await.unwrap_err().kind(),
        view.ticks("missing").await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::NotFound; 4]);
    let _ = (view.history(1).await.unwrap(), view.entity(1).await.unwrap(), view.state_hash().await.unwrap());
    let _ = (view.diff(&run.as_of(0)).await.unwrap(), run.replay(0..=9).await.unwrap());
    assert_eq!(world.table_history("missing").await.unwrap(), crate::world::History::Full);
    assert_eq!(world.tables().await.unwrap().len(), 1);
}
