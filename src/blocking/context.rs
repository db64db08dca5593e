//! The mirror of a storage context: the worlds of a namespace, all on one runtime.

use std::path::Path;

use worldstore_cache::CacheConfig;

use super::{Bridge, Mirror, World, call, start};
use crate::config::Lookup;
use crate::registry::Registry;
use crate::storage::Storage;
use crate::{Result, StorageConfig, context};

/// The worlds of a namespace. Clones share it, and the worlds that are open: a world that is opened twice is one handle.
/// See [`crate::StorageContext`].
#[derive(Debug, Clone)]
pub struct StorageContext {
    context: crate::StorageContext,
    bridge: Bridge,
}

/// What a context is made of.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing before it is built"]
pub struct StorageContextBuilder {
    builder: context::StorageContextBuilder,
}

impl StorageContextBuilder {
    /// Sets how the rows of each world are buffered. Default: [`CacheConfig::default`].
    pub fn with_cache(mut self, cache: CacheConfig) -> Self {
        self.builder = self.builder.with_cache(cache);
        self
    }

    /// Sets what opens the URI. Default: [`Registry::compiled_in`].
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.builder = self.builder.with_registry(registry);
        self
    }

    /// Opens the byte store, which is made if need be, and makes the namespace where there is none.
    ///
    /// # Errors
    /// Those of the [async builder](context::StorageContextBuilder::build) and of a [`Bridge`].
    pub fn build(self) -> Result<StorageContext> {
        let bridge = start()?;
        Ok(StorageContext { context: bridge.run(self.builder.build())?, bridge })
    }
}

impl Mirror for StorageContext {
    type Async = crate::StorageContext;

    fn over(other: crate::StorageContext, bridge: &Bridge) -> Self {
        Self { context: other, bridge: bridge.clone() }
    }

    fn asynchronous(&self) -> &crate::StorageContext {
        &self.context
    }

    fn bridge(&self) -> &Bridge {
        &self.bridge
    }
}

impl StorageContext {
    /// Begins a context.
    pub fn builder(config: StorageConfig) -> StorageContextBuilder {
        StorageContextBuilder { builder: crate::StorageContext::builder(config) }
    }

    /// A context as file and environment say: [`Config::find`](crate::Config::find), [`StorageConfig::load`] and
    /// [`load_cache`](context::load_cache) in one.
    ///
    /// # Errors
    /// Those of the three, and of [`build`](StorageContextBuilder::build).
    pub fn load(file: Option<&Path>, lookup: &Lookup) -> Result<Self> {
        let (file, lookup) = (file.map(Path::to_owned), lookup.clone());
        let bridge = start()?;
        let context = bridge.run(async move { crate::StorageContext::load(file.as_deref(), &lookup).await })?;
        Ok(Self { context, bridge })
    }

    /// Another namespace of the same byte store, made where there is none. Its worlds have nothing to do with those here.
    ///
    /// # Errors
    /// `Invalid` for the name; those of the byte store and of a [`Bridge`].
    pub fn with_namespace(&self, name: &str) -> Result<Self> {
        let name = name.to_owned();
        let context = call(self, |context| async move { context.with_namespace(&name).await })?;
        Ok(Self::over(context, &self.bridge))
    }

    /// What it was made of.
    pub fn config(&self) -> &StorageConfig {
        self.context.config()
    }

    /// The whole byte store.
    pub fn storage(&self) -> &Storage {
        self.context.storage()
    }

    /// Names of the namespaces in the byte store, sorted.
    ///
    /// # Errors
    /// Those of the byte store and of a [`Bridge`].
    pub fn namespaces(&self) -> Result<Vec<String>> {
        call(self, |context| async move { context.namespaces().await })
    }

    /// Names of the worlds in the namespace, open or not, sorted.
    ///
    /// # Errors
    /// Those of the byte store and of a [`Bridge`].
    pub fn worlds(&self) -> Result<Vec<String>> {
        call(self, |context| async move { context.worlds().await })
    }

    /// Makes a world.
    ///
    /// # Errors
    /// Those of [`crate::StorageContext::create`] and of a [`Bridge`].
    pub fn create(&self, name: &str) -> Result<World> {
        let name = name.to_owned();
        let world = call(self, |context| async move { context.create(&name).await })?;
        Ok(World::over(world, &self.bridge))
    }

    /// Opens a world, or gives the handle that is open already.
    ///
    /// # Errors
    /// Those of [`crate::StorageContext::open`] and of a [`Bridge`].
    pub fn open(&self, name: &str) -> Result<World> {
        let name = name.to_owned();
        let world = call(self, |context| async move { context.open(&name).await })?;
        Ok(World::over(world, &self.bridge))
    }

    /// Opens a world, or makes it where there is none.
    ///
    /// # Errors
    /// Those of [`create`](Self::create) and [`open`](Self::open).
    pub fn open_or_create(&self, name: &str) -> Result<World> {
        let name = name.to_owned();
        let world = call(self, |context| async move { context.open_or_create(&name).await })?;
        Ok(World::over(world, &self.bridge))
    }

    /// Shuts a world down and forgets its handle, so that it can be opened anew. A world with tables in memory keeps the
    /// handle, for its tables are gone with it: it can be read, and refuses appends. Nothing happens for one that is not open.
    ///
    /// # Errors
    /// Those of [`World::shutdown`]; the world stays open then, and it can be called again.
    pub fn close(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        call(self, |context| async move { context.close(&name).await })
    }

    /// Shuts all open worlds down.
    ///
    /// # Errors
    /// The first of those of [`close`](Self::close); the others are shut down all the same.
    pub fn shutdown(&self) -> Result<()> {
        call(self, |context| async move { context.shutdown().await })
    }
}
