//! What callers use: entities and components in their Rust types, over any storage.

mod query;
mod whole;

use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::batch::{Applied, Updates};
use crate::bundle::Bundle;
use crate::component::{Component, ComponentType};
use crate::storage::Storage;
use crate::{ComponentValue, Entity};

pub use query::Rows;

/// Entities with components, in a storage.
///
/// ```
/// use worldstore_ecs::{Component, Entities, Local};
///
/// #[derive(Debug, Clone, PartialEq, Component)]
/// struct Position { x: f32, y: f32 }
/// #[derive(Debug, Clone, PartialEq, Component)]
/// struct Name(String);
///
/// # fn main() -> worldstore_core::Result<()> {
/// let mut entities = Entities::new(Local::new());
/// let ann = entities.spawn((Position { x: 1.0, y: 2.0 }, Name("ann".to_owned())))?;
/// entities.set(ann, Position { x: 3.0, y: 4.0 })?;
/// for row in entities.query::<(Name, Position)>()? {
///     let (entity, (name, position)) = row?;
///     assert_eq!((entity, &*name.0, position.x), (ann, "ann", 3.0));
/// }
/// entities.destroy(ann)?;
/// assert!(entities.set(ann, Name("bob".to_owned())).is_err());
/// # Ok(()) }
/// ```
///
/// Values are copied in and out: what a caller does with one changes nothing that is stored. Each call that changes
/// something takes a [`Tick`](crate::Tick) and is atomic; [`apply_updates`](Self::apply_updates) makes many changes one.
#[derive(Debug)]
pub struct Entities<Store> {
    storage: Store,
}

impl<Store: Storage> Entities<Store> {
    /// Entities in a storage. No I/O.
    pub fn new(storage: Store) -> Self {
        Self { storage }
    }

    /// The storage. No I/O.
    pub fn storage(&self) -> &Store {
        &self.storage
    }

    /// The storage, to be changed by name or in place. No I/O.
    pub fn storage_mut(&mut self) -> &mut Store {
        &mut self.storage
    }

    /// Gives the storage back. No I/O.
    pub fn into_storage(self) -> Store {
        self.storage
    }

    /// Makes the components of a bundle known. Storages do so on the first write; before a first read it does no harm.
    ///
    /// # Errors
    /// `Invalid` if a name is in use with other fields. Those of the storage.
    pub fn register<Items: Bundle>(&mut self) -> Result<()> {
        let components: Vec<Arc<ComponentType>> = Items::components()?.into_iter().cloned().collect();
        self.storage.register(&components)
    }

    /// Makes an entity without components.
    ///
    /// # Errors
    /// `StorageFull` if there are no more ids. Those of the storage.
    pub fn create(&mut self) -> Result<Entity> {
        self.spawn(())
    }

    /// Makes an entity with components.
    ///
    /// # Errors
    /// `Invalid` if a name is in use with other fields, `StorageFull` if there are no more ids. Those of the storage.
    pub fn spawn<Items: Bundle>(&mut self, bundle: Items) -> Result<Entity> {
        if let Some(local) = self.storage.local_mut() {
            return local.change(|local| local.insert_entity(bundle));
        }
        let mut updates = Updates::new();
        updates.spawn(bundle)?;
        let spawned = self.apply(&updates)?.spawned;
        spawned.first().copied().ok_or_else(|| Error::unexpected("the storage made no entity"))
    }

