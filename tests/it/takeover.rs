//! A world that is taken over with another log: what the other had published stays, and nothing of it comes later.

use std::path::Path;

use worldstore::core::table::{FlushOptions, TableName};
use worldstore::core::vfs::OsVfs;
use worldstore::core::wal::salvage;
use worldstore::world::{IfOpen, LogPlace};
use worldstore::{ErrorKind, World, WorldOptions};

use crate::bed::{Bed, on_each_lasting_format, rows};

on_each_lasting_format!(
    who_was_overtaken_commits_nothing_more,
    a_tick_that_only_some_tables_have_is_taken_back,
    what_a_rescued_log_tells_is_not_taken_back,
    without_a_log_a_tick_that_only_some_tables_have_is_taken_back,
    a_log_that_was_given_up_for_none_brings_nothing_back,
);

fn with_log(bed: &Bed, folder: &Path, name: &str) -> WorldOptions {
    bed.options().with_log(LogPlace::Folder(folder.join(name))).with_if_open(IfOpen::TakeOver)
}

/// One tick of two tables.
async fn step(world: &World, tick: i64) {
    let main = world.run("main").await.unwrap();
    let rows = rows(&[(tick as u64, 0.0)]);
    let _ = main.tick(tick).append("a", &rows).unwrap().append("b", &rows).unwrap().commit().await.unwrap();
}

async fn check(world: &World, ticks: &[i64]) {
    let now = world.run("main").await.unwrap().now();
    for table in ["a", "b"] {
        let found: Vec<_> = now.ticks(table).await.unwrap().iter().map(|count| (count.tick, count.rows)).collect();
        assert_eq!(found, ticks.iter().map(|tick| (*tick, 1)).collect::<Vec<_>>(), "{table}");
    }
}

async fn who_was_overtaken_commits_nothing_more(bed: &Bed) {
    let logs = tempfile::tempdir().unwrap();
    let (one, other) = (with_log(bed, logs.path(), "one"), with_log(bed, logs.path(), "other"));
    let before = World::create(&bed.uri(), &one).await.unwrap();
    step(&before, 0).await;
    before.flush().await.unwrap();
    for tick in 1..5 {
        step(&before, tick).await;
    }
    let now = World::open(&bed.uri(), &other).await.unwrap();
    // The same sequence numbers, in another log.
    step(&now, 10).await;
    step(&now, 11).await;
    assert_eq!(before.flush().await.unwrap_err().kind(), ErrorKind::Fenced);
    check(&now, &[0, 10, 11]).await;
    drop(now);
    let again = World::open(&bed.uri(), &other).await.unwrap();
    check(&again, &[0, 10, 11]).await;
    again.flush().await.unwrap();
    again.shutdown().await.unwrap();
    check(&World::read(&bed.uri(), &bed.options()).await.unwrap(), &[0, 10, 11]).await;
    drop(before);
    let refused = World::open(&bed.uri(), &one.with_if_open(IfOpen::Refuse)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConditionFailed);
}

async fn half(world: &World) {
    step(world, 0).await;
    world.flush().await.unwrap();
    step(world, 1).await;
    let only = FlushOptions::table(TableName::new("a").unwrap());
    world.table_backend().flush(&only).await.unwrap();
}

async fn whole(bed: &Bed, options: &WorldOptions) {
    for tick in 2..4 {
        let world = World::open(&bed.uri(), options).await.unwrap();
        step(&world, tick).await;
        world.shutdown().await.unwrap();
    }
    let world = World::open(&bed.uri(), options).await.unwrap();
    check(&world, &[0, 2, 3]).await;
    check(&World::read(&bed.uri(), &bed.options()).await.unwrap(), &[0, 2, 3]).await;
}

async fn a_tick_that_only_some_tables_have_is_taken_back(bed: &Bed) {
    let logs = tempfile::tempdir().unwrap();
    let before = World::create(&bed.uri(), &with_log(bed, logs.path(), "one")).await.unwrap();
    half(&before).await;
    drop(before);
    let same = World::open(&bed.uri(), &with_log(bed, logs.path(), "one")).await.unwrap();
    check(&same, &[0, 1]).await;
    drop(same);
    whole(bed, &with_log(bed, logs.path(), "other")).await;
}

async fn what_a_rescued_log_tells_is_not_taken_back(bed: &Bed) {
    let logs = tempfile::tempdir().unwrap();
    let before = World::create(&bed.uri(), &with_log(bed, logs.path(), "one")).await.unwrap();
    half(&before).await;
    drop(before);
    let vfs = OsVfs::open(logs.path()).unwrap();
    let _ = salvage(&vfs, "one", &vfs, "other").unwrap();
    let now = World::open(&bed.uri(), &with_log(bed, logs.path(), "other")).await.unwrap();
    assert!(now.recovery().withdrawn.is_empty());
    check(&now, &[0, 1]).await;
    step(&now, 2).await;
    now.shutdown().await.unwrap();
    check(&World::read(&bed.uri(), &bed.options()).await.unwrap(), &[0, 1, 2]).await;
}

async fn without_a_log_a_tick_that_only_some_tables_have_is_taken_back(bed: &Bed) {
    let options = bed.options().with_log(LogPlace::None);
    let before = World::create(&bed.uri(), &options).await.unwrap();
    half(&before).await;
    // As a process that is killed: nothing of it goes on.
    std::mem::forget(before);
    whole(bed, &options).await;
}

async fn a_log_that_was_given_up_for_none_brings_nothing_back(bed: &Bed) {
    let (kept, none) = (bed.options(), bed.options().with_log(LogPlace::None));
    let before = World::create(&bed.uri(), &kept).await.unwrap();
    half(&before).await;
    drop(before);
    let without = World::open(&bed.uri(), &none.with_if_open(IfOpen::TakeOver)).await.unwrap();
    check(&without, &[0]).await;
    step(&without, 2).await;
    without.shutdown().await.unwrap();
    drop(without);
    let refused = World::open(&bed.uri(), &kept).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConditionFailed, "{refused}");
    let kept = kept.with_if_open(IfOpen::TakeOver);
    let with = World::open(&bed.uri(), &kept).await.unwrap();
    check(&with, &[0, 2]).await;
    step(&with, 3).await;
    drop(with);
    // It is the world's again, but for what it held before.
    let with = World::open(&bed.uri(), &kept).await.unwrap();
    check(&with, &[0, 2, 3]).await;
    with.shutdown().await.unwrap();
    check(&World::read(&bed.uri(), &bed.options()).await.unwrap(), &[0, 2, 3]).await;
}
