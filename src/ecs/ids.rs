//! Which ids are free, and which entities are guests: as rows, and back.

use std::collections::{BTreeMap, BTreeSet};

use worldstore_core::{Error, ErrorKind, Result};
use worldstore_ecs::{AllocatorState, Batch, Entity, Outlook};

/// What a tick changes about ids.
#[derive(Debug, Default)]
pub(super) struct IdChanges {
    /// Ids that become free with their places, or are not any more.
    pub free: Vec<(Entity, Option<u32>, bool)>,
    /// Guests that come or go.
    pub guests: Vec<(Entity, bool)>,
}

impl IdChanges {
    /// Those of a batch.
    pub fn of_batch(batch: &Batch, outlook: &Outlook) -> Self {
        let taken = outlook.taken.iter().map(|entity| (*entity, None, false));
        let freed = outlook.freed.iter().map(|(entity, place)| (*entity, *place, true));
        let parted = outlook.parted.iter().map(|entity| (*entity, false));
        let placed = batch.places().iter().map(|(entity, _)| (*entity, true));
        Self { free: taken.chain(freed).collect(), guests: parted.chain(placed).collect() }
    }

    /// Those from one state to another.
    pub fn between(before: &AllocatorState, after: &AllocatorState) -> Result<Self> {
        let (old, new) = (free_ids(before)?, free_ids(after)?);
        let gone = old.keys().filter(|entity| !new.contains_key(*entity)).map(|entity| (*entity, None, false));
        let other = new.iter().filter(|(entity, place)| old.get(entity) != Some(*place));
        let free = gone.chain(other.map(|(entity, place)| (*entity, *place, true))).collect();
        let (old, new): (BTreeSet<Entity>, BTreeSet<Entity>) =
            (before.guests.iter().copied().collect(), after.guests.iter().copied().collect());
        let parted = old.difference(&new).map(|entity| (*entity, false));
        let guests = parted.chain(new.difference(&old).map(|entity| (*entity, true))).collect();
        Ok(Self { free, guests })
    }
}

/// All ids that are not alive: each as the entity that it will be, with its place in the stack of those that are free.
pub(super) fn free_ids(state: &AllocatorState) -> Result<BTreeMap<Entity, Option<u32>>> {
    let mut places = vec![None; state.slots.len()];
    for (place, index) in (0..).zip(&state.free) {
        if let Some(slot) = index.checked_sub(Entity::RESERVED).and_then(|slot| places.get_mut(slot as usize)) {
            *slot = Some(place);
        }
    }
    let mut ids = BTreeMap::new();
    for ((word, place), index) in state.slots.iter().zip(places).zip(Entity::RESERVED..) {
        let generation = word & Entity::GENERATION_MAX;
        if *word == AllocatorState::slot(generation, false) {
            ids.insert(Entity::new(state.shard, index, generation)?, place);
        }
    }
    Ok(ids)
}

/// The state of an allocator, from the entities that have rows, the ids that are not alive, and the guests.
pub(super) fn allocator(
    shard: u16,
    alive: impl Iterator<Item = Entity>,
    free: Vec<(Entity, Option<u32>)>,
    mut guests: Vec<Entity>,
) -> Result<AllocatorState> {
    let corrupt = |what: &str, entity: Entity| Error::new(ErrorKind::Corrupt, what).with("entity", entity);
    guests.sort_unstable();
    let mut words: BTreeMap<u32, u32> = BTreeMap::new();
    let own = alive.filter(|entity| !entity.is_reserved() && guests.binary_search(entity).is_err());
    let all = own.map(|entity| (entity, true)).chain(free.iter().map(|(entity, _)| (*entity, false)));
    for (entity, is_alive) in all {
        if words.insert(entity.index(), AllocatorState::slot(entity.generation(), is_alive)).is_some() {
            return Err(corrupt("an index is there twice", entity));
        }
    }
    let mut slots = Vec::with_capacity(words.len());
    for (index, word) in words {
        if Some(index) != u32::try_from(slots.len()).ok().and_then(|count| count.checked_add(Entity::RESERVED)) {
            return Err(Error::new(ErrorKind::Corrupt, "it is not known what became of an index").with("before", index));
        }
        slots.push(word);
    }
    let mut stack: Vec<(u32, Entity)> = free.iter().filter_map(|(entity, place)| Some(((*place)?, *entity))).collect();
    stack.sort_unstable();
    if let Some((_, (_, entity))) = (0..).zip(&stack).find(|(wanted, (place, _))| wanted != place) {
        return Err(corrupt("an id that is free is not in its place", *entity));
    }
    let free = stack.iter().map(|(_, entity)| entity.index()).collect();
    Ok(AllocatorState::new(shard, slots, free).with_guests(guests))
}

#[cfg(test)]
mod tests;
