//! The router as a storage.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use worldstore_core::{Error, Result};

use super::{NOTE_INDEX, Router, is_note, is_unclear};
use crate::allocator::{Allocator, AllocatorState};
use crate::batch::{Applied, Batch, check_known};
use crate::chunk::Chunks;
use crate::component::ComponentType;
use crate::local::Local;
use crate::planted::Bug;
use crate::query::Query;
use crate::state::State;
use crate::storage::gather::chunks_of;
use crate::storage::{Durability, Storage, StorageInfo};
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

#[deny(clippy::missing_trait_methods)]
impl Storage for Router {
    fn info(&self) -> StorageInfo {
        let durable = self.shards.iter().all(|shard| shard.info().durability == Durability::Durable);
        let durability = if durable { Durability::Durable } else { Durability::Volatile };
        StorageInfo::new("router", self.allocator.shard(), durability)
    }

    fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        Ok(self.components.values().cloned().collect())
    }

    /// Makes components known in all shards. If one of several fails, those before it know them already, which does no
    /// harm.
    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        for component in components {
            if is_note(component.name()) {
                return Err(Error::invalid("the component is the router's own").with("component", component));
            }
            self.components.get(component.name()).map_or(Ok(()), |known| check_known(known, component))?;
        }
        for shard in 0..self.shards.len() {
            self.storage_mut(shard)?.register(components)?;
        }
        for component in components {
            let known = self.components.entry(Arc::clone(component.name())).or_insert_with(|| Arc::clone(component));
            if component.is_typed() {
                *known = Arc::clone(component);
            }
        }
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        self.apply_batch(batch)
    }

    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        Ok(entities.iter().map(|entity| self.shard_of(*entity).is_some()).collect())
    }

    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        let Some(home) = self.shard_of(entity) else { return Ok(None) };
        let bits = self.spread.get(&entity).copied().unwrap_or_default() | 1 << home;
        let mut names = Vec::new();
        for shard in (0..self.shards.len()).filter(|shard| bits & (1 << shard) != 0) {
            let inside = self.inside(shard, entity);
            names.extend(self.storage(shard)?.types(inside)?.unwrap_or_default());
        }
        names.retain(|name| !is_note(name));
        names.sort();
        Ok(Some(names))
    }

    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        match self.place_of(entity, component).filter(|_| !is_note(component)) {
            Some(shard) => self.storage(shard)?.get(self.inside(shard, entity), component),
            None => Ok(None),
        }
    }

    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        let mut parts: HashMap<usize, (Vec<usize>, Vec<Entity>)> = HashMap::new();
        for (place, entity) in entities.iter().enumerate() {
            if let Some(shard) = self.place_of(*entity, component).filter(|_| !is_note(component)) {
                let part = parts.entry(shard).or_default();
                part.0.push(place);
                part.1.push(self.inside(shard, *entity));
            }
        }
        let mut values = vec![None; entities.len()];
        for (shard, (places, entities)) in parts {
            for (place, value) in places.into_iter().zip(self.storage(shard)?.get_many(&entities, component)?) {
                if let Some(slot) = values.get_mut(place) {
                    *slot = value;
                }
            }
        }
        Ok(values)
    }

    /// The chunks of one shard after the other. Storages that others change as well each give a moment of their own.
    fn query(&self, query: &Query) -> Result<Chunks<'_>> {
        self.find(query)
    }

    fn tick(&self) -> Result<Tick> {
        Ok(self.tick)
    }

    fn changes(&self, since: Tick) -> Result<Changes> {
        self.changed(since)
    }

    fn export(&self) -> Result<State<'_>> {
        self.whole()
    }

    /// Replaces everything in all shards, which is all or nothing only where there is one, or all are in memory: else it
    /// is refused as `Unsupported`.
    fn import(&mut self, state: &State<'_>) -> Result<()> {
        state.check()?;
        self.check_whole()?;
        self.check_together(0..self.shards.len())?;
        let taken = self.shards.iter().find(|shard| shard.info().shard == state.allocator.shard);
        if let Some(shard) = taken {
            let error = Error::invalid("one of the shards has the number of the state's");
            return Err(error.with("shard", state.allocator.shard).with("storage", shard));
        }
        if let Some(component) = state.components.iter().find(|component| is_note(component.name())) {
            return Err(Error::invalid("the state is of a shard, and not of a router").with("component", component));
        }
        let allocator = Allocator::from_state(&state.allocator)?;
        let tick = self.tick.max(state.tick).next();
        let next = Entity::RESERVED.saturating_add(u32::try_from(state.allocator.slots.len()).unwrap_or(u32::MAX));
        // With what is restored, and not in a batch behind it: a crash in between would leave which ids were given out
        // unknown.
        let parts = self.parts(state, &self.note(tick, next)?)?;
        for (shard, part) in parts.iter().enumerate() {
            let restored = self.storage_mut(shard)?.import(&part.state);
            restored.inspect_err(|error| self.is_cut_off |= shard > 0 || is_unclear(error))?;
        }
        (self.allocator, self.tick, self.next) = (allocator, tick, next);
        if !self.planted.has(Bug::HomesKept) {
            self.homes = HashMap::new();
        }
        self.spread = HashMap::new();
        for (shard, part) in parts.into_iter().enumerate() {
            for entity in part.homes {
                self.homes.insert(entity, shard);
            }
            for entity in part.spread {
                *self.spread.entry(entity).or_default() |= 1 << shard;
            }
        }
        for component in &state.components {
            self.components.insert(Arc::clone(component.name()), Arc::clone(component));
        }
        self.history = VecDeque::new();
        self.remember();
        Ok(())
    }

    fn local(&self) -> Option<&Local> {
        None
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        None
    }
}

