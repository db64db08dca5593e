//! A world of bevy_ecs and a storage of entities, kept equal: what changed between two saves is one tick.

use std::collections::{BTreeMap, HashMap};

use bevy_ecs::change_detection::DetectChanges;
use bevy_ecs::component::Component as BevyComponent;
use bevy_ecs::entity::Entity as BevyEntity;
use bevy_ecs::query::{Changed, Or, Without};
use bevy_ecs::resource::Resource;
use bevy_ecs::world::World as BevyWorld;
use worldstore::Result;
use worldstore::core::Error;
use worldstore::ecs::{Component, ComponentValue, Entities, Entity, Storage, Tick, Updates};

/// The entity of the storage that an entity of bevy is kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BevyComponent)]
pub struct Stored(pub Entity);

/// What is done with a component, without its type.
struct Kind<Store> {
    name: &'static str,
    written: fn(&mut BevyWorld) -> Result<Vec<(BevyEntity, ComponentValue)>>,
    removed: fn(&BevyWorld) -> Vec<Entity>,
    load: fn(&mut BevyWorld, &Entities<Store>, &HashMap<Entity, BevyEntity>) -> Result<()>,
}

/// What is done with a resource, without its type.
struct Single<Store> {
    name: &'static str,
    written: fn(&BevyWorld) -> Result<Option<ComponentValue>>,
    is_gone: fn(&BevyWorld) -> bool,
    load: fn(&mut BevyWorld, &Entities<Store>) -> Result<()>,
}

/// Which components and resources of a world are kept, and where each entity is.
pub struct Bridge<Store> {
    kinds: Vec<Kind<Store>>,
    singles: Vec<Single<Store>>,
    /// Also of entities that are despawned, until that is stored.
    stored: HashMap<BevyEntity, Entity>,
}

impl<Store: Storage> Bridge<Store> {
    /// Keeps nothing yet.
    pub fn new() -> Self {
        Self { kinds: Vec::new(), singles: Vec::new(), stored: HashMap::new() }
    }

    /// Keeps a component. An entity is kept as soon as it has one that is.
    #[must_use]
    pub fn component<Type: BevyComponent + Component>(mut self) -> Self {
        self.kinds.push(Kind {
            name: Type::NAME,
            written: written::<Type>,
            removed: removed::<Type>,
            load: load::<Type, Store>,
        });
        self
    }

    /// Keeps a resource: it is there once, as a component of [`Entity::WORLD`].
    #[must_use]
    pub fn resource<Type: Resource + Component>(mut self) -> Self {
        self.singles.push(Single {
            name: Type::NAME,
            written: |world| {
                let changed = world.get_resource_ref::<Type>().filter(|value| value.is_changed());
                changed.map(|value| ComponentValue::of(&*value)).transpose()
            },
            is_gone: |world| world.get_resource::<Type>().is_none(),
            load: |world, entities| {
                entities.singleton::<Type>()?.into_iter().for_each(|value| world.insert_resource(value));
                Ok(())
            },
        });
        self
    }

    /// Stores what has changed since the last save, as one tick, and takes note of it: the trackers of the world are
    /// cleared.
    ///
    /// # Errors
    /// Those of the storage. Then nothing is stored and the trackers stay, so that the next save has it all.
    pub fn save(&mut self, world: &mut BevyWorld, entities: &mut Entities<Store>) -> Result<Tick> {
        let mut updates = Updates::new();
        // In the order of bevy's ids, so that one history gives one order of ids.
        let mut new: BTreeMap<BevyEntity, Vec<ComponentValue>> = BTreeMap::new();
        for kind in &self.kinds {
            for (entity, value) in (kind.written)(world)? {
                match self.stored.get(&entity) {
                    Some(stored) => _ = updates.insert_value(*stored, value),
                    None => new.entry(entity).or_default().push(value),
                }
            }
            (kind.removed)(world).into_iter().for_each(|stored| _ = updates.remove_named(stored, kind.name));
        }
        for single in &self.singles {
            match (single.written)(world)? {
                Some(value) => _ = updates.insert_value(entities.world(), value),
                None if (single.is_gone)(world) => _ = updates.remove_named(entities.world(), single.name),
                None => {}
            }
        }
        let gone = |entity: &BevyEntity| world.get::<Stored>(*entity).is_none();
        let gone: Vec<BevyEntity> = world.removed::<Stored>().filter(gone).collect();
        gone.iter().filter_map(|entity| self.stored.get(entity)).for_each(|stored| _ = updates.destroy(*stored));
        let bevies: Vec<BevyEntity> = new.keys().copied().collect();
        new.into_values().for_each(|values| _ = updates.spawn_values(values));

        let applied = entities.apply(&updates)?;
        for (bevy, stored) in bevies.into_iter().zip(applied.spawned) {
            world.entity_mut(bevy).insert(Stored(stored));
            self.stored.insert(bevy, stored);
        }
        gone.iter().for_each(|entity| _ = self.stored.remove(entity));
        world.clear_trackers();
        Ok(applied.tick)
    }

    /// Makes the entities and resources of a storage in a world that has none of them, to go on from there.
    ///
    /// # Errors
    /// `Invalid` if entities of the world are kept already. Those of the storage.
    pub fn load(&mut self, world: &mut BevyWorld, entities: &Entities<Store>) -> Result<()> {
        if !self.stored.is_empty() {
            return Err(Error::invalid("the world has entities that are kept").with("entities", self.stored.len()));
        }
        let all = entities.entities()?.into_iter().filter(|entity| !entity.is_reserved());
        let places: HashMap<Entity, BevyEntity> =
            all.map(|entity| (entity, world.spawn(Stored(entity)).id())).collect();
        self.kinds.iter().try_for_each(|kind| (kind.load)(world, entities, &places))?;
        self.singles.iter().try_for_each(|single| (single.load)(world, entities))?;
        self.stored = places.into_iter().map(|(stored, bevy)| (bevy, stored)).collect();
        world.clear_trackers();
        Ok(())
    }
}

/// The values that differ from what is stored, and all those of entities that are not stored.
fn written<Type: BevyComponent + Component>(world: &mut BevyWorld) -> Result<Vec<(BevyEntity, ComponentValue)>> {
    let mut query = world.query_filtered::<(BevyEntity, &Type), Or<(Changed<Type>, Without<Stored>)>>();
    query.iter(world).map(|(entity, value)| Ok((entity, ComponentValue::of(value)?))).collect()
}

/// The entities that are there and have it no longer.
fn removed<Type: BevyComponent>(world: &BevyWorld) -> Vec<Entity> {
    let without = world.removed::<Type>().filter(|entity| world.get::<Type>(*entity).is_none());
    without.filter_map(|entity| world.get::<Stored>(entity)).map(|Stored(entity)| *entity).collect()
}

fn load<Type: BevyComponent + Component, Store: Storage>(
    world: &mut BevyWorld,
    entities: &Entities<Store>,
    places: &HashMap<Entity, BevyEntity>,
) -> Result<()> {
    for row in entities.query::<Type>()? {
        let (stored, value) = row?;
        if let Some(bevy) = places.get(&stored) {
            world.entity_mut(*bevy).insert(value);
        }
    }
    Ok(())
}