    /// Makes many entities with components, all or none.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_many<Items: Bundle>(
        &mut self,
        bundles: impl IntoIterator<Item = Items> + Send,
    ) -> Result<Vec<Entity>> {
        if let Some(local) = self.storage.local_mut() {
            return local.change(|local| local.insert_entities(bundles));
        }
        let mut updates = Updates::new();
        for bundle in bundles {
            updates.spawn(bundle)?;
        }
        Ok(self.apply(&updates)?.spawned)
    }

    /// Destroys an entity with all its components.
    ///
    /// # Errors
    /// `NotFound` if it is not alive, `Invalid` if it is reserved. Those of the storage.
    pub fn destroy(&mut self, entity: Entity) -> Result<()> {
        if let Some(local) = self.storage.local_mut() {
            return local.change(|local| local.destroy_entity(entity));
        }
        let mut updates = Updates::new();
        updates.destroy(entity);
        self.apply(&updates).map(|_| ())
    }

    /// Whether an entity is alive. One of another shard is not.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn exists(&self, entity: Entity) -> Result<bool> {
        if let Some(local) = self.storage.local() {
            return Ok(local.is_alive(entity));
        }
        Ok(self.storage.alive(&[entity])?.first().copied().unwrap_or_default())
    }

    /// A component of an entity. Nothing if it has none, or is not alive.
    ///
    /// # Errors
    /// `Invalid` if the name is in use with other fields. Those of the storage.
    #[inline]
    pub fn get<Type: Component>(&self, entity: Entity) -> Result<Option<Type>> {
        if let Some(local) = self.storage.local()
            && let Ok(value) = local.component::<Type>(entity)
        {
            return Ok(value.cloned());
        }
        self.get_named(entity, Type::NAME)?.map(|value| value.get()).transpose()
    }

    /// A component of an entity by its name. Nothing if it has none, or is not alive.
    ///
    /// # Errors
    /// Those of the storage.
    #[inline]
    pub fn get_named(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        self.storage.get(entity, component)
    }

    /// A component of many entities, in their order.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_many<Type: Component>(&self, entities: &[Entity]) -> Result<Vec<Option<Type>>> {
        let values = self.storage.get_many(entities, Type::NAME)?;
        values.into_iter().map(|value| value.map(|value| value.get()).transpose()).collect()
    }

    /// Gives an entity a component, or replaces it.
    ///
    /// # Errors
    /// `NotFound` if the entity is not alive; `Invalid` if the name is in use with other fields. Those of the storage.
    #[inline]
    pub fn set<Type: Component>(&mut self, entity: Entity, value: Type) -> Result<()> {
        if let Some(local) = self.storage.local_mut() {
            return local.change(|local| local.insert(entity, value));
        }
        self.set_value(entity, ComponentValue::of(&value)?)
    }

    /// Gives an entity a component by its name, or replaces it.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_value(&mut self, entity: Entity, value: ComponentValue) -> Result<()> {
        if let Some(local) = self.storage.local_mut() {
            return local.change(|local| local.insert_value(entity, &value));
        }
        let mut updates = Updates::new();
        updates.insert_value(entity, value);
        self.apply(&updates).map(|_| ())
    }

    /// Gives entities a component that they share: it is stored once, until each is given one of its own.
    ///
    /// # Errors
    /// As [`set`](Self::set): then none is changed.
    pub fn set_shared<Type: Component>(&mut self, entities: &[Entity], value: Type) -> Result<()> {
        let value = ComponentValue::of(&value)?.shared();
        let mut updates = Updates::new();
        for entity in entities {
            updates.insert_value(*entity, value.clone());
        }
        self.apply(&updates).map(|_| ())
    }

    /// Removes a component. False if it was not there.
    ///
    /// # Errors
    /// `NotFound` if the entity is not alive. Those of the storage.
    pub fn remove<Type: Component>(&mut self, entity: Entity) -> Result<bool> {
        if let Some(local) = self.storage.local_mut() {
            return local.change(|local| local.remove_component::<Type>(entity));
        }
        self.remove_named(entity, Type::NAME)
    }

    /// Removes a component by its name. False if it was not there.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn remove_named(&mut self, entity: Entity, component: &str) -> Result<bool> {
        let mut updates = Updates::new();
        updates.remove_named(entity, component);
        Ok(self.apply(&updates)?.removed > 0)
    }

    /// Removes a component from all entities that have it, and says how many had.
    ///
    /// # Errors
    /// Those of the storage. `NotFound` if another process destroys one of them meanwhile: then none is changed.
    pub fn remove_from_all<Type: Component>(&mut self) -> Result<u64> {
        let mut updates = Updates::new();
        for entity in self.found(&crate::Query::all().having([Type::NAME]))? {
            updates.remove::<Type>(entity);
        }
        Ok(self.apply(&updates)?.removed)
    }

    /// Whether an entity has a component. False if it is not alive.
    ///
    /// # Errors
    /// Those of the storage.
    #[inline]
    pub fn has<Type: Component>(&self, entity: Entity) -> Result<bool> {
        self.has_named(entity, Type::NAME)
    }

    /// Whether an entity has a component of this name. False if it is not alive.
    ///
    /// # Errors
    /// Those of the storage.
    #[inline]
    pub fn has_named(&self, entity: Entity, component: &str) -> Result<bool> {
        if let Some(local) = self.storage.local() {
            return Ok(local.has_component(entity, component));
        }
        Ok(self.types(entity)?.iter().any(|name| &**name == component))
    }

    /// The names of an entity's components, sorted. None if it is not alive.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn types(&self, entity: Entity) -> Result<Vec<Arc<str>>> {
        Ok(self.storage.types(entity)?.unwrap_or_default())
    }

    /// Applies changes together, all or none, and gives the new entities.
    ///
    /// # Errors
    /// Those of [`Updates::to_batch`] and of [`Storage::apply`](crate::Storage::apply): then nothing is changed.
    pub fn apply_updates(&mut self, updates: &Updates) -> Result<Vec<Entity>> {
        Ok(self.apply(updates)?.spawned)
    }

    /// Applies changes together, all or none, and says what they did.
    ///
    /// # Errors
    /// As [`apply_updates`](Self::apply_updates).
    pub fn apply(&mut self, updates: &Updates) -> Result<Applied> {
        self.storage.apply(&updates.to_batch()?)
    }
}

#[cfg(test)]
mod tests;
