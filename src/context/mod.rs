//! A storage context: one byte store and a namespace in it, with many worlds side by side.
//!
//! ```
//! use worldstore::config::{Config, Lookup};
//! use worldstore::{StorageConfig, StorageContext};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> worldstore::Result<()> {
//! let file = Config::parse("[storage]\nuri = 'memory:'\nnamespace = 'lab'\n", "worldstore.toml", &Lookup::none())?;
//! let config = StorageConfig::load(Some(&file), &Lookup::given([("WORLDSTORE_STORAGE_NAMESPACE", "trial")]))?;
//! assert_eq!((config.uri.as_str(), config.namespace.as_str()), ("memory:", "trial"));
//!
//! let context = StorageContext::builder(config).build().await?;
//! let (north, south) = (context.create("north").await?, context.create("south").await?);
//! assert_eq!((north.name(), south.name()), ("north", "south"));
//! assert_eq!(context.worlds().await?, ["north", "south"]);
//! context.shutdown().await?;
//! # Ok(()) }
//! ```
//!
//! Layout in the byte store: `NAMESPACE/namespace.json`, and the world `NAME` in `NAMESPACE/NAME/`. The chapter
//! [`docs::config`](crate::docs::config) tells the settings and which of several sources wins.

mod catalog;
mod config;
mod namespace;
mod place;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Mutex;
use worldstore_cache::CacheConfig;
use worldstore_core::{Error, ErrorKind, Result};

use catalog::LocalCatalog;
pub use config::{StorageConfig, load_cache};

use crate::config::{Config, Lookup};
use crate::registry::{OpenOptions, Registry, Residence};
use crate::storage::Storage;
use crate::world::{TableFormat, World, WorldOptions, check_name};

/// The worlds of a namespace. Clones share it, and the worlds that are open: a world that is opened twice is one handle.
#[derive(Clone)]
pub struct StorageContext {
    shared: Arc<Shared>,
    config: StorageConfig,
    open: Arc<Mutex<BTreeMap<String, World>>>,
}

/// What namespaces of one byte store share.
struct Shared {
    storage: Storage,
    residence: Residence,
    cache: CacheConfig,
}

/// What a context is made of.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing before it is built"]
pub struct StorageContextBuilder {
    config: StorageConfig,
    cache: CacheConfig,
    registry: Registry,
}

impl StorageContextBuilder {
    /// Sets how the rows of each world are buffered. Default: [`CacheConfig::default`].
    pub fn with_cache(mut self, cache: CacheConfig) -> Self {
        self.cache = cache;
        self
    }

    /// Sets what opens the URI. Default: [`Registry::compiled_in`].
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Opens the byte store, which is made if need be, and makes the namespace where there is none.
    ///
    /// # Errors
    /// `Invalid`, with `key` and `at`, for settings that are wrong; those of [`Registry::open`]; `Unsupported` for a namespace
    /// of another release.
    pub async fn build(self) -> Result<StorageContext> {
        let Self { config, cache, registry } = self;
        config.check()?;
        values::check_cache(&cache, |_| values::CODE)?;
        let options = OpenOptions { settings: config.io.clone(), ..OpenOptions::default() };
        let residence = registry.residence(&config.uri)?;
        let storage = registry.open(&config.uri, &options).await?;
        let shared = Arc::new(Shared { storage, residence, cache });
        StorageContext::new(shared, config).await
    }
}

impl StorageContext {
    /// Begins a context.
    pub fn builder(config: StorageConfig) -> StorageContextBuilder {
        StorageContextBuilder { config, cache: CacheConfig::default(), registry: Registry::compiled_in() }
    }

    /// A context as file and environment say: [`Config::find`], [`StorageConfig::load`] and [`load_cache`] in one.
    ///
    /// # Errors
    /// Those of the three, and of [`build`](StorageContextBuilder::build).
    pub async fn load(file: Option<&Path>, lookup: &Lookup) -> Result<Self> {
        let file = Config::find(file, lookup)?;
        let (config, cache) = (StorageConfig::load(file.as_ref(), lookup)?, load_cache(file.as_ref(), lookup)?);
        let registry = match file {
            Some(file) => Registry::compiled_in().with_config(file)?,
            None => Registry::compiled_in(),
        };
        Self::builder(config).with_cache(cache).with_registry(registry).build().await
    }

    async fn new(shared: Arc<Shared>, config: StorageConfig) -> Result<Self> {
        namespace::make(&shared.storage, &config.namespace).await?;
        Ok(Self { shared, config, open: Arc::default() })
    }

    /// Another namespace of the same byte store, made where there is none. Its worlds have nothing to do with those here.
    ///
    /// # Errors
    /// `Invalid` for the name; those of the byte store.
    pub async fn with_namespace(&self, name: &str) -> Result<Self> {
        if name == self.config.namespace {
            return Ok(self.clone());
        }
        let config = self.config.clone().with_namespace(name);
        config.check()?;
        Self::new(self.shared.clone(), config).await
    }

    /// What it was made of.
    pub fn config(&self) -> &StorageConfig {
        &self.config
    }

    /// The whole byte store.
    pub fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    /// Names of the namespaces in the byte store, sorted.
    ///
    /// # Errors
    /// Those of the byte store.
    pub async fn namespaces(&self) -> Result<Vec<String>> {
        namespace::list(&self.shared.storage).await
    }

