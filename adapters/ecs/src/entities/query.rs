//! Queries in Rust types.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use super::Entities;
use crate::Entity;
use crate::bundle::Bundle;
use crate::chunk::{Chunk, Chunks};
use crate::component::Component;
use crate::query::Query;
use crate::storage::Storage;

impl<Store: Storage> Entities<Store> {
    /// All entities that are alive; of the reserved ones only those that have a component. Sorted.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn entities(&self) -> Result<Vec<Entity>> {
        let mut entities = self.found(&Query::all())?;
        entities.sort_unstable();
        Ok(entities)
    }

    /// The entities with all components of a bundle, and those, in the order of the bundle. The entities are in no order.
    ///
    /// # Errors
    /// Those of the storage, here or as items.
    pub fn query<Items: Bundle>(&self) -> Result<Rows<'_, Items>> {
        self.query_where(&Query::all())
    }

    /// As [`query`](Self::query), of those entities that a filter finds: `&Query::all().having(["agent"])`.
    ///
    /// # Errors
    /// Those of the storage, here or as items.
    pub fn query_where<Items: Bundle>(&self, filter: &Query) -> Result<Rows<'_, Items>> {
        let components = Items::components()?;
        let query = filter.giving(components.iter().map(|component| Arc::clone(component.name())));
        Ok(Rows::new(self.storage.query(&query)?))
    }

    /// The entities with one component, and that.
    ///
    /// # Errors
    /// Those of the storage, here or as items.
    pub fn query_single<Type: Component>(&self) -> Result<Rows<'_, Type>> {
        self.query::<Type>()
    }

    /// The entities that a query finds, chunk by chunk, by the names of components.
    ///
    /// # Errors
    /// Those of the storage, here or as items.
    pub fn chunks(&self, query: &Query) -> Result<Chunks<'_>> {
        self.storage.query(query)
    }

    /// The entities that a query finds.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn found(&self, query: &Query) -> Result<Vec<Entity>> {
        let mut entities = Vec::new();
        for chunk in self.storage.query(query)? {
            entities.extend_from_slice(chunk?.entities());
        }
        Ok(entities)
    }
}

/// The rows that a query finds, one by one.
pub struct Rows<'a, Items> {
    chunks: Chunks<'a>,
    chunk: Option<Chunk<'a>>,
    row: usize,
    items: PhantomData<fn() -> Items>,
}

impl<'a, Items> Rows<'a, Items> {
    fn new(chunks: Chunks<'a>) -> Self {
        Self { chunks, chunk: None, row: 0, items: PhantomData }
    }
}

impl<Items: Bundle> Iterator for Rows<'_, Items> {
    type Item = Result<(Entity, Items)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(chunk) = &self.chunk
                && let Some(entity) = chunk.entities().get(self.row)
            {
                let item = Items::read(chunk, self.row).map(|items| (*entity, items));
                self.row += 1;
                return Some(item);
            }
            self.row = 0;
            match self.chunks.next()? {
                Ok(chunk) => self.chunk = Some(chunk),
                Err(error) => {
                    self.chunk = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl<Items> fmt::Debug for Rows<'_, Items> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("row", &self.row).finish_non_exhaustive()
    }
}
