//! What is there after the process ended: everything after a shutdown, else everything but what was only buffered.

use worldstore::core::table::Level;

use crate::bed::{Bed, on_each_lasting_format, rows, state, ticks};

on_each_lasting_format!(
    a_shutdown_loses_nothing,
    without_shutdown_only_buffered_rows_are_lost,
    the_sequence_goes_on,
    forks_outlive_the_process,
);

async fn a_shutdown_loses_nothing(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    for tick in 1..=5 {
        let _ = run.append(tick, "position", &rows(&[(1, tick as f64), (2, 0.0)])).await.unwrap();
        if tick == 2 {
            world.flush().await.unwrap();
        }
    }
    let before = (state(&run.now()).await, ticks(&run.now()).await);
    world.shutdown().await.unwrap();
    drop((run, world));
    let run = bed.open().await.run("main").await.unwrap();
    assert_eq!((state(&run.now()).await, ticks(&run.now()).await), before);
}

async fn without_shutdown_only_buffered_rows_are_lost(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let first = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let first = world.wait(&first, Level::Committed).await.unwrap();
    let second = run.append(2, "position", &rows(&[(1, 2.0)])).await.unwrap();
    assert_eq!((first.level, second.level), (Level::Committed, Level::Buffered));
    drop((run, world));
    let run = bed.open().await.run("main").await.unwrap();
    assert_eq!(state(&run.now()).await, [(1, 1.0)], "what the receipts said");
}

async fn the_sequence_goes_on(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let _ = run.append(1, "velocity", &rows(&[(1, 1.0)])).await.unwrap();
    world.shutdown().await.unwrap();
    drop((run, world));
    let run = bed.open().await.run("main").await.unwrap();
    let receipt = run.append(2, "position", &rows(&[(1, 2.0)])).await.unwrap();
    assert_eq!(receipt.seq, 3, "one sequence over all tables");
}

async fn forks_outlive_the_process(bed: &Bed) {
    let world = bed.create().await;
    let main = world.run("main").await.unwrap();
    let _ = main.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let child = main.fork("child", 1).await.unwrap();
    let _ = child.append(2, "position", &rows(&[(1, 20.0)])).await.unwrap();
    // Numbers that are given out again after a crash must not bring rows of the parent into the fork.
    let _lost = main.append(1, "position", &rows(&[(8, 8.0)])).await.unwrap();
    drop((main, child, world));
    let world = bed.open().await;
    let (main, child) = (world.run("main").await.unwrap(), world.run("child").await.unwrap());
    assert_eq!(state(&child.now()).await, [(1, 1.0)]);
    let _ = main.append(1, "position", &rows(&[(9, 9.0)])).await.unwrap();
    world.flush().await.unwrap();
    assert_eq!(state(&child.now()).await, [(1, 1.0)]);
    assert_eq!(state(&main.now()).await, [(1, 1.0), (9, 9.0)]);
}
