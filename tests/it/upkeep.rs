//! Upkeep of worlds: compaction, expiry, verification, and what readers in other processes see of it.

use std::time::Duration;

use worldstore::core::manifest::Mode;
use worldstore::core::table::TableName;
use worldstore::world::{
    CompactWorldOptions, ExpireWorldOptions, Extent, LogCheck, LogPlace, LogState, StateHash, TableChange,
};
use worldstore::{ErrorKind, World};

use crate::bed::{Bed, on_each_lasting_format, rows, state};

on_each_lasting_format!(
    upkeep_changes_no_state,
    a_dry_run_of_a_reader_tells_what_a_writer_takes,
    a_reader_goes_on_while_states_before_its_own_expire,
    what_waits_is_told_until_it_is_published,
    what_is_for_reading_is_not_kept_up,
);

fn position() -> TableName {
    TableName::new("position").unwrap()
}

fn at_once(keep: u64) -> ExpireWorldOptions {
    ExpireWorldOptions::default().with_keep(keep).with_spare_for(Duration::ZERO)
}

/// Five ticks, each a state of its own.
async fn grown(bed: &Bed) -> World {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    for tick in 1..=5 {
        let writer = run.tick(tick).append("position", &rows(&[(1, tick as f64), (2, 0.5)])).unwrap();
        let _ = writer.append("other", &rows(&[(9, 0.0)])).unwrap().commit().await.unwrap();
        world.flush().await.unwrap();
    }
    world
}

async fn hashes(world: &World) -> Vec<StateHash> {
    let run = world.run("main").await.unwrap();
    let mut hashes = Vec::new();
    for tick in 1..=5 {
        hashes.push(run.as_of(tick).state_hash().await.unwrap());
    }
    hashes
}

async fn upkeep_changes_no_state(bed: &Bed) {
    let world = grown(bed).await;
    let before = hashes(&world).await;
    let compacted = world.compact(&CompactWorldOptions::default()).await.unwrap();
    assert_eq!(compacted.len(), 2);
    assert_eq!((compacted[&position()].files_before, compacted[&position()].files_after), (5, 1));
    assert_eq!(hashes(&world).await, before);
    for table in [position(), TableName::new("other").unwrap()] {
        let states = world.states().await.unwrap();
        let compactions = states.iter().filter_map(|state| state.tables.get(&table));
        let compactions = compactions.filter(|table| table.change == Some(TableChange::Compacted));
        assert_eq!(compactions.map(|table| table.version).collect::<Vec<_>>(), [compacted[&table].version]);
    }
    let all = world.verify(Extent::All).await.unwrap();
    assert!(all.is_sound(), "{all:?}");
    assert!(matches!(&all.log, Some(LogCheck::Sound(waiting)) if waiting.appends == 0), "{:?}", all.log);
    let expired = world.expire(&at_once(1)).await.unwrap();
    assert!(expired.tables.failed.is_empty() && expired.tables.unpublished.is_empty(), "{expired:?}");
    assert!(
        expired.tables.tables.values().all(|expiry| expiry.versions.len() >= 5 && expiry.files >= 5),
        "{expired:?}"
    );
    assert_eq!(hashes(&world).await, before);
    let newest = world.verify(Extent::All).await.unwrap();
    assert!(newest.is_sound(), "{newest:?}");
    assert_eq!((newest.versions, newest.rows), (2, 15));
    world.shutdown().await.unwrap();
    drop(world);
    let world = bed.open().await;
    assert_eq!(hashes(&world).await, before, "after a start, too");
    let run = world.run("main").await.unwrap();
    let _ = run.append(6, "position", &rows(&[(1, 6.0)])).await.unwrap();
    assert_eq!(state(&run.as_of(5)).await.len(), 10);
}

async fn a_dry_run_of_a_reader_tells_what_a_writer_takes(bed: &Bed) {
    let world = grown(bed).await;
    let reader = World::read(&bed.uri(), &bed.options()).await.unwrap();
    let plan = reader.expire(&at_once(2).with_mode(Mode::DryRun)).await.unwrap();
    assert!(plan.tables.tables[&position()].versions.len() >= 3, "{plan:?}");
    let done = world.expire(&at_once(2)).await.unwrap();
    assert_eq!((done.states.removed, done.tables.tables), (plan.states.removed, plan.tables.tables));
}

async fn a_reader_goes_on_while_states_before_its_own_expire(bed: &Bed) {
    let world = grown(bed).await;
    let reader = World::read(&bed.uri(), &bed.options()).await.unwrap();
    let before = hashes(&reader).await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(6, "position", &rows(&[(1, 6.0)])).await.unwrap();
    let _ = world.compact(&CompactWorldOptions::default()).await.unwrap();
    // The reader's state, that of the append, and that of the compaction.
    world.expire(&at_once(4)).await.unwrap();
    assert_eq!(hashes(&reader).await, before);
    assert!(reader.verify(Extent::Newest).await.is_ok());
    assert_eq!(state(&reader.run("main").await.unwrap().now()).await.len(), 10, "it stays where it is");
    let again = World::read(&bed.uri(), &bed.options()).await.unwrap();
    assert_eq!(state(&again.run("main").await.unwrap().now()).await.len(), 11);
}

async fn what_waits_is_told_until_it_is_published(bed: &Bed) {
    let folder = tempfile::tempdir().unwrap();
    for log in [LogPlace::Auto, LogPlace::Store, LogPlace::Folder(folder.path().join("log"))] {
        let bed = Bed::new(bed.format);
        let options = bed.options().with_log(log.clone());
        let world = World::create(&bed.uri(), &options).await.unwrap();
        let reader = World::read(&bed.uri(), &options).await.unwrap();
        assert_eq!(reader.log_state().await.unwrap(), LogState::Clean);
        let run = world.run("main").await.unwrap();
        let writer = run.tick(6).append("position", &rows(&[(1, 6.0), (2, 6.0)])).unwrap();
        let _ = writer.append("other", &rows(&[(9, 1.0)])).unwrap().commit().await.unwrap();
        assert_eq!(reader.log_state().await.unwrap(), LogState::Waiting, "{log:?}");
        let waiting = reader.waiting().await.unwrap().unwrap();
        assert_eq!((waiting.appends, waiting.rows(), waiting.last_seq), (1, 3, Some(1)), "{log:?}");
        assert_eq!(waiting.tables[&position()], 2);
        world.flush().await.unwrap();
        assert_eq!(reader.log_state().await.unwrap(), LogState::Clean, "published, whoever reads an older state");
        let waiting = reader.waiting().await.unwrap().unwrap();
        assert_eq!((waiting.appends, waiting.rows()), (0, 0), "{log:?}");
        assert!(reader.verify(Extent::All).await.unwrap().is_sound());
    }
    let bed = Bed::new(bed.format);
    let options = bed.options().with_log(LogPlace::None);
    let world = World::create(&bed.uri(), &options).await.unwrap();
    assert_eq!((world.waiting().await.unwrap(), world.log_state().await.unwrap()), (None, LogState::Clean));
}

async fn what_is_for_reading_is_not_kept_up(bed: &Bed) {
    let _world = grown(bed).await;
    let reader = World::read(&bed.uri(), &bed.options()).await.unwrap();
    let compact = reader.compact(&CompactWorldOptions::default()).await.unwrap_err();
    let expire = reader.expire(&at_once(1)).await.unwrap_err();
    assert_eq!((compact.kind(), expire.kind()), (ErrorKind::Unsupported, ErrorKind::Unsupported));
}