    /// Names of the worlds in the namespace, open or not, sorted.
    ///
    /// # Errors
    /// Those of the byte store.
    pub async fn worlds(&self) -> Result<Vec<String>> {
        namespace::worlds(&self.shared.storage, &self.config.namespace).await
    }

    /// Makes a world.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one of that name; `Invalid` for the name, and for an Iceberg world on a remote store if the
    /// catalog on this machine is that of a world at another service; those of [`World::create`].
    pub async fn create(&self, name: &str) -> Result<World> {
        check_name("world", name)?;
        let mut open = self.open.lock().await;
        if open.contains_key(name) {
            return Err(Error::new(ErrorKind::AlreadyExists, "there is a world already").with("world", name));
        }
        let (uri, options) = self.options(name)?;
        if let Some(catalog) = self.catalog(name).filter(|_| self.makes_iceberg()) {
            if self.format_of(name).await?.is_some() {
                return Err(Error::new(ErrorKind::AlreadyExists, "there is a world already").with("world", name));
            }
            catalog.begin().await.map_err(|error| self.about(name, error))?;
        }
        let world = World::create(&uri, &options).await.map_err(|error| self.about(name, error))?;
        open.insert(name.to_owned(), world.clone());
        Ok(world)
    }

    /// Opens a world, or gives the handle that is open already.
    ///
    /// # Errors
    /// `NotFound` if there is none, or if it is an Iceberg world on a remote store whose catalog is not on this machine;
    /// `Invalid` if that is the catalog of a world at another service; those of [`World::open`].
    pub async fn open(&self, name: &str) -> Result<World> {
        check_name("world", name)?;
        let mut open = self.open.lock().await;
        if let Some(world) = open.get(name) {
            return Ok(world.clone());
        }
        let (uri, options) = self.options(name)?;
        let catalog = match self.catalog(name) {
            Some(catalog) if self.format_of(name).await? == Some(TableFormat::Iceberg) => Some(catalog),
            _ => None,
        };
        if let Some(catalog) = &catalog {
            catalog.find().map_err(|error| self.about(name, error))?;
        }
        let world = World::open(&uri, &options).await.map_err(|error| self.about(name, error))?;
        if let Some(catalog) = &catalog {
            catalog.keep().await.map_err(|error| self.about(name, error))?;
        }
        open.insert(name.to_owned(), world.clone());
        Ok(world)
    }

    /// Opens a world, or makes it where there is none.
    ///
    /// # Errors
    /// Those of [`create`](Self::create) and [`open`](Self::open).
    pub async fn open_or_create(&self, name: &str) -> Result<World> {
        match self.create(name).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.open(name).await,
            made => made,
        }
    }

    /// Shuts a world down and forgets its handle, so that it can be opened anew. A world with tables in memory keeps the
    /// handle, for its tables are gone with it: it can be read, and refuses appends. Nothing happens for one that is not open.
    ///
    /// # Errors
    /// Those of [`World::shutdown`]; the world stays open then, and it can be called again.
    pub async fn close(&self, name: &str) -> Result<()> {
        let mut open = self.open.lock().await;
        let Some(world) = open.get(name) else { return Ok(()) };
        world.shutdown().await.map_err(|error| error.with("world", name))?;
        if world.format() != TableFormat::Memory {
            open.remove(name);
        }
        Ok(())
    }

    /// Shuts all open worlds down.
    ///
    /// # Errors
    /// The first of those of [`close`](Self::close); the others are shut down all the same.
    pub async fn shutdown(&self) -> Result<()> {
        let names: Vec<String> = self.open.lock().await.keys().cloned().collect();
        let mut outcome = Ok(());
        for name in names {
            outcome = outcome.and(self.close(&name).await);
        }
        outcome
    }

    /// The URI and the options that lead to a world: its own registry has one scheme, which is the world's folder.
    fn options(&self, name: &str) -> Result<(String, WorldOptions)> {
        let Shared { storage, residence, cache } = &*self.shared;
        let (uri, registry) = place::registry(storage, *residence, &self.config.namespace, name)?;
        let mut options = WorldOptions::default().with_name(name).with_cache(*cache).with_registry(registry);
        options.format = self.config.backend;
        options.catalog = self.catalog(name).map(|catalog| catalog.file().into());
        Ok((uri, options))
    }

    /// The catalog on this machine, for a world on a remote store that is one of Iceberg.
    fn catalog(&self, name: &str) -> Option<LocalCatalog> {
        let Shared { storage, residence, .. } = &*self.shared;
        (*residence == Residence::Remote).then(|| LocalCatalog::of(&self.config, storage, name))
    }

    fn makes_iceberg(&self) -> bool {
        let format = self.config.backend.unwrap_or_else(|| TableFormat::default_for(self.shared.residence));
        format == TableFormat::Iceberg
    }

    /// The table format of a world; none if there is no world.
    async fn format_of(&self, name: &str) -> Result<Option<TableFormat>> {
        namespace::format_of(&self.shared.storage, &self.config.namespace, name).await
    }

    fn about(&self, name: &str, error: Error) -> Error {
        error.with("name", name).with("namespace", &self.config.namespace)
    }
}

impl fmt::Debug for StorageContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageContext")
            .field("at", &self.shared.storage.location)
            .field("namespace", &self.config.namespace)
            .finish_non_exhaustive()
    }
}
