//! A take-over that ends early: what it may have taken back does not come back in half.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_cache::CacheConfig;
use worldstore_core::memory::{Moment, Verdict};
use worldstore_core::table::{FlushOptions, MemoryTables, TableName};
use worldstore_core::{Error, ErrorKind, Memory, Result};

use super::{IfOpen, LogPlace, OwnLog, log, noted, over};
use crate::storage::Storage;
use crate::world::lineage::RunRecord;
use crate::world::manifest::WorldManifest;
use crate::world::testing::rows;
use crate::world::{MAIN_RUN, TableFormat, World, WorldOptions};

/// A world whose note of its log can be written so many times.
struct Place {
    storage: Storage,
    tables: Arc<dyn AsyncTableBackend>,
    logs: TempDir,
    notes: Arc<AtomicI64>,
}

impl Place {
    async fn new() -> Self {
        let notes = Arc::new(AtomicI64::new(i64::MAX));
        let left = Arc::clone(&notes);
        let memory = Memory::new().with_hook(move |event| {
            let is_note = (event.operation, event.key, event.moment) == ("write", "log.json", Moment::Before);
            match is_note && left.fetch_sub(1, Ordering::SeqCst) <= 0 {
                true => Verdict::Fail(Error::new(ErrorKind::Unavailable, "the store is away")),
                false => Verdict::Pass,
            }
        });
        let storage = Storage::from_sync(Arc::new(memory), "memory:");
        RunRecord::root(MAIN_RUN).create(&storage.backend).await.unwrap();
        let tables = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
        Self { storage, tables, logs: tempfile::tempdir().unwrap(), notes }
    }

    async fn open(&self, name: &str, if_open: IfOpen) -> Result<World> {
        let place = LogPlace::Folder(self.logs.path().join(name));
        let options = WorldOptions::default().with_cache(CacheConfig::default().with_idle_sec(3_600.0));
        let options = options.with_log(place).with_if_open(if_open);
        let (log, own) = log(&self.storage, &options).await?.unzip();
        let note = OwnLog::check(own, &self.storage, if_open).await?;
        let (storage, ledger) = noted(&self.storage);
        let written = over(&storage, Arc::clone(&self.tables).into(), (log, note), ledger, &options).await?;
        Ok(World::written(storage, WorldManifest::new("world", TableFormat::Memory), written))
    }

    /// A take-over with another log that can write so many notes, and no more.
    async fn try_other(&self, notes: i64) {
        self.notes.store(notes, Ordering::SeqCst);
        let failed = self.open("other", IfOpen::TakeOver).await.map(drop).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed:?}");
        self.notes.store(i64::MAX, Ordering::SeqCst);
    }

    async fn expect_refused(&self, name: &str) {
        let refused = self.open(name, IfOpen::Refuse).await.map(drop).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConditionFailed, "{refused:?}");
        assert!(refused.to_string().contains("other"), "{refused}");
    }
}

/// One tick of two tables.
async fn step(world: &World, tick: i64) {
    let main = world.run(MAIN_RUN).await.unwrap();
    let rows = rows(&[(tick as u64, None)]);
    let _ = main.tick(tick).append("a", &rows).unwrap().append("b", &rows).unwrap().commit().await.unwrap();
}

async fn check(world: &World, ticks: &[i64]) {
    let now = world.run(MAIN_RUN).await.unwrap().now();
    for table in ["a", "b"] {
        let found: Vec<_> = now.ticks(table).await.unwrap().iter().map(|count| (count.tick, count.rows)).collect();
        assert_eq!(found, ticks.iter().map(|tick| (*tick, 1)).collect::<Vec<_>>(), "{table}");
    }
}

/// A world with a published tick, and one that is acknowledged and in one of two tables.
async fn half() -> Place {
    let place = Place::new().await;
    let world = place.open("one", IfOpen::Refuse).await.unwrap();
    step(&world, 0).await;
    world.flush().await.unwrap();
    step(&world, 1).await;
    world.table_backend().flush(&FlushOptions::table(TableName::new("a").unwrap())).await.unwrap();
    place
}

#[tokio::test]
async fn until_it_is_noted_nothing_is_taken_back() {
    let place = half().await;
    place.try_other(0).await;
    check(&place.open("one", IfOpen::Refuse).await.unwrap(), &[0, 1]).await;
}

#[tokio::test]
async fn the_log_that_it_was_to_get_ends_it() {
    let place = half().await;
    for _ in 0..2 {
        place.try_other(1).await;
        place.expect_refused("one").await;
    }
    let world = place.open("other", IfOpen::TakeOver).await.unwrap();
    check(&world, &[0]).await;
    step(&world, 2).await;
    world.flush().await.unwrap();
    step(&world, 3).await;
    drop(world);
    place.expect_refused("one").await;
    check(&place.open("other", IfOpen::TakeOver).await.unwrap(), &[0, 2, 3]).await;
}

#[tokio::test]
async fn the_log_of_before_ends_it_without_what_it_held() {
    let place = half().await;
    place.try_other(1).await;
    let world = place.open("one", IfOpen::TakeOver).await.unwrap();
    check(&world, &[0]).await;
    world.flush().await.unwrap();
    step(&world, 2).await;
    drop(world);
    check(&place.open("one", IfOpen::Refuse).await.unwrap(), &[0, 2]).await;
}
