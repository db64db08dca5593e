//! One flush of a table at a time, also of one that is made anew meanwhile.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_core::ErrorKind;
use worldstore_core::table::{CreateOptions, MemoryTables, RemoveTableOptions, TableName};

use super::hold;
use crate::{CacheConfig, TableCache};

#[tokio::test]
async fn who_waited_for_a_table_that_was_made_anew_is_alone_with_the_new_one() {
    let tables: Arc<dyn AsyncTableBackend> = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
    let cache = TableCache::open(Arc::clone(&tables), CacheConfig::default()).await.unwrap();
    let name = TableName::new("t").unwrap();
    let create = CreateOptions::new(Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)])));
    cache.create(&name, &create).await.unwrap();

    let first = hold(&cache.shared, &name).await.unwrap();
    // Removed behind the cache's back: whoever makes it anew waits for the first flush, and behind it waits another.
    tables.remove(&name, &RemoveTableOptions::default()).await.unwrap();
    let creating = tokio::spawn({
        let (cache, name) = (cache.clone(), name.clone());
        async move { cache.create(&name, &create).await.map(drop) }
    });
    while Arc::strong_count(&cache.shared.state.lock().unwrap().tables[&name].flushing) < 3 {
        tokio::task::yield_now().await;
    }
    let waiting = tokio::spawn({
        let (cache, name) = (cache.clone(), name.clone());
        async move { hold(&cache.shared, &name).await }
    });
    tokio::task::yield_now().await;
    assert!(!creating.is_finished() && !waiting.is_finished());
    drop(first);
    creating.await.unwrap().unwrap();
    let _second = waiting.await.unwrap().unwrap();
    let third = std::pin::pin!(hold(&cache.shared, &name));
    assert!(futures::poll!(third).is_pending(), "two are alone with one table");
    let missing = hold(&cache.shared, &TableName::new("other").unwrap()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}
