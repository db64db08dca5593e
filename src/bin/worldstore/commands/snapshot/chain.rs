//! From a URI to a chain of manifests, and work on it away from the runtime's threads.

use std::sync::Arc;

use worldstore::asynchronous::{AsyncBackend, AsyncBackendAdapter};
use worldstore::core::manifest::{ManifestOptions, Manifests};
use worldstore::core::snapshot::Snapshots;
use worldstore::core::wrap::PrefixBackend;
use worldstore::core::{Backend, Prefix, Store};
use worldstore::storage::Root;
use worldstore::{Registry, Result};

use super::super::blocking;
use super::super::fs::address::Address;

/// A folder of any store, for those who do not await. To be used and dropped away from the runtime's threads.
pub struct Place {
    backend: Arc<dyn AsyncBackend>,
    folder: Prefix,
    pub shown: String,
}

impl Place {
    /// The folder that a URI names.
    pub async fn folder(uri: &str, root: Root, registry: &Registry) -> Result<Self> {
        Self::of(Address::folder(registry, uri, root).await?)
    }

    /// The store in which an address is, with the key there.
    pub fn object(address: Address) -> Result<(Self, String)> {
        let key = address.path.clone();
        Ok((Self { folder: Prefix::root(), ..Self::of(address)? }, key))
    }

    fn of(address: Address) -> Result<Self> {
        let (backend, folder) = (Arc::clone(address.store.backend()), Prefix::new(&address.path)?);
        Ok(Self { backend, folder, shown: address.shown })
    }

    /// The folder as a backend.
    pub fn backend(&self) -> Result<Arc<dyn Backend>> {
        let whole: Arc<dyn Backend> = Arc::new(AsyncBackendAdapter::new(Arc::clone(&self.backend))?);
        Ok(match self.folder.is_root() {
            true => whole,
            false => Arc::new(PrefixBackend::new(whole, self.folder.clone())),
        })
    }

    /// The folder as a store.
    pub fn store(&self) -> Result<Store> {
        Ok(Store::new(self.backend()?))
    }

    /// The chain in the folder.
    pub fn chain(&self) -> Result<Snapshots> {
        Ok(Snapshots::new(Manifests::open(self.backend()?, Prefix::root(), options())?))
    }
}

/// Settings of every chain that the command opens.
pub fn options() -> ManifestOptions {
    ManifestOptions::default().with_writer("worldstore")
}

/// Works on the chain in a folder.
pub async fn on_chain<Value: Send + 'static>(
    uri: &str,
    registry: &Registry,
    work: impl FnOnce(&Snapshots) -> Result<Value> + Send + 'static,
) -> Result<Value> {
    let place = Place::folder(uri, Root::Existing, registry).await?;
    let shown = place.shown.clone();
    blocking(move || work(&place.chain()?)).await.map_err(|error| error.with("uri", shown))
}
