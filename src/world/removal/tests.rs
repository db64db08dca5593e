//! Dropping runs: refused while others need them, whole after any crash, names free at the end.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use worldstore_async::wrap::AsyncFaultBackend;
use worldstore_async::{AsyncBackend, AsyncMemory};
use worldstore_core::ErrorKind;
use worldstore_core::table::{CreateOptions, Scan, TableName};
use worldstore_core::wrap::{Class, FaultOptions, Odds};

use super::Dropped;
use crate::world::lineage::{RunRecord, Runs};
use crate::world::testing::{Bed, rows, state, world};
use crate::world::{History, LogPlace, RunState, TableOptions, World, WorldOptions};

/// A world with runs `main` and `side`, which is forked from it, in two tables each.
async fn two_runs(world: &World) {
    let main = world.run("main").await.unwrap();
    let _ = main
        .tick(1)
        .append("a", &rows(&[(1, Some(1))]))
        .unwrap()
        .append("b", &rows(&[(1, None)]))
        .unwrap()
        .commit()
        .await
        .unwrap();
    let side = main.fork("side", 1).await.unwrap();
    let _ = side
        .tick(2)
        .append("a", &rows(&[(1, Some(2)), (2, Some(2))]))
        .unwrap()
        .append("c", &rows(&[(1, None)]))
        .unwrap()
        .commit()
        .await
        .unwrap();
    let _ = main.append(2, "a", &rows(&[(1, Some(3))])).await.unwrap();
}

async fn rows_in_all(world: &World) -> usize {
    let mut count = 0;
    for table in world.tables().await.unwrap() {
        let scan = world.table_backend().scan(&table, &Scan::all()).await.unwrap();
        let batches: Vec<_> = futures::TryStreamExt::try_collect(scan.batches).await.unwrap();
        count += batches.iter().map(|batch: &arrow::array::RecordBatch| batch.num_rows()).sum::<usize>();
    }
    count
}

async fn check_gone(world: &World) {
    let main = world.run("main").await.unwrap();
    assert_eq!(rows_in_all(world).await, 3, "those of the main run");
    assert_eq!(state(&main.now(), "a").await, [(1, Some(3))].into());
    assert_eq!(world.runs().await.unwrap().len(), 1);
    let again = world.create_run("side").await.unwrap();
    assert_eq!(state(&again.now(), "a").await, [].into());
    let _ = again.append(0, "a", &rows(&[(5, None)])).await.unwrap();
    assert_eq!(state(&again.now(), "a").await, [(5, None)].into());
}

#[tokio::test]
async fn a_dropped_run_is_gone_and_its_name_is_free() {
    let world = world().await;
    two_runs(&world).await;
    let stale = world.run("side").await.unwrap();
    let dropped = world.drop_run("side").await.unwrap();
    assert_eq!(world.newest_published().await.unwrap().rows, Some(3), "who reads does not find them either");
    let tables = ["a", "c"].map(|name| TableName::new(name).unwrap()).to_vec();
    assert_eq!(dropped, Dropped { rows: 3, tables });
    check_gone(&world).await;
    for refused in [
        stale.append(3, "a", &rows(&[(1, None)])).await.map(|_| ()).unwrap_err(),
        stale.tick(3).append("a", &rows(&[(1, None)])).unwrap().commit().await.map(|_| ()).unwrap_err(),
        stale.fork("late", 2).await.map(|_| ()).unwrap_err(),
        stale.now().state("a").await.map(|_| ()).unwrap_err(),
        stale.now().count("a").await.map(|_| ()).unwrap_err(),
        stale.replay(0..=9).await.map(|_| ()).unwrap_err(),
        world.run("main").await.unwrap().merge(&stale.now(), 9).await.map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::NotFound, "an old handle is not one of the new run: {refused}");
    }
    assert_eq!(world.run("late").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.drop_run("missing").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.drop_run("main").await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_run_with_forks_stays() {
    let world = world().await;
    two_runs(&world).await;
    let side = world.run("side").await.unwrap();
    let _ = side.fork("leaf", 1).await.unwrap();
    let refused = world.drop_run("side").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConditionFailed);
    assert!(refused.to_string().contains("forks: leaf"), "{refused}");
    let _ = side.append(3, "a", &rows(&[(1, None)])).await.unwrap();
    assert_eq!(rows_in_all(&world).await, 7, "nothing was touched");
    world.drop_run("leaf").await.unwrap();
    world.drop_run("side").await.unwrap();
    check_gone(&world).await;
}

