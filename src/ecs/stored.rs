//! Tables of a run as an async storage: reads from memory, changes as ticks.

use std::sync::Arc;

use async_trait::async_trait;
use worldstore_core::Result;
use worldstore_ecs::{
    Applied, AsyncChunks, AsyncStorage, Batch, Changes, ComponentType, ComponentValue, Entity, Local, Query, State,
    Storage, StorageInfo, Tick,
};

use super::world_tables::WorldTables;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncStorage for WorldTables {
    fn info(&self) -> StorageInfo {
        self.storage_info()
    }

    async fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        Storage::components(&self.local)
    }

    async fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        if let Some(prepared) = self.prepare_components(components)? {
            let stored = prepared.commit.run().await;
            self.settle(prepared.effect, stored)?;
        }
        Storage::register(&mut self.local, components)
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        let prepared = self.prepare_batch(batch)?;
        let stored = prepared.commit.run().await;
        self.settle(prepared.effect, stored)?;
        let done = Storage::apply(&mut self.local, batch);
        let applied = self.follow(done)?;
        if let Some(checkpoint) = self.due_checkpoint() {
            let stored = checkpoint.run().await;
            self.settle_checkpoint(stored);
        }
        Ok(applied)
    }

    async fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        Storage::alive(&self.local, entities)
    }

    async fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        Storage::types(&self.local, entity)
    }

    async fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        Storage::get(&self.local, entity, component)
    }

    async fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        Storage::get_many(&self.local, entities, component)
    }

    async fn query(&self, query: &Query) -> Result<AsyncChunks<'_>> {
        AsyncStorage::query(&self.local, query).await
    }

    async fn tick(&self) -> Result<Tick> {
        Storage::tick(&self.local)
    }

    async fn changes(&self, since: Tick) -> Result<Changes> {
        Storage::changes(&self.local, since)
    }

    async fn export(&self) -> Result<State<'_>> {
        Storage::export(&self.local)
    }

    async fn import(&mut self, state: &State<'_>) -> Result<()> {
        let (prepared, next) = self.prepare_state(state)?;
        let stored = prepared.commit.run().await;
        self.settle(prepared.effect, stored)?;
        self.local = next;
        Ok(())
    }

    fn local(&self) -> Option<&Local> {
        Some(&self.local)
    }

    /// None: a change in place would not be in the tables.
    fn local_mut(&mut self) -> Option<&mut Local> {
        None
    }
}
