//! Memory as an async storage: nothing waits, so nothing hops to another thread.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use worldstore_core::Result;

use super::Local;
use crate::async_storage::AsyncStorage;
use crate::batch::{Applied, Batch};
use crate::chunk::AsyncChunks;
use crate::component::ComponentType;
use crate::query::Query;
use crate::state::State;
use crate::storage::{Storage, StorageInfo};
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncStorage for Local {
    fn info(&self) -> StorageInfo {
        Storage::info(self)
    }

    async fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        Storage::components(self)
    }

    async fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        Storage::register(self, components)
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        Storage::apply(self, batch)
    }

    async fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        Storage::alive(self, entities)
    }

    async fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        Storage::types(self, entity)
    }

    async fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        Storage::get(self, entity, component)
    }

    async fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        Storage::get_many(self, entities, component)
    }

    async fn query(&self, query: &Query) -> Result<AsyncChunks<'_>> {
        Ok(stream::iter(Storage::query(self, query)?).boxed())
    }

    async fn tick(&self) -> Result<Tick> {
        Storage::tick(self)
    }

    async fn changes(&self, since: Tick) -> Result<Changes> {
        Storage::changes(self, since)
    }

    async fn export(&self) -> Result<State<'_>> {
        Storage::export(self)
    }

    async fn import(&mut self, state: &State<'_>) -> Result<()> {
        Storage::import(self, state)
    }

    fn local(&self) -> Option<&Local> {
        Some(self)
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        Some(self)
    }
}
