//! The kit for tables: in memory, and on disk with the catalog in a file.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use worldstore_async::table::AsyncTableBackend;
use worldstore_async::table::conformance::check;
use worldstore_core::table::conformance::{Profile, Unsigned};
use worldstore_core::{Local, Prefix};
use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables};

use crate::{LOCATION, memory_backend};

fn profile() -> Profile {
    Profile::format().with_unsigned(Unsigned::Half)
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_memory() {
    // A catalog in memory is that of one handle, so a place opened again is the same handle.
    let places: Mutex<BTreeMap<String, Arc<IcebergTables>>> = Mutex::default();
    let open = async |place: &str| {
        if let Some(known) = places.lock().unwrap().get(place) {
            return Ok(known.clone() as Arc<dyn AsyncTableBackend>);
        }
        let config = IcebergConfig::new(CatalogLocation::Memory, LOCATION);
        let made = Arc::new(IcebergTables::open(memory_backend(), config).await?);
        places.lock().unwrap().insert(place.to_owned(), made.clone());
        Ok(made as Arc<dyn AsyncTableBackend>)
    };
    println!("{}", check(open, &profile()).await.unwrap().into_result().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path().join("data")).unwrap();
    let backend = Arc::new(worldstore_async::SyncBackendAdapter::new(Arc::new(local)));
    let open = async |place: &str| {
        let location = CatalogLocation::File(folder.path().join(format!("{place}.db")));
        let config = IcebergConfig::new(location, LOCATION).with_prefix(Prefix::new(place)?);
        Ok(Arc::new(IcebergTables::open(backend.clone(), config).await?) as Arc<dyn AsyncTableBackend>)
    };
    println!("{}", check(open, &profile()).await.unwrap().into_result().unwrap());
}