/// A shard's part of a state.
struct Part {
    state: State<'static>,
    homes: Vec<Entity>,
    spread: Vec<Entity>,
}

/// The rows of a part: entities, and for each component of the state its values.
#[derive(Default, Clone)]
struct Rows {
    homes: Vec<Entity>,
    spread: Vec<Entity>,
    values: Vec<Vec<(Entity, ComponentValue)>>,
}

impl Router {
    /// A state as a state for each shard, with what the router notes there.
    fn parts(&self, state: &State<'_>, note: &ComponentValue) -> Result<Vec<Part>> {
        let empty = Rows { values: vec![Vec::new(); state.components.len()], ..Rows::default() };
        let mut parts = vec![empty; self.shards.len()];
        for chunk in &state.chunks {
            for (row, entity) in chunk.entities().iter().enumerate() {
                let values = chunk.columns().iter().map(|column| column.value(row)).collect::<Result<Vec<_>>>()?;
                self.deal(state, *entity, values, &mut parts)?;
            }
        }
        parts.into_iter().enumerate().map(|(shard, rows)| self.part(state, shard, rows, note)).collect()
    }

    /// Gives an entity to the shards that it belongs to.
    fn deal(&self, state: &State<'_>, entity: Entity, values: Vec<ComponentValue>, parts: &mut [Rows]) -> Result<()> {
        let is_reserved = entity.is_reserved();
        let home = if is_reserved { 0 } else { self.routing.home(entity, &values, self.shards.len())? };
        if let Some(part) = parts.get_mut(home).filter(|_| !is_reserved) {
            part.homes.push(entity);
        }
        for value in values {
            let shard = if is_reserved { home } else { self.shard_for(value.name()).unwrap_or(home) };
            let number = self.storage(shard)?.info().shard;
            let inside = if is_reserved { Entity::pack(number, entity.index(), 0) } else { entity };
            let place = state.components.iter().position(|component| component.name() == value.name());
            let Some(part) = parts.get_mut(shard) else { continue };
            if shard != home && part.spread.last() != Some(&entity) {
                part.spread.push(entity);
            }
            if let Some(values) = place.and_then(|place| part.values.get_mut(place)) {
                values.push((inside, value));
            }
        }
        Ok(())
    }

    fn part(&self, state: &State<'_>, shard: usize, rows: Rows, note: &ComponentValue) -> Result<Part> {
        let Rows { homes, spread, mut values } = rows;
        let (number, mut components) = (self.storage(shard)?.info().shard, state.components.clone());
        components.push(Arc::clone(note.component()));
        values.push(vec![(Entity::pack(number, NOTE_INDEX, 0), note.clone())]);
        let mut guests: Vec<Entity> = homes.iter().chain(&spread).copied().collect();
        guests.sort_unstable();
        let chunks = chunks_of(guests.iter().copied(), &components, values)?;
        let allocator = AllocatorState::new(number, Vec::new(), Vec::new()).with_guests(guests);
        Ok(Part { state: State::new(state.tick, allocator, components, chunks), homes, spread })
    }
}
