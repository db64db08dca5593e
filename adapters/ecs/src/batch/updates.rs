//! Changes as a caller collects them, and how they become a batch.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use worldstore_core::{Error, Result};

use super::{Batch, Write, WriteMode, check_known};
use crate::bundle::Bundle;
use crate::component::{Component, ComponentType};
use crate::error::{dead, exists};
use crate::{ComponentValue, Entity};

/// Changes to be applied together: updates, then inserts, removes, destroys, and spawns last.
///
/// ```
/// use worldstore_ecs::{Component, Entities, Local, Updates};
///
/// #[derive(Debug, Clone, PartialEq, Component)]
/// struct Health(u32);
///
/// # fn main() -> worldstore_core::Result<()> {
/// let mut entities = Entities::new(Local::new());
/// let agent = entities.spawn(Health(90))?;
///
/// let mut updates = Updates::new();
/// updates.update(agent, Health(80))?;
/// updates.spawn(Health(100))?;
/// let spawned = entities.apply_updates(&updates)?;
/// assert_eq!(entities.get::<Health>(agent)?, Some(Health(80)));
/// assert_eq!(entities.get::<Health>(spawned[0])?, Some(Health(100)));
/// # Ok(()) }
/// ```
///
/// Two writes of one component of one entity become one by the component's [rule](Component::combine), by default the
/// later. An entity that is destroyed twice is refused, as by two batches.
#[derive(Debug, Clone, Default)]
pub struct Updates {
    updates: Vec<(Entity, ComponentValue)>,
    inserts: Vec<(Entity, ComponentValue)>,
    removes: Vec<(Entity, Arc<str>)>,
    destroys: Vec<Entity>,
    spawns: Vec<Vec<ComponentValue>>,
    places: Vec<(Entity, Vec<ComponentValue>)>,
}

impl Updates {
    /// No changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a component that is there another value.
    ///
    /// # Errors
    /// Those of [`ComponentValue::of`].
    pub fn update<Type: Component>(&mut self, entity: Entity, value: Type) -> Result<&mut Self> {
        Ok(self.update_value(entity, ComponentValue::of(&value)?))
    }

    /// Gives a component that is there another value.
    pub fn update_value(&mut self, entity: Entity, value: ComponentValue) -> &mut Self {
        self.updates.push((entity, value));
        self
    }

    /// Adds components, or replaces them.
    ///
    /// # Errors
    /// Those of [`ComponentValue::of`].
    pub fn insert(&mut self, entity: Entity, bundle: impl Bundle) -> Result<&mut Self> {
        self.inserts.extend(bundle.values()?.into_iter().map(|value| (entity, value)));
        Ok(self)
    }

    /// Adds a component, or replaces it.
    pub fn insert_value(&mut self, entity: Entity, value: ComponentValue) -> &mut Self {
        self.inserts.push((entity, value));
        self
    }

    /// Removes a component, if it is there.
    pub fn remove<Type: Component>(&mut self, entity: Entity) -> &mut Self {
        self.remove_named(entity, Type::NAME)
    }

    /// Removes a component, if it is there.
    pub fn remove_named(&mut self, entity: Entity, component: impl Into<Arc<str>>) -> &mut Self {
        self.removes.push((entity, component.into()));
        self
    }

    /// Destroys an entity with all its components.
    pub fn destroy(&mut self, entity: Entity) -> &mut Self {
        self.destroys.push(entity);
        self
    }

    /// Makes an entity with these components.
    ///
    /// # Errors
    /// Those of [`ComponentValue::of`].
    pub fn spawn(&mut self, bundle: impl Bundle) -> Result<&mut Self> {
        let values = bundle.values()?;
        Ok(self.spawn_values(values))
    }

    /// Makes an entity with these components.
    pub fn spawn_values(&mut self, values: Vec<ComponentValue>) -> &mut Self {
        self.spawns.push(values);
        self
    }

