//! The suite that all storages pass, on each of them and on both sides, and random changes against the suite's model.

#![allow(dead_code, reason = "which of it is used depends on the features")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use worldstore_core::Result;
use worldstore_ecs::conformance::{Report, model, run, run_async};
use worldstore_ecs::storage::SyncStorageAdapter;
use worldstore_ecs::{AsyncStorage, Storage};

type Open = Arc<dyn Fn(&str) -> Box<dyn Storage> + Send + Sync>;

/// Runs everything on storages that a place opens; each name is another place.
fn keep(open: Open) {
    let count = Arc::new(Mutex::new(0));
    let next = {
        let count = Arc::clone(&count);
        move || {
            let mut count = count.lock().unwrap();
            *count += 1;
            format!("place_{count}")
        }
    };
    passed(run(&mut || Ok(open(&next()))));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let report = runtime.block_on(run_async(&mut || {
        let (open, place) = (Arc::clone(&open), next());
        async move {
            // Opening may wait for a runtime of its own.
            let opened = tokio::task::spawn_blocking(move || open(&place)).await.unwrap();
            Ok(Box::new(SyncStorageAdapter::new(opened)) as Box<dyn AsyncStorage>)
        }
        .boxed()
    }));
    // An adapter that is dropped on the runtime would wait there.
    runtime.shutdown_background();
    passed(report);
    // Which place a storage is, by what it calls itself.
    let places = Mutex::new(HashMap::new());
    for seed in 0..2 {
        let mut make = || -> Result<Box<dyn Storage>> {
            let place = next();
            let storage = open(&place);
            places.lock().unwrap().insert(storage.to_string(), place);
            Ok(storage)
        };
        let mut reopen = |crashed: Box<dyn Storage>| -> Result<Box<dyn Storage>> {
            let place = places.lock().unwrap()[&crashed.to_string()].clone();
            drop(crashed);
            Ok(open(&place))
        };
        model(&mut make, Some(&mut reopen), seed, 120).unwrap();
    }
}

fn passed(report: Report) {
    report.check().unwrap();
    assert!(report.passed.len() > 30, "{report}");
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_keeps_the_promises() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    keep(Arc::new(move |place| {
        let config = worldstore_ecs::storage::sqlite::SqliteConfig::new(path.join(place));
        Box::new(config.open().unwrap())
    }));
}

#[cfg(feature = "backend")]
#[test]
fn a_log_keeps_the_promises() {
    let backend: Arc<dyn worldstore_core::Backend> = Arc::new(worldstore_core::Memory::new());
    keep(Arc::new(move |place| {
        let prefix = worldstore_core::Prefix::new(place).unwrap();
        let config = worldstore_ecs::storage::log::LogConfig::new(Arc::clone(&backend), prefix);
        Box::new(config.with_snapshot_batches(20).open().unwrap())
    }));
}

#[cfg(feature = "redis")]
#[test]
fn redis_keeps_the_promises() {
    let Some(server) = super::support::redis() else { return };
    keep(Arc::new(move |place| server.open(place)));
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_keeps_the_promises() {
    let Some(server) = super::support::postgres() else { return };
    keep(Arc::new(move |place| server.open(place)));
}
