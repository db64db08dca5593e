//! Gives out ids of entities, and knows which are alive.

mod outlook;

use std::collections::{HashMap, HashSet};

use worldstore_core::{Error, ErrorKind, Result};

use crate::Entity;
use crate::error::{corrupt, dead, exists, reserved};

pub use outlook::Outlook;

/// Set in a slot whose entity is alive.
const ALIVE: u32 = 1 << 31;

/// Gives out ids: a slot for each index with its generation, and a stack of the indexes that are free.
///
/// An index that becomes free is the next one given out, with its generation raised when it became free. An index whose
/// last generation is destroyed is never used again. `Place` is kept beside each slot, for whoever wants to find
/// something by entity in one look-up.
#[derive(Debug, Clone)]
pub struct Allocator<Place = ()> {
    shard: u16,
    slots: Vec<Slot<Place>>,
    free: Vec<u32>,
    alive: usize,
    /// Entities whose ids were given out elsewhere, or here and taken back since.
    guests: HashMap<Entity, Place>,
}

#[derive(Debug, Clone, Copy)]
struct Slot<Place> {
    word: u32,
    place: Place,
}

/// What an allocator knows, as a snapshot keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AllocatorState {
    /// The shard whose ids these are.
    pub shard: u16,
    /// For each index from the first that is not reserved: the generation, and the highest bit if it is alive.
    pub slots: Vec<u32>,
    /// The free indexes; the last is given out next.
    pub free: Vec<u32>,
    /// Entities that are alive here under ids that were given out elsewhere, sorted.
    pub guests: Vec<Entity>,
}

impl AllocatorState {
    /// Puts a state without guests together, unchecked.
    pub fn new(shard: u16, slots: Vec<u32>, free: Vec<u32>) -> Self {
        Self { shard, slots, free, guests: Vec::new() }
    }

    /// The same state with guests, unchecked.
    #[must_use]
    pub fn with_guests(mut self, guests: Vec<Entity>) -> Self {
        self.guests = guests;
        self
    }

    /// The slot for an entity of this generation.
    pub fn slot(generation: u32, is_alive: bool) -> u32 {
        generation | if is_alive { ALIVE } else { 0 }
    }

    /// The entities that are alive, without those that are reserved.
    pub fn alive(&self) -> impl Iterator<Item = Entity> {
        let alive = self.slots.iter().zip(Entity::RESERVED..).filter(|(word, _)| **word & ALIVE != 0);
        let own = alive.map(|(word, index)| Entity::pack(self.shard, index, word & Entity::GENERATION_MAX));
        own.chain(self.guests.iter().copied())
    }

    /// Looks whether the state can be: generations in range, free indexes known, not alive and listed once.
    ///
    /// # Errors
    /// `Corrupt` if not.
    pub fn check(&self) -> Result<()> {
        if self.shard > Entity::SHARD_MAX {
            return Err(corrupt("the shard is out of range").with("shard", self.shard));
        }
        if u32::try_from(self.slots.len()).is_ok_and(|count| count <= u32::MAX - Entity::RESERVED) {
            let mut listed = vec![false; self.slots.len()];
            for index in &self.free {
                let place = index.checked_sub(Entity::RESERVED).map(|place| place as usize);
                let slot = place.and_then(|place| Some((self.slots.get(place)?, listed.get_mut(place)?)));
                match slot {
                    Some((word, listed)) if word & ALIVE == 0 && !*listed => *listed = true,
                    _ => return Err(corrupt("an index cannot be free").with("index", index)),
                }
            }
            // Generations have the lowest bits, so what any of them has above is in all of them together.
            let generations = self.slots.iter().fold(0, |bits, word| bits | word) & !ALIVE;
            if generations > Entity::GENERATION_MAX {
                return Err(corrupt("a generation is out of range").with("bits", generations));
            }
            return self.check_guests();
        }
        Err(corrupt("there are more indexes than can be").with("indexes", self.slots.len()))
    }

