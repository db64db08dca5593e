//! A boxed storage is a storage: who picks one at run time has entities in it all the same.

use std::sync::Arc;

use async_trait::async_trait;
use worldstore_core::Result;

use super::{Storage, StorageInfo};
use crate::async_storage::AsyncStorage;
use crate::batch::{Applied, Batch};
use crate::chunk::{AsyncChunks, Chunks};
use crate::component::ComponentType;
use crate::local::Local;
use crate::query::Query;
use crate::state::State;
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

#[deny(clippy::missing_trait_methods)]
impl<Inner: Storage + ?Sized> Storage for Box<Inner> {
    fn info(&self) -> StorageInfo {
        (**self).info()
    }

    fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        (**self).components()
    }

    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        (**self).register(components)
    }

    fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        (**self).apply(batch)
    }

    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        (**self).alive(entities)
    }

    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        (**self).types(entity)
    }

    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        (**self).get(entity, component)
    }

    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        (**self).get_many(entities, component)
    }

    fn query(&self, query: &Query) -> Result<Chunks<'_>> {
        (**self).query(query)
    }

    fn tick(&self) -> Result<Tick> {
        (**self).tick()
    }

    fn changes(&self, since: Tick) -> Result<Changes> {
        (**self).changes(since)
    }

    fn export(&self) -> Result<State<'_>> {
        (**self).export()
    }

    fn import(&mut self, state: &State<'_>) -> Result<()> {
        (**self).import(state)
    }

    fn local(&self) -> Option<&Local> {
        (**self).local()
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        (**self).local_mut()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<Inner: AsyncStorage + ?Sized> AsyncStorage for Box<Inner> {
    fn info(&self) -> StorageInfo {
        (**self).info()
    }

    async fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        (**self).components().await
    }

    async fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        (**self).register(components).await
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        (**self).apply(batch).await
    }

    async fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        (**self).alive(entities).await
    }

    async fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        (**self).types(entity).await
    }

    async fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        (**self).get(entity, component).await
    }

    async fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        (**self).get_many(entities, component).await
    }

    async fn query(&self, query: &Query) -> Result<AsyncChunks<'_>> {
        (**self).query(query).await
    }

    async fn tick(&self) -> Result<Tick> {
        (**self).tick().await
    }

    async fn changes(&self, since: Tick) -> Result<Changes> {
        (**self).changes(since).await
    }

    async fn export(&self) -> Result<State<'_>> {
        (**self).export().await
    }

    async fn import(&mut self, state: &State<'_>) -> Result<()> {
        (**self).import(state).await
    }

    fn local(&self) -> Option<&Local> {
        (**self).local()
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        (**self).local_mut()
    }
}
