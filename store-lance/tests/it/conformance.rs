//! The kit for tables: on memory, on local files, and with the cache in front.

use std::sync::Arc;

use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::table::conformance::check;
use worldstore_cache::{CacheConfig, TableCache};
use worldstore_core::table::conformance::Profile;
use worldstore_core::{Prefix, Result};
use worldstore_lance::{LanceConfig, LanceTables};

use crate::support::{local, memory};

fn at(backend: &Arc<dyn AsyncBackend>, place: &str) -> Result<Arc<dyn AsyncTableBackend>> {
    let config = LanceConfig::default().with_prefix(Prefix::new(place)?);
    Ok(Arc::new(LanceTables::open(backend.clone(), config)?))
}

async fn conforms(backend: Arc<dyn AsyncBackend>) {
    let report = check(async |place: &str| at(&backend, place), &Profile::format()).await.unwrap();
    println!("{}", report.into_result().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_on_memory() {
    conforms(memory()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_on_local_files() {
    let folder = tempfile::tempdir().unwrap();
    conforms(local(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_behind_the_cache() {
    let backend = memory();
    let open = async |place: &str| {
        let config = CacheConfig::default().with_idle_sec(3600.0);
        let cache = TableCache::open(at(&backend, place)?, config).await?;
        Ok(Arc::new(cache) as Arc<dyn AsyncTableBackend>)
    };
    let report = check(open, &Profile::cache()).await.unwrap();
    println!("{}", report.into_result().unwrap());
}
