//! Listings of lakes: the answers and counts of the sync side, many folders at once.

use std::sync::Arc;

use worldstore_async::{CountingBackend, SyncBackendAdapter, lake};
use worldstore_core::lake::{Filter, LakeListOptions, Template};
use worldstore_core::{Backend, Key, Local, Memory, WriteOptions, lake as sync_lake};

fn fill(backend: &dyn Backend) {
    for season in 2020..2025 {
        for week in 1..=17 {
            for name in ["a.parquet", "b.parquet", "_SUCCESS", "notes.txt"] {
                let key = Key::new(format!("tracks/{season}/week={week}/{name}")).unwrap();
                let _ = backend.write(&key, "rows".into(), &WriteOptions::default()).unwrap();
            }
        }
    }
}

async fn same_listings(backend: Arc<dyn Backend>) {
    fill(&*backend);
    let adapted = SyncBackendAdapter::new(Arc::clone(&backend));
    let counting = CountingBackend::new(Arc::new(adapted));
    let mut pruned = 0;
    for (template, filter) in [
        ("tracks/{season}/week={week}", ""),
        ("tracks/{season}/week={week}", "season = 2024 and week < 3"),
        ("tracks/{season}/week={week}", "week in (1, 2) or season = 2020"),
        ("tracks/{season}/week={week:int}/{n}.parquet", "week between 3 and 5 and n = 'b'"),
        ("tracks", "week = 17"),
        ("tracks/2024/week=1/a.parquet", ""),
    ] {
        let template = Template::parse(template).unwrap();
        let mut options = LakeListOptions::default();
        if !filter.is_empty() {
            options = options.with_filter(Filter::parse(filter).unwrap());
        }
        let expected = sync_lake::list(&*backend, &template, &options).unwrap();
        let before = counting.counts();
        let listing = lake::list(&counting, &template, &options).await.unwrap();
        assert_eq!(listing.files, expected.files, "{template} {filter}");
        assert_eq!((&listing.columns, listing.stats), (&expected.columns, expected.stats), "{template} {filter}");
        assert_eq!(listing.pruned, expected.pruned);
        assert_eq!((counting.counts() - before).lists, listing.stats.list_calls);
        assert!(!listing.files.is_empty());
        pruned += listing.stats.folders_pruned;
    }
    assert!(pruned > 100, "{pruned}");
    let missing = Template::parse("treks/{season}").unwrap();
    assert!(lake::list(&counting, &missing, &LakeListOptions::default()).await.unwrap_err().is_not_found());
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_listed_alike_on_both_sides() {
    same_listings(Arc::new(Memory::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_listed_alike_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    same_listings(Arc::new(Local::new(folder.path()).unwrap())).await;
}
