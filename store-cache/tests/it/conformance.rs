//! The kit for tables, with the cache in front of tables in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use worldstore_async::table::conformance::check;
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_cache::TableCache;
use worldstore_core::ErrorKind;
use worldstore_core::table::conformance::Profile;
use worldstore_core::table::{AppendOptions, MemoryTables};

use crate::probe::Probe;
use crate::support::{self, calm, create, name, rows};

async fn run(config: worldstore_cache::CacheConfig) {
    let places: Mutex<BTreeMap<String, Arc<MemoryTables>>> = Mutex::default();
    let open = async |place: &str| {
        let tables = places.lock().unwrap().entry(place.to_owned()).or_default().clone();
        let cache = TableCache::open(Arc::new(SyncTableAdapter::new(tables)), config).await?;
        Ok(Arc::new(cache) as Arc<dyn AsyncTableBackend>)
    };
    let report = check(open, &Profile::cache()).await.unwrap().into_result().unwrap();
    println!("{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_with_calm_triggers() {
    run(calm()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_when_every_append_flushes() {
    run(calm().with_flush_rows(1)).await;
}

/// The driver on the reference itself: what a sync format's author runs.
#[tokio::test(flavor = "multi_thread")]
async fn memory_tables_conform() {
    let places: Mutex<BTreeMap<String, Arc<MemoryTables>>> = Mutex::default();
    let open = async |place: &str| {
        let tables = places.lock().unwrap().entry(place.to_owned()).or_default().clone();
        Ok(Arc::new(SyncTableAdapter::new(tables)) as Arc<dyn AsyncTableBackend>)
    };
    let report = check(open, &Profile::format()).await.unwrap().into_result().unwrap();
    println!("{report}");
}

#[tokio::test]
async fn watermarks_are_refused_and_change_nothing() {
    let cache = support::open(&Probe::new(), calm()).await;
    create(&cache, "t").await;
    let refused = cache.append(&name("t"), vec![rows(0..2)], &AppendOptions::exactly_once(0, 1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    support::check(&cache, "t", []).await;
}
