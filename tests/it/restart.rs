//! What is there after the process ended: everything that was acknowledged, and without a log everything that was committed.

use std::fs;
use std::path::{Path, PathBuf};

use worldstore::core::ErrorKind;
use worldstore::core::table::Level;
use worldstore::{IfOpen, LogPlace, World, WorldOptions};

use crate::bed::{Bed, on_each_lasting_format, rows, state, ticks};

on_each_lasting_format!(
    a_shutdown_loses_nothing,
    without_shutdown_nothing_acknowledged_is_lost,
    without_a_log_only_buffered_rows_are_lost,
    one_writes_and_others_read,
    the_sequence_goes_on,
    opening_publishes_who_has_it_and_nothing_else,
    forks_outlive_the_process,
    a_table_that_went_back_is_not_written_over,
);

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else if from.exists() {
        fs::copy(from, to).unwrap();
    }
}

/// Whoever puts an older copy of a table in its place, or removes it, hears of it from the next writer.
async fn a_table_that_went_back_is_not_written_over(bed: &Bed) {
    let older = tempfile::tempdir().unwrap();
    let place = PathBuf::from(bed.uri());
    for (tick, table) in [(1, "position"), (2, "health")] {
        let world = World::open_or_create(&bed.uri(), &bed.options()).await.unwrap();
        let _ = world.run("main").await.unwrap().append(tick, table, &rows(&[(1, 1.0)])).await.unwrap();
        world.shutdown().await.unwrap();
        drop(world);
        if tick == 1 {
            copy(&place, older.path());
        }
    }
    for tables in ["tables", "warehouse", "catalog.db"].map(|name| (place.join(name), older.path().join(name))) {
        let (now, before) = tables;
        match before.is_dir() {
            true => fs::remove_dir_all(&now).unwrap(),
            false => drop(fs::remove_file(&now)),
        }
        copy(&before, &now);
    }

    let refused = World::open(&bed.uri(), &bed.options()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
    assert!(refused.context().any(|(key, value)| key == "table" && value == "health"), "{refused}");
    let forced = bed.options().with_if_open(IfOpen::TakeOver);
    let world = World::open(&bed.uri(), &forced).await.unwrap();
    assert_eq!(ticks(&world.run("main").await.unwrap().now()).await, [(1, 1)]);
    world.shutdown().await.unwrap();
}

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

async fn without_shutdown_nothing_acknowledged_is_lost(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let first = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let first = world.wait(&first, Level::Committed).await.unwrap();
    let second = run.append(2, "position", &rows(&[(1, 2.0)])).await.unwrap();
    assert_eq!((first.level, second.level), (Level::Committed, Level::Durable));
    drop((run, world));
    let world = bed.open().await;
    assert_eq!(world.recovery().rows, 1, "the other one is in its table");
    let run = world.run("main").await.unwrap();
    assert_eq!(state(&run.now()).await, [(1, 1.0), (1, 2.0)]);
    world.shutdown().await.unwrap();
    drop((run, world));
    let world = bed.open().await;
    assert_eq!(world.recovery().rows, 0);
    assert_eq!(state(&world.run("main").await.unwrap().now()).await, [(1, 1.0), (1, 2.0)], "once");
}

async fn one_writes_and_others_read(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let other = World::open(&bed.uri(), &bed.options()).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Conflict, "{other}");
    let early = World::read(&bed.uri(), &bed.options()).await.unwrap();
    assert!(early.tables().await.unwrap().is_empty(), "nothing is published yet");
    world.flush().await.unwrap();
    let _ = run.append(2, "position", &rows(&[(1, 2.0)])).await.unwrap();
    let reader = World::read(&bed.uri(), &bed.options()).await.unwrap();
    let seen = reader.run("main").await.unwrap();
    assert_eq!(state(&seen.now()).await, [(1, 1.0)], "what is published");
    let refused = seen.append(3, "position", &rows(&[(1, 3.0)])).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
    assert_eq!(reader.create_run("new").await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(seen.fork("new", 1).await.unwrap_err().kind(), ErrorKind::Unsupported);
    world.shutdown().await.unwrap();
    assert_eq!(state(&seen.now()).await, [(1, 1.0)], "a reader stays where it is");
}

async fn without_a_log_only_buffered_rows_are_lost(bed: &Bed) {
    let world = World::create(&bed.uri(), &without_log(bed)).await.unwrap();
    let run = world.run("main").await.unwrap();
    let first = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let first = world.wait(&first, Level::Committed).await.unwrap();
    let second = run.append(2, "position", &rows(&[(1, 2.0)])).await.unwrap();
    assert_eq!((first.level, second.level), (Level::Committed, Level::Buffered));
    drop((run, world));
    let run = World::open(&bed.uri(), &without_log(bed)).await.unwrap().run("main").await.unwrap();
    assert_eq!(state(&run.now()).await, [(1, 1.0)], "what the receipts said");
}

fn without_log(bed: &Bed) -> WorldOptions {
    bed.options().with_log(LogPlace::None)
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
    let world = World::create(&bed.uri(), &without_log(bed)).await.unwrap();
    let main = world.run("main").await.unwrap();
    let _ = main.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let child = main.fork("child", 1).await.unwrap();
    let _ = child.append(2, "position", &rows(&[(1, 20.0)])).await.unwrap();
    // Numbers that are given out again after a crash must not bring rows of the parent into the fork.
    let _lost = main.append(1, "position", &rows(&[(8, 8.0)])).await.unwrap();
    drop((main, child, world));
    let world = World::open(&bed.uri(), &without_log(bed)).await.unwrap();
    let (main, child) = (world.run("main").await.unwrap(), world.run("child").await.unwrap());
    assert_eq!(state(&child.now()).await, [(1, 1.0)]);
    let _ = main.append(1, "position", &rows(&[(9, 9.0)])).await.unwrap();
    world.flush().await.unwrap();
    assert_eq!(state(&child.now()).await, [(1, 1.0)]);
    assert_eq!(state(&main.now()).await, [(1, 1.0), (9, 9.0)]);
}

/// Whoever opens a world and changes nothing leaves one manifest: that which says who has it.
async fn opening_publishes_who_has_it_and_nothing_else(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    world.shutdown().await.unwrap();
    let mut newest = world.manifests().latest().unwrap().number;
    let state = world.manifests().latest().unwrap().entries.clone();
    drop((run, world));
    for _ in 0..3 {
        let world = bed.open().await;
        world.flush().await.unwrap();
        assert_eq!(world.stats().unwrap().manifest, Some(newest + 1), "the manifest with the claim shows the state");
        world.shutdown().await.unwrap();
        let last = world.manifests().latest().unwrap();
        assert_eq!((last.number, &last.entries), (newest + 1, &state));
        newest = last.number;
    }
    let world = bed.open().await;
    let _ = world.run("main").await.unwrap().append(2, "position", &rows(&[(1, 2.0)])).await.unwrap();
    world.shutdown().await.unwrap();
    assert_eq!(world.manifests().latest().unwrap().number, newest + 2);
}