    fn check_guests(&self) -> Result<()> {
        let mut seen = HashSet::new();
        let wrong = self.guests.iter().find(|guest| {
            let place = guest.index().checked_sub(Entity::RESERVED).map(|place| place as usize);
            let word = place.and_then(|place| self.slots.get(place));
            !seen.insert(**guest)
                || guest.is_reserved()
                || (guest.shard() == self.shard && !was_taken_back(word.copied(), &self.free, **guest))
        });
        wrong.map_or(Ok(()), |guest| Err(corrupt("an entity cannot be a guest").with("entity", guest)))
    }
}

/// Whether an id was given out for a slot, and taken back since. In its last generation an index is free before it is
/// given out, and is not free afterwards.
fn was_taken_back(word: Option<u32>, free: &[u32], entity: Entity) -> bool {
    word.is_some_and(|word| {
        let generation = word & Entity::GENERATION_MAX;
        let is_last = word & ALIVE == 0 && generation == Entity::GENERATION_MAX;
        entity.generation() < generation
            || (is_last && entity.generation() == generation && !free.contains(&entity.index()))
    })
}

impl<Place: Copy + Default> Allocator<Place> {
    /// An allocator with the reserved entities, and no others.
    ///
    /// # Errors
    /// `Invalid` if the shard is out of range.
    pub fn new(shard: u16) -> Result<Self> {
        Entity::new(shard, 0, 0)?;
        Ok(Self { shard, ..Self::first() })
    }

    /// An allocator for shard 0.
    pub(crate) fn first() -> Self {
        let slots = vec![Slot { word: ALIVE, place: Place::default() }; Entity::RESERVED as usize];
        Self { shard: 0, slots, free: Vec::new(), alive: 0, guests: HashMap::new() }
    }

    /// The allocator that a state was taken of. All entities are alive again, in their generations.
    ///
    /// # Errors
    /// `Corrupt` if the state cannot be.
    pub fn from_state(state: &AllocatorState) -> Result<Self> {
        state.check()?;
        let mut allocator = Self::new(state.shard)?;
        allocator.slots.extend(state.slots.iter().map(|word| Slot { word: *word, place: Place::default() }));
        allocator.free.clone_from(&state.free);
        allocator.guests = state.guests.iter().map(|guest| (*guest, Place::default())).collect();
        allocator.alive = state.slots.iter().filter(|word| **word & ALIVE != 0).count() + state.guests.len();
        Ok(allocator)
    }

    /// What the allocator knows.
    pub fn state(&self) -> AllocatorState {
        let slots = self.slots.iter().skip(Entity::RESERVED as usize).map(|slot| slot.word).collect();
        let mut guests: Vec<Entity> = self.guests.keys().copied().collect();
        guests.sort_unstable();
        AllocatorState { shard: self.shard, slots, free: self.free.clone(), guests }
    }

    /// The shard whose ids it gives out.
    pub fn shard(&self) -> u16 {
        self.shard
    }

    /// How many entities are alive, without those that are reserved.
    pub fn count(&self) -> usize {
        self.alive
    }

    /// Gives out an id.
    ///
    /// # Errors
    /// `StorageFull` if all indexes are in use.
    #[inline]
    pub fn allocate(&mut self) -> Result<Entity> {
        self.allocate_at(Place::default())
    }

    /// Gives out an id and notes its place.
    #[inline]
    pub(crate) fn allocate_at(&mut self, place: Place) -> Result<Entity> {
        let (index, generation) = match self.free.pop() {
            Some(index) => {
                let Some(slot) = self.slots.get_mut(index as usize) else { return Err(full()) };
                let generation = slot.word & Entity::GENERATION_MAX;
                *slot = Slot { word: generation | ALIVE, place };
                (index, generation)
            }
            None => {
                let index = u32::try_from(self.slots.len()).map_err(|_| full())?;
                self.slots.push(Slot { word: ALIVE, place });
                (index, 0)
            }
        };
        self.alive += 1;
        Ok(Entity::pack(self.shard, index, generation))
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.slots.reserve(more.saturating_sub(self.free.len()));
    }

    /// Looks whether so many ids can be given out.
    ///
    /// # Errors
    /// `StorageFull` if not.
    pub(crate) fn check_room(&self, count: usize) -> Result<()> {
        let left = (u32::MAX as usize + 1).saturating_sub(self.slots.len()) + self.free.len();
        if count <= left { Ok(()) } else { Err(full()) }
    }

