//! Bugs that are planted in storages: the suite and its model find each of them.

#![allow(dead_code, reason = "which of it is used depends on the features")]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use worldstore_core::{Error, Result};
use worldstore_ecs::conformance::defect;
use worldstore_ecs::planted::{Bug, Planted};
use worldstore_ecs::{Local, Storage};

/// Opens a place with a bug.
type Open<'a> = dyn Fn(&str, Planted) -> Box<dyn Storage> + Sync + 'a;

/// Looks for what is wrong with a storage; it crashes in between.
fn defect_of(open: &Open<'_>, planted: Planted) -> Option<Error> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let places = Mutex::new(HashMap::new());
    let mut make = || -> Result<Box<dyn Storage>> {
        let place = format!("p{}", COUNT.fetch_add(1, Ordering::SeqCst));
        let storage = open(&place, planted);
        places.lock().unwrap().insert(storage.to_string(), place);
        Ok(storage)
    };
    let mut reopen = |crashed: Box<dyn Storage>| -> Result<Box<dyn Storage>> {
        let place = places.lock().unwrap()[&crashed.to_string()].clone();
        drop(crashed);
        Ok(open(&place, planted))
    };
    defect(&mut make, Some(&mut reopen))
}

/// That nothing is found where nothing is planted is what the tests of promises show.
fn all_are_caught(open: &Open<'_>, bugs: &[Bug]) {
    let missed: Vec<&Bug> = bugs.iter().filter(|bug| defect_of(open, Planted::from(**bug)).is_none()).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

/// Those that storages can have which keep rows in tables.
const OF_TABLES: [Bug; 11] = [
    Bug::UncheckedBatch,
    Bug::CommitDespiteError,
    Bug::WriteUnstamped,
    Bug::RemovalUnnoted,
    Bug::DestroyUnnoted,
    Bug::OldestFreeFirst,
    Bug::RestoreShufflesFree,
    Bug::RestoreForgetsGuests,
    Bug::RestoreRewindsTicks,
    Bug::SharedIsOwn,
    Bug::OnePage,
];

#[test]
fn planted_bugs_of_memory_are_caught() {
    let bugs = [
        Bug::UncheckedBatch,
        Bug::WriteUnstamped,
        Bug::RemovalUnnoted,
        Bug::DestroyUnnoted,
        Bug::RestoreShufflesFree,
        Bug::RestoreForgetsGuests,
        Bug::RestoreRewindsTicks,
    ];
    let caught = |planted: Planted| {
        let mut make = || -> Result<Box<dyn Storage>> { Ok(Box::new(Local::new().with_planted(planted))) };
        defect(&mut make, None)
    };
    let missed: Vec<&Bug> = bugs.iter().filter(|bug| caught(Planted::from(**bug)).is_none()).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

#[cfg(feature = "sqlite")]
#[test]
fn planted_bugs_of_sqlite_are_caught() {
    use worldstore_ecs::storage::sqlite::SqliteConfig;
    let folder = tempfile::tempdir().unwrap();
    let open = |place: &str, planted: Planted| -> Box<dyn Storage> {
        Box::new(SqliteConfig::new(folder.path().join(place)).with_planted(planted).open().unwrap())
    };
    all_are_caught(&open, &OF_TABLES);
}

#[cfg(feature = "postgres")]
#[test]
fn planted_bugs_of_postgres_are_caught() {
    let Some(server) = super::support::postgres() else { return };
    let bugs: Vec<Bug> = OF_TABLES.into_iter().filter(|bug| *bug != Bug::SharedIsOwn).collect();
    all_are_caught(&|place, planted| server.open_with(place, planted), &bugs);
}

#[cfg(feature = "redis")]
#[test]
fn planted_bugs_of_redis_are_caught() {
    let Some(server) = super::support::redis() else { return };
    let bugs = [
        Bug::UpdateIsInsert,
        Bug::SplitBatch,
        Bug::RestoreShufflesFree,
        Bug::RestoreForgetsGuests,
        Bug::SharedIsOwn,
        Bug::OnePage,
    ];
    all_are_caught(&|place, planted| server.open_with(place, planted), &bugs);
}

#[cfg(feature = "backend")]
#[test]
fn planted_bugs_of_a_log_are_caught() {
    use std::sync::Arc;
    use worldstore_core::{Backend, Memory, Prefix};
    use worldstore_ecs::storage::log::LogConfig;
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let open = |place: &str, planted: Planted| -> Box<dyn Storage> {
        let config = LogConfig::new(Arc::clone(&backend), Prefix::new(place).unwrap()).with_snapshot_batches(20);
        match config.with_planted(planted).open() {
            Ok(log) => Box::new(log),
            // One that cannot be opened again has lost everything.
            Err(_) => Box::new(Local::new()),
        }
    };
    let bugs = [Bug::UnloggedBatch, Bug::UnloggedComponents, Bug::UnloggedRestore, Bug::SnapshotAhead, Bug::ReplayAll];
    all_are_caught(&open, &bugs);
}
