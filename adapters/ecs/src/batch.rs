//! Changes that happen together or not at all.

mod updates;

use std::collections::HashSet;
use std::sync::Arc;

use worldstore_core::Result;

use crate::component::ComponentType;
use crate::error::{dead, exists, missing, other_fields, reserved};
use crate::{ComponentValue, Entity, Tick};

pub use updates::Updates;

/// Changes as a storage applies them: [`Updates`] with the rules applied that need no look at the storage.
///
/// They are applied in this order: [writes](Self::writes), [removes](Self::removes), [destroys](Self::destroys),
/// [spawns](Self::spawns), [places](Self::places). Each write is for another entity or component, each remove too, and no entity is destroyed
/// or placed twice.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub(crate) writes: Vec<Write>,
    pub(crate) removes: Vec<(Entity, Arc<str>)>,
    pub(crate) destroys: Vec<Entity>,
    pub(crate) spawns: Vec<Vec<ComponentValue>>,
    pub(crate) places: Vec<(Entity, Vec<ComponentValue>)>,
}

/// Whether the component must be there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// It must.
    Update,
    /// It is added, or replaced.
    Insert,
}

/// One write of a component.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Write {
    /// Whose component.
    pub entity: Entity,
    /// Its value from now on.
    pub value: ComponentValue,
    /// Whether it must be there before.
    pub mode: WriteMode,
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Applied {
    /// The tick that the batch took.
    pub tick: Tick,
    /// The new entities, in the order of the spawns.
    pub spawned: Vec<Entity>,
    /// How many of the removes found something.
    pub removed: u64,
}

impl Applied {
    /// What a batch did.
    pub fn new(tick: Tick, spawned: Vec<Entity>, removed: u64) -> Self {
        Self { tick, spawned, removed }
    }
}

impl Batch {
    /// The writes of components.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The components that are removed, if they are there.
    pub fn removes(&self) -> &[(Entity, Arc<str>)] {
        &self.removes
    }

    /// The entities that are destroyed, with all their components.
    pub fn destroys(&self) -> &[Entity] {
        &self.destroys
    }

    /// The components of each new entity, each component once.
    pub fn spawns(&self) -> &[Vec<ComponentValue>] {
        &self.spawns
    }

    /// Entities that are made alive under ids that were given out elsewhere, with their components, each once.
    pub fn places(&self) -> &[(Entity, Vec<ComponentValue>)] {
        &self.places
    }

    /// True if there is nothing to do. An empty batch takes a tick all the same.
    pub fn is_empty(&self) -> bool {
        let lists = self.writes.len() + self.removes.len() + self.destroys.len();
        lists + self.spawns.len() + self.places.len() == 0
    }

    /// The values of all writes and new entities.
    pub fn values(&self) -> impl Iterator<Item = &ComponentValue> {
        let placed = self.places.iter().flat_map(|(_, values)| values);
        self.writes.iter().map(|write| &write.value).chain(self.spawns.iter().flatten()).chain(placed)
    }

    /// The components of all values, each once.
    pub fn components(&self) -> Vec<&Arc<ComponentType>> {
        let mut known = HashSet::new();
        self.values().map(ComponentValue::component).filter(|component| known.insert(Arc::as_ptr(component))).collect()
    }

    /// The entities that must be alive, each once, sorted.
    pub fn entities(&self) -> Vec<Entity> {
        let writes = self.writes.iter().map(|write| write.entity);
        let removes = self.removes.iter().map(|(entity, _)| *entity);
        let mut entities: Vec<Entity> = writes.chain(removes).chain(self.destroys.iter().copied()).collect();
        entities.sort_unstable();
        entities.dedup();
        entities
    }

    /// Looks whether the batch can be applied, given what is there before it. A storage calls this before it changes
    /// anything, where nothing can come in between.
    ///
    /// # Errors
    /// `NotFound` if an entity is not alive, or has not the component that is to be updated; `Invalid` if a reserved
    /// entity is to be destroyed; `AlreadyExists` if an entity to be placed is alive.
    pub fn check(&self, is_alive: impl Fn(Entity) -> bool, has: impl Fn(Entity, &ComponentType) -> bool) -> Result<()> {
        for write in &self.writes {
            if !is_alive(write.entity) {
                return Err(dead(write.entity));
            }
            if write.mode == WriteMode::Update && !has(write.entity, write.value.component()) {
                return Err(missing(write.entity, write.value.name()));
            }
        }
        for entity in self.removes.iter().map(|(entity, _)| entity).chain(&self.destroys) {
            if !is_alive(*entity) {
                return Err(dead(*entity));
            }
        }
        if let Some(entity) = self.destroys.iter().find(|entity| entity.is_reserved()) {
            return Err(reserved(*entity));
        }
        match self.places.iter().find(|(entity, _)| is_alive(*entity)) {
            Some((entity, _)) => Err(exists(*entity)),
            None => Ok(()),
        }
    }
}

/// Looks whether a component can be what is known under its name.
///
/// # Errors
/// `Invalid` if its fields are others.
pub fn check_known(known: &ComponentType, component: &ComponentType) -> Result<()> {
    if known.is_same(component) { Ok(()) } else { Err(other_fields(component.name())) }
}
