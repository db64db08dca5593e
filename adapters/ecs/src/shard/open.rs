//! Opening: what the shards say is where.

use std::collections::{HashMap, VecDeque};

use worldstore_core::{Error, Result};

use super::{NOTE_INDEX, Note, Router, Routing, is_note};
use crate::Entity;
use crate::allocator::{Allocator, AllocatorState};
use crate::batch::Updates;
use crate::component::Component;
use crate::error::corrupt;
use crate::planted::Planted;
use crate::storage::Storage;
use crate::tick::Tick;

/// The most shards, because sets of them are kept as bits.
const SHARDS_MAX: usize = 64;

pub(super) fn open(shard: u16, shards: Vec<Box<dyn Storage>>, routing: Routing) -> Result<Router> {
    check(shard, &shards, &routing)?;
    let (mut tick, mut next) = (0, Entity::RESERVED);
    let (mut found, mut components) = (Vec::with_capacity(shards.len()), HashMap::new());
    for storage in &shards {
        let note = Entity::new(storage.info().shard, NOTE_INDEX, 0)?;
        if let Some(value) = storage.get(note, Note::NAME)? {
            let note: Note = value.get()?;
            (tick, next) = (tick.max(note.tick), next.max(note.next));
        }
        let state = storage.export()?;
        next = state.allocator.guests.iter().map(|guest| guest.index() + 1).fold(next, u32::max);
        found.push(state.allocator.guests);
        for component in state.components.into_iter().filter(|component| !is_note(component.name())) {
            components.insert(component.name().clone(), component);
        }
    }
    let allocator = allocator(shard, next, found.iter().flatten())?;
    let (homes, spread, history) = (HashMap::new(), HashMap::new(), VecDeque::new());
    let (tick, is_cut_off, planted) = (Tick(tick), false, Planted::default());
    let mut router =
        Router { shards, routing, allocator, next, homes, spread, components, tick, history, is_cut_off, planted };
    for (place, guests) in found.into_iter().enumerate() {
        for guest in guests {
            router.settle(guest, place)?;
        }
    }
    let strays = router.spread.keys().any(|entity| router.homes.get(entity) != Some(&0));
    if strays {
        return Err(corrupt("an entity is in a shard of components, and not in shard 0"));
    }
    router.remember();
    Ok(router)
}

fn check(shard: u16, shards: &[Box<dyn Storage>], routing: &Routing) -> Result<()> {
    if shards.is_empty() || shards.len() > SHARDS_MAX {
        return Err(Error::invalid("a router has 1 to 64 shards").with("shards", shards.len()));
    }
    let mut numbers = vec![shard];
    for storage in shards {
        let number = storage.info().shard;
        if numbers.contains(&number) {
            let error = Error::invalid("two shards have one number, or one has the router's");
            return Err(error.with("shard", number).with("storage", storage));
        }
        numbers.push(number);
    }
    routing.check(shards.len())
}

/// An allocator in which these are alive. All other indexes below the next are used up, for nobody knows in which
/// generation they were.
fn allocator<'a>(shard: u16, next: u32, guests: impl Iterator<Item = &'a Entity>) -> Result<Allocator> {
    let retired = AllocatorState::slot(Entity::GENERATION_MAX, false);
    let mut slots = vec![retired; next.saturating_sub(Entity::RESERVED) as usize];
    let mut foreign = Vec::new();
    for guest in guests {
        let place = guest.index().checked_sub(Entity::RESERVED).map(|place| place as usize);
        match place.and_then(|place| slots.get_mut(place)) {
            Some(slot) if guest.shard() == shard => *slot = AllocatorState::slot(guest.generation(), true),
            _ => foreign.push(*guest),
        }
    }
    foreign.sort_unstable();
    foreign.dedup();
    Allocator::from_state(&AllocatorState::new(shard, slots, Vec::new()).with_guests(foreign))
}

impl Router {
    /// Notes that an entity was found in a shard. One that is in two was being moved when the program ended: what it has
    /// is the same in both, and it stays where it belongs.
    fn settle(&mut self, entity: Entity, shard: usize) -> Result<()> {
        if matches!(self.routing, Routing::Component(_)) {
            match shard {
                0 => drop(self.homes.insert(entity, 0)),
                _ => *self.spread.entry(entity).or_default() |= 1 << shard,
            }
            return Ok(());
        }
        let Some(before) = self.homes.insert(entity, shard) else { return Ok(()) };
        let values = self.values_in(shard, entity)?;
        let kept = match self.routing.home(entity, &values, self.shards.len())? {
            home if home == before => before,
            _ => shard,
        };
        let mut updates = Updates::new();
        updates.destroy(entity);
        let other = if kept == before { shard } else { before };
        self.storage_mut(other)?.apply(&updates.to_batch()?)?;
        self.homes.insert(entity, kept);
        Ok(())
    }
}