    /// Makes an entity alive under an id that another storage gave out, with these components: how entities move.
    ///
    /// An id of the storage's own shard must have been given out there before, and taken back.
    pub fn place_values(&mut self, entity: Entity, values: Vec<ComponentValue>) -> &mut Self {
        self.places.push((entity, values));
        self
    }

    /// Adds the changes of another behind these.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.updates.extend(other.updates);
        self.inserts.extend(other.inserts);
        self.removes.extend(other.removes);
        self.destroys.extend(other.destroys);
        self.spawns.extend(other.spawns);
        self.places.extend(other.places);
        self
    }

    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let lists = self.updates.len() + self.inserts.len() + self.removes.len() + self.destroys.len();
        lists + self.spawns.len() + self.places.len() == 0
    }

    /// The batch for a storage: writes of one component become one, removes are listed once.
    ///
    /// # Errors
    /// `NotFound` if an entity is destroyed twice, `Invalid` if a component is used with two sets of fields; the errors
    /// of combining two values.
    pub fn to_batch(&self) -> Result<Batch> {
        let mut fold = Fold::default();
        let updates = self.updates.iter().map(|(entity, value)| (*entity, value, WriteMode::Update));
        let inserts = self.inserts.iter().map(|(entity, value)| (*entity, value, WriteMode::Insert));
        for (entity, value, mode) in updates.chain(inserts) {
            fold.write(entity, value, mode)?;
        }
        let spawns = self.spawns.iter().map(|values| fold.spawn(values)).collect::<Result<_>>()?;
        let mut known = HashSet::with_capacity(self.removes.len());
        let removes = self.removes.iter().filter(|(entity, name)| known.insert((*entity, &**name)));
        let removes = removes.cloned().collect();
        let mut known = HashSet::with_capacity(self.destroys.len());
        if let Some(twice) = self.destroys.iter().find(|entity| !known.insert(**entity)) {
            return Err(dead(*twice));
        }
        let places = self.places.iter().map(|(entity, values)| Ok((*entity, fold.spawn(values)?)));
        let places: Vec<_> = places.collect::<Result<_>>()?;
        let mut known = HashSet::with_capacity(places.len());
        if let Some((twice, _)) = places.iter().find(|(entity, _)| !known.insert(*entity)) {
            return Err(exists(*twice));
        }
        Ok(Batch { writes: fold.writes, removes, destroys: self.destroys.clone(), spawns, places })
    }
}

/// Writes by entity and component.
#[derive(Default)]
struct Fold<'a> {
    writes: Vec<Write>,
    places: HashMap<(Entity, &'a str), usize>,
    components: Vec<&'a Arc<ComponentType>>,
}

impl<'a> Fold<'a> {
    fn write(&mut self, entity: Entity, value: &'a ComponentValue, mode: WriteMode) -> Result<()> {
        self.know(value.component())?;
        let next = self.writes.len();
        let place = *self.places.entry((entity, &**value.name())).or_insert(next);
        match self.writes.get_mut(place) {
            // The mode of the first one stays: it says what must be there before the batch.
            Some(earlier) => earlier.value = value.clone().after(&earlier.value)?,
            None => self.writes.push(Write { entity, value: value.clone(), mode }),
        }
        Ok(())
    }

    fn spawn(&mut self, values: &'a [ComponentValue]) -> Result<Vec<ComponentValue>> {
        let mut kept: Vec<ComponentValue> = Vec::with_capacity(values.len());
        for value in values {
            self.know(value.component())?;
            match kept.iter_mut().find(|other| other.name() == value.name()) {
                Some(earlier) => *earlier = value.clone().after(earlier)?,
                None => kept.push(value.clone()),
            }
        }
        Ok(kept)
    }

    /// Notes a component, and looks whether it is used in one way only.
    fn know(&mut self, component: &'a Arc<ComponentType>) -> Result<()> {
        if self.components.iter().any(|known| Arc::ptr_eq(known, component)) {
            return Ok(());
        }
        if let Some(known) = self.components.iter().find(|known| known.name() == component.name()) {
            check_known(known, component).map_err(|error: Error| error.during("apply"))?;
        }
        self.components.push(component);
        Ok(())
    }
}
