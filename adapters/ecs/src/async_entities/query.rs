//! Queries in Rust types.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use worldstore_core::Result;

use super::AsyncEntities;
use crate::Entity;
use crate::async_storage::AsyncStorage;
use crate::bundle::Bundle;
use crate::chunk::{AsyncChunks, Chunk};
use crate::component::Component;
use crate::query::Query;

impl<Store: AsyncStorage> AsyncEntities<Store> {
    /// All entities that are alive; of the reserved ones only those that have a component. Sorted.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn entities(&self) -> Result<Vec<Entity>> {
        let mut entities = self.found(&Query::all()).await?;
        entities.sort_unstable();
        Ok(entities)
    }

    /// The entities with all components of a bundle, and those, in the order of the bundle. The entities are in no order.
    ///
    /// # Errors
    /// Those of the storage, here or as items.
    pub async fn query<Items: Bundle>(&self) -> Result<AsyncRows<'_, Items>> {
        self.query_where(&Query::all()).await
    }

    /// As [`query`](Self::query), of those entities that a filter finds: `&Query::all().having(["agent"])`.
    ///
    /// # Errors
    /// Those of the storage, here or as items.
    pub async fn query_where<Items: Bundle>(&self, filter: &Query) -> Result<AsyncRows<'_, Items>> {
        let components = Items::components()?;
        let query = filter.giving(components.iter().map(|component| Arc::clone(component.name())));
        Ok(rows(self.storage.query(&query).await?))
    }

    /// The entities with one component, and that.
    ///
    /// # Errors
    /// Those of the storage, here or as items.
    pub async fn query_single<Type: Component>(&self) -> Result<AsyncRows<'_, Type>> {
        self.query::<Type>().await
    }

    /// The entities that a query finds, chunk by chunk, by the names of components.
    ///
    /// # Errors
    /// Those of the storage, here or as items.
    pub async fn chunks(&self, query: &Query) -> Result<AsyncChunks<'_>> {
        self.storage.query(query).await
    }

    /// The entities that a query finds.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn found(&self, query: &Query) -> Result<Vec<Entity>> {
        let mut entities = Vec::new();
        let mut chunks = self.storage.query(query).await?;
        while let Some(chunk) = chunks.next().await {
            entities.extend_from_slice(chunk?.entities());
        }
        Ok(entities)
    }
}

/// The rows that a query finds, one by one.
pub type AsyncRows<'a, Items> = BoxStream<'a, Result<(Entity, Items)>>;

/// The rows of chunks, whose entities are taken before the next chunk is asked for.
fn rows<Items: Bundle>(chunks: AsyncChunks<'_>) -> AsyncRows<'_, Items> {
    let rows = chunks.map(|chunk| {
        let rows: Vec<Result<(Entity, Items)>> = match chunk {
            Ok(chunk) => read(&chunk),
            Err(error) => vec![Err(error)],
        };
        stream::iter(rows)
    });
    rows.flatten().boxed()
}

fn read<Items: Bundle>(chunk: &Chunk<'_>) -> Vec<Result<(Entity, Items)>> {
    let rows = chunk.entities().iter().enumerate();
    rows.map(|(row, entity)| Ok((*entity, Items::read(chunk, row)?))).collect()
}