#[tokio::test]
async fn a_drop_goes_on_after_a_crash_at_any_step() {
    for steps in 0..=4 {
        let bed = Bed::new("world").await;
        let world = bed.open().await;
        two_runs(&world).await;
        world.flush().await.unwrap();
        world.inner.runs.mark("side").await.unwrap();
        for table in ["a", "b", "c"].into_iter().take(steps) {
            world.collect_run("side", &TableName::new(table).unwrap(), u64::MAX).await.unwrap();
        }
        if steps == 4 {
            world.inner.runs.forget("side").await.unwrap();
        }
        drop(world);
        let world = bed.open().await;
        if steps < 4 {
            assert_eq!(world.run("side").await.unwrap_err().kind(), ErrorKind::NotFound);
            assert_eq!(world.create_run("side").await.unwrap_err().kind(), ErrorKind::AlreadyExists);
            let main = world.run("main").await.unwrap();
            assert_eq!(main.fork("side", 1).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
            let states: Vec<_> = world.runs().await.unwrap().into_iter().map(|run| (run.name, run.state)).collect();
            assert_eq!(states, [("main".to_owned(), RunState::Live), ("side".to_owned(), RunState::Dropping)]);
            world.drop_run("side").await.unwrap();
        }
        check_gone(&world).await;
    }
}

#[tokio::test]
async fn tables_without_base_columns_and_last_states_are_no_obstacle() {
    let world = world().await;
    two_runs(&world).await;
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let foreign = TableName::new("foreign").unwrap();
    world.table_backend().create(&foreign, &CreateOptions::new(schema)).await.unwrap();
    world.define_table("delta", &TableOptions::default().with_history(History::Changes)).await.unwrap();
    let side = world.run("side").await.unwrap();
    let _ = side.append(3, "delta", &rows(&[(1, Some(1))])).await.unwrap();
    assert_eq!(world.drop_run("side").await.unwrap().rows, 4);
    let again = world.create_run("side").await.unwrap();
    let stored = again.append(3, "delta", &rows(&[(1, Some(1))])).await.unwrap();
    assert_eq!(stored.rows, 1, "the state of the dropped run does not count");
    assert_eq!(again.now().state("foreign").await.err().unwrap().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_run_that_may_be_marked_takes_no_more_rows() {
    let memory: Arc<dyn AsyncBackend> = Arc::new(AsyncMemory::new());
    RunRecord::root("side").create(&memory).await.unwrap();
    // The mark is not written; or it is, and nobody says so.
    let odds = [Odds::default().with_error(1.0), Odds::default().with_lost_reply(1.0)];
    for (odds, is_there) in odds.into_iter().zip([true, false]) {
        let faults = FaultOptions::new(1).with(Class::Write, odds);
        let runs = Runs::new(Arc::new(AsyncFaultBackend::new(Arc::clone(&memory), faults)), "world".to_owned());
        let handle = runs.lineage("side").await.unwrap();
        assert!(runs.mark("side").await.is_err());
        assert_eq!(runs.hold("side", handle.drops).await.is_ok(), is_there);
        assert_eq!(runs.lineage("side").await.is_ok(), is_there);
    }
}

#[tokio::test]
async fn rows_whose_caller_has_gone_away_go_with_their_run() {
    let folder = tempfile::tempdir().unwrap();
    let log = LogPlace::Folder(folder.path().join("log"));
    let world = World::create("memory:", &WorldOptions::default().with_log(log)).await.unwrap();
    let main = world.run("main").await.unwrap();
    let _ = main.append(0, "a", &rows(&[(1, None)])).await.unwrap();
    for round in 0..10 {
        let side = world.create_run("side").await.unwrap();
        let late = rows(&[(2, Some(round))]);
        let mut taken = Box::pin(side.append(1, "a", &late));
        // Its record is on its way, unless the log was faster.
        drop(futures::poll!(&mut taken));
        drop(taken);
        world.drop_run("side").await.unwrap();
        world.flush().await.unwrap();
        assert_eq!(rows_in_all(&world).await, 1, "round {round}");
    }
    world.shutdown().await.unwrap();
}

#[tokio::test]
async fn who_was_overtaken_drops_no_run() {
    let bed = Bed::new("world").await;
    let before = bed.open().await;
    two_runs(&before).await;
    before.flush().await.unwrap();
    let now = bed.open().await;
    let side = now.run("side").await.unwrap();
    let _ = side.append(3, "a", &rows(&[(9, None)])).await.unwrap();
    now.flush().await.unwrap();
    assert_eq!(before.drop_run("side").await.unwrap_err().kind(), ErrorKind::Fenced);
    // Nor does it make one, or declare a table: the new owner would not hear of it.
    let side = before.run("side").await.unwrap();
    for made in [
        before.create_run("late").await.map(drop),
        side.fork("late", 2).await.map(drop),
        before.define_table("late", &TableOptions::default().with_history(History::Changes)).await,
    ] {
        assert_eq!(made.unwrap_err().kind(), ErrorKind::Fenced);
    }
    assert!(now.runs().await.unwrap().iter().all(|run| run.state == RunState::Live));
    assert_eq!(rows_in_all(&now).await, 7, "nothing was touched");
}

#[tokio::test]
async fn of_two_who_drop_a_run_the_second_finds_it_gone() {
    let bed = Bed::new("world").await;
    let world = bed.open().await;
    two_runs(&world).await;
    let (one, other) = tokio::join!(world.drop_run("side"), world.drop_run("side"));
    // Whichever of them comes second would drop the next run of that name.
    let (first, second) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(first.unwrap().rows, 3);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::NotFound);
    check_gone(&world).await;
}
