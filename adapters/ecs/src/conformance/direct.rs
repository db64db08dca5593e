//! A sync storage as an async one that never waits: the cases are written once.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use worldstore_core::Result;

use crate::async_storage::AsyncStorage;
use crate::batch::{Applied, Batch};
use crate::chunk::AsyncChunks;
use crate::component::ComponentType;
use crate::local::Local;
use crate::query::Query;
use crate::state::State;
use crate::storage::{Storage, StorageInfo};
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

/// A sync storage, called where it is awaited.
#[derive(Debug)]
pub struct Direct {
    storage: Box<dyn Storage>,
}

impl Direct {
    /// Wraps a storage.
    pub fn new(storage: Box<dyn Storage>) -> Self {
        Self { storage }
    }

    /// The storage.
    pub fn into_storage(self) -> Box<dyn Storage> {
        self.storage
    }
}

impl std::fmt::Display for Direct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.storage)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncStorage for Direct {
    fn info(&self) -> StorageInfo {
        self.storage.info()
    }

    async fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        self.storage.components()
    }

    async fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        self.storage.register(components)
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        self.storage.apply(batch)
    }

    async fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        self.storage.alive(entities)
    }

    async fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        self.storage.types(entity)
    }

    async fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        self.storage.get(entity, component)
    }

    async fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        self.storage.get_many(entities, component)
    }

    async fn query(&self, query: &Query) -> Result<AsyncChunks<'_>> {
        Ok(stream::iter(self.storage.query(query)?).boxed())
    }

    async fn tick(&self) -> Result<Tick> {
        self.storage.tick()
    }

    async fn changes(&self, since: Tick) -> Result<Changes> {
        self.storage.changes(since)
    }

    async fn export(&self) -> Result<State<'_>> {
        self.storage.export()
    }

    async fn import(&mut self, state: &State<'_>) -> Result<()> {
        self.storage.import(state)
    }

    fn local(&self) -> Option<&Local> {
        self.storage.local()
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        self.storage.local_mut()
    }
}