    /// Takes an id back: it is never alive again.
    ///
    /// # Errors
    /// `NotFound` if it is not alive (given back before, of another shard, or never given out), `Invalid` if it is
    /// reserved.
    #[inline]
    pub fn free(&mut self, entity: Entity) -> Result<()> {
        if self.get(entity).is_none() {
            return Err(dead(entity));
        }
        if entity.is_reserved() {
            return Err(reserved(entity));
        }
        self.alive -= 1;
        if self.guests.remove(&entity).is_some() {
            return Ok(());
        }
        let generation = entity.generation();
        if let Some(slot) = self.slots.get_mut(entity.index() as usize) {
            slot.word = (generation + 1).min(Entity::GENERATION_MAX);
            slot.place = Place::default();
        }
        if generation < Entity::GENERATION_MAX {
            self.free.push(entity.index());
        }
        Ok(())
    }

    /// True if the id was given out here and not taken back.
    #[inline]
    pub fn is_alive(&self, entity: Entity) -> bool {
        self.get(entity).is_some()
    }

    /// The place of an entity that is alive.
    #[inline]
    pub(crate) fn get(&self, entity: Entity) -> Option<Place> {
        match self.slots.get(entity.index() as usize) {
            Some(slot) if slot.word == entity.generation() | ALIVE && entity.shard() == self.shard => Some(slot.place),
            _ => self.guest(entity),
        }
    }

    #[cold]
    fn guest(&self, entity: Entity) -> Option<Place> {
        self.guests.get(&entity).copied()
    }

    /// Looks whether an entity can be made alive under an id that was given out elsewhere.
    ///
    /// # Errors
    /// `AlreadyExists` if it is alive here, `Invalid` if it is reserved or may still be given out here.
    pub fn check_guest(&self, entity: Entity) -> Result<()> {
        if self.is_alive(entity) {
            return Err(exists(entity));
        }
        let word = self.slots.get(entity.index() as usize).map(|slot| slot.word);
        match entity.is_reserved() || (entity.shard() == self.shard && !was_taken_back(word, &self.free, entity)) {
            true => Err(Error::invalid("the id may still be given out here").with("entity", entity)),
            false => Ok(()),
        }
    }

    /// Makes an entity alive under an id that was given out elsewhere, or here and taken back since.
    ///
    /// # Errors
    /// Those of [`check_guest`](Self::check_guest).
    pub fn admit(&mut self, entity: Entity) -> Result<()> {
        self.check_guest(entity)?;
        self.guests.insert(entity, Place::default());
        self.alive += 1;
        Ok(())
    }

    /// Notes the place of an entity that is known to be alive.
    #[inline]
    pub(crate) fn set(&mut self, entity: Entity, place: Place) {
        match self.slots.get_mut(entity.index() as usize) {
            Some(slot) if slot.word == entity.generation() | ALIVE && entity.shard() == self.shard => {
                slot.place = place
            }
            _ => self.set_guest(entity, place),
        }
    }

    /// Notes the place of an entity that is nowhere yet.
    ///
    /// # Errors
    /// `Corrupt` if it is not alive, or has a place.
    #[inline]
    pub(crate) fn set_first(&mut self, entity: Entity, place: Place) -> Result<()>
    where
        Place: PartialEq,
    {
        let held = match self.slots.get_mut(entity.index() as usize) {
            Some(slot) if slot.word == entity.generation() | ALIVE && entity.shard() == self.shard => &mut slot.place,
            _ => self.guests.get_mut(&entity).ok_or_else(|| stray(entity))?,
        };
        if *held != Place::default() {
            return Err(corrupt("an entity has two rows").with("entity", entity));
        }
        *held = place;
        Ok(())
    }

    #[cold]
    fn set_guest(&mut self, entity: Entity, place: Place) {
        if let Some(guest) = self.guests.get_mut(&entity) {
            *guest = place;
        }
    }
}

#[cold]
fn stray(entity: Entity) -> Error {
    corrupt("a row is of an entity that is not alive").with("entity", entity)
}

fn full() -> Error {
    Error::new(ErrorKind::StorageFull, "all indexes of entities are in use")
}

#[cfg(test)]
mod tests;
