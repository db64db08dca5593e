//! The door through which Lance reaches bytes: one scheme, one store, nothing else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lance::Dataset;
use lance::session::Session;
use lance_io::object_store::{
    ObjectStore, ObjectStoreParams, ObjectStoreProvider, ObjectStoreRegistry, WrappingObjectStore,
};
use lance_io::spill::LocalSpillStore;
use url::Url;
use worldstore_async::object_store::BackendObjectStore;
use worldstore_async::{AsyncBackend, CountingBackend};
use worldstore_core::{Error, Prefix, Result, percent};

use crate::config::LanceConfig;

/// Not `ws`, which URLs treat in a special way, and not `file`, past which Lance would go to the disk itself.
const SCHEME: &str = "wst";
/// Reads under way at once.
const IO_PARALLELISM: usize = 8;

#[derive(Debug)]
struct Provider {
    store: Arc<dyn object_store::ObjectStore>,
    /// Lance opens an old version if this is claimed of a store that does not sort.
    sorted: bool,
}

#[async_trait]
impl ObjectStoreProvider for Provider {
    async fn new_store(&self, base: Url, params: &ObjectStoreParams) -> lance_core::Result<ObjectStore> {
        let (store, block) = (Arc::clone(&self.store), params.block_size);
        Ok(ObjectStore::new(store, base, block, None, false, self.sorted, IO_PARALLELISM, 0, None))
    }
}

/// A dataset whose reads are counted. What the session holds already is not read.
pub(crate) fn counted(dataset: &Dataset, backend: &Arc<dyn AsyncBackend>, bytes: &Arc<AtomicU64>) -> Dataset {
    let counting = CountingBackend::with_bytes_read(Arc::clone(backend), Arc::clone(bytes));
    let store = Arc::new(BackendObjectStore::new(Arc::new(counting)));
    dataset.with_object_store_wrappers([Arc::new(Instead { store }) as Arc<dyn WrappingObjectStore>])
}

/// A store in place of another over the same bytes.
#[derive(Debug)]
struct Instead {
    store: Arc<dyn object_store::ObjectStore>,
}

impl WrappingObjectStore for Instead {
    fn wrap(&self, _prefix: &str, _other: Arc<dyn object_store::ObjectStore>) -> Arc<dyn object_store::ObjectStore> {
        Arc::clone(&self.store)
    }
}

/// A session of Lance in which a backend is the only store, and the URIs of tables in it.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub session: Arc<Session>,
    root: String,
    /// How often a table in a folder was made or removed here.
    lives: Arc<Mutex<HashMap<String, u64>>>,
}

impl Door {
    /// # Errors
    /// `Invalid` if no folder can be made where the system keeps temporary files.
    pub fn new(backend: Arc<dyn AsyncBackend>, config: &LanceConfig) -> Result<Self> {
        // A session makes one for what does not fit into memory, used or not, and panics if it cannot.
        LocalSpillStore::new().map_err(|source| {
            let message = "Lance needs a folder for temporary files, and none can be made; TMPDIR names another place";
            Error::invalid(message).with("folder", std::env::temp_dir().display()).caused_by(source)
        })?;
        // Lance caches by scheme and authority: two backends never share them.
        static BACKENDS: AtomicU64 = AtomicU64::new(0);
        let authority = BACKENDS.fetch_add(1, Ordering::Relaxed);
        let sorted = backend.info().capability.list_sorted;
        let registry = ObjectStoreRegistry::empty();
        registry.insert(SCHEME, Arc::new(Provider { store: Arc::new(BackendObjectStore::new(backend)), sorted }));
        let session = Session::new(config.index_cache_bytes, config.metadata_cache_bytes, Arc::new(registry));
        let root = format!("{SCHEME}://backend{authority}");
        Ok(Self { session: Arc::new(session), root, lives: Arc::default() })
    }

    /// The URI of a folder. Lance keeps what it knows of versions by this, so a table that is made anew has another one.
    pub fn uri(&self, folder: &Prefix) -> String {
        let life = self.lives().get(folder.as_str()).copied().unwrap_or(0);
        format!("{}-{life}/{}", self.root, percent::encode_path(folder.as_str()))
    }

    /// What is known of the table in a folder is of an older one from now on.
    pub fn renew(&self, folder: &Prefix) {
        *self.lives().entry(folder.as_str().to_owned()).or_default() += 1;
    }

    fn lives(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
