//! Moves of entities between archetypes, and writes by bytes.

use worldstore_core::{Error, Result};

use super::Local;
use super::archetype::{Archetype, Slot, Step, Store, Values};
use super::journal::{Gone, What};
use super::known::{NO_ROW, Place};
use crate::Entity;
use crate::error::{dead, reserved};
use crate::planted::Bug;

/// Where a value of an entity goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub archetype: u32,
    pub column: usize,
    pub row: usize,
    /// Whether the row is there, or is to be added behind the last.
    pub is_there: bool,
}

impl Local {
    /// Where a component of an entity goes, which is moved if it has none yet.
    #[inline]
    pub(super) fn room(&mut self, entity: Entity, place: Place, slot: Slot) -> Result<Room> {
        let column_of = |local: &Self, archetype: u32| {
            local.archetypes.get(archetype as usize)?.slots.iter().position(|other| *other == slot)
        };
        if let Some(column) = column_of(self, place.archetype) {
            return Ok(Room { archetype: place.archetype, column, row: place.row as usize, is_there: true });
        }
        let to = self.step(place.archetype, Step::Add(slot));
        let moved = self.transfer(entity, place, to)?;
        let column = column_of(self, to).ok_or_else(broken)?;
        Ok(Room { archetype: to, column, row: moved.row as usize, is_there: false })
    }

    /// The column of a place for a value.
    #[inline]
    pub(super) fn store(&mut self, archetype: u32, column: usize) -> Result<&mut Store> {
        self.is_touched = true;
        let archetype = self.archetypes.get_mut(archetype as usize).ok_or_else(broken)?;
        archetype.columns.get_mut(column).ok_or_else(broken)
    }

    /// Moves an entity to another archetype. Components that are not there are dropped; those that are there and not here
    /// lack the row until the caller adds it.
    pub(super) fn transfer(&mut self, entity: Entity, place: Place, to: u32) -> Result<Place> {
        self.is_touched = true;
        let stays_out = to == 0 && entity.is_reserved();
        if place.row == NO_ROW {
            if stays_out {
                return Ok(place);
            }
            let archetype = self.archetypes.get_mut(to as usize).ok_or_else(broken)?;
            let row = archetype.entities.len();
            archetype.entities.push(entity);
            archetype.created.push(row, 0);
            return self.settle(entity, to, row);
        }
        let row = place.row as usize;
        let pair = [place.archetype as usize, to as usize];
        let [from, target] = self.archetypes.get_disjoint_mut(pair).map_err(|_| broken())?;
        let rows = target.entities.len();
        let released = move_columns(from, target, row, rows);
        if !stays_out {
            target.entities.push(entity);
            target.created.push(rows, from.created.get(row));
        }
        if let Some(moved) = from.forget(row) {
            self.allocator.set(moved, place);
        }
        for (component, value) in released {
            self.release(component, value);
        }
        if stays_out {
            let out = Place { archetype: 0, row: NO_ROW };
            self.allocator.set(entity, out);
            return Ok(out);
        }
        self.settle(entity, to, rows)
    }

    pub(super) fn settle(&mut self, entity: Entity, archetype: u32, row: usize) -> Result<Place> {
        // No more rows than indexes, which have 32 bits.
        let place = Place { archetype, row: row as u32 };
        self.allocator.set(entity, place);
        Ok(place)
    }

    pub(super) fn release(&mut self, component: u32, value: u32) {
        if let Some(known) = self.known.get_mut(component as usize) {
            known.pool.release(value);
        }
    }

    /// Writes a component of an entity that is alive, from bytes that are known to be a value of it.
    pub(super) fn write(&mut self, entity: Entity, slot: Slot, bytes: &[u8]) -> Result<()> {
        let place = self.allocator.get(entity).ok_or_else(|| dead(entity))?;
        let shared = match slot.is_shared {
            true => Some(self.known.get_mut(slot.component as usize).ok_or_else(broken)?.pool.intern(bytes)?),
            false => None,
        };
        let room = self.room(entity, place, slot)?;
        let now = if self.planted.has(Bug::WriteUnstamped) { 0 } else { self.now };
        let store = self.store(room.archetype, room.column)?;
        let replaced = store.write(room, bytes, shared, now)?;
        if let Some(value) = replaced {
            self.release(slot.component, value);
        }
        Ok(())
    }

    /// Adds a row for a new entity to an archetype. Its columns lack the row until the caller adds it.
    pub(super) fn begin(&mut self, archetype: u32) -> Result<(Entity, usize)> {
        self.is_touched = true;
        let now = self.now;
        let target = self.archetypes.get_mut(archetype as usize).ok_or_else(broken)?;
        let row = target.entities.len();
        let entity = self.allocator.allocate_at(Place { archetype, row: row as u32 })?;
        target.entities.push(entity);
        target.created.push(row, now);
        Ok((entity, row))
    }

    /// Adds a row for an entity with an id from elsewhere.
    pub(super) fn begin_as(&mut self, entity: Entity, archetype: u32) -> Result<usize> {
        let now = self.now;
        let target = self.archetypes.get_mut(archetype as usize).ok_or_else(broken)?;
        self.allocator.admit(entity)?;
        let row = target.entities.len();
        target.entities.push(entity);
        target.created.push(row, now);
        self.settle(entity, archetype, row)?;
        Ok(row)
    }

    /// Removes a component, if it is there.
    pub(super) fn remove_number(&mut self, entity: Entity, component: u32) -> Result<bool> {
        let place = self.allocator.get(entity).ok_or_else(|| dead(entity))?;
        let found = self.archetypes.get(place.archetype as usize).and_then(|archetype| archetype.find(component));
        if found.is_none() {
            return Ok(false);
        }
        let to = self.step(place.archetype, Step::Remove(component));
        self.transfer(entity, place, to)?;
        if !self.planted.has(Bug::RemovalUnnoted) {
            self.journal.note(Gone { tick: self.now, entity, what: What::Component(component) });
        }
        Ok(true)
    }

    /// Destroys an entity with all its components.
    ///
    /// # Errors
    /// `NotFound` if it is not alive, `Invalid` if it is reserved.
    pub fn destroy_entity(&mut self, entity: Entity) -> Result<()> {
        let place = self.allocator.get(entity).ok_or_else(|| dead(entity))?;
        if entity.is_reserved() {
            return Err(reserved(entity));
        }
        let row = place.row as usize;
        let archetype = self.archetypes.get_mut(place.archetype as usize).ok_or_else(broken)?;
        let created = archetype.created.get(row);
        self.is_touched = true;
        let mut released = Vec::new();
        for (slot, store) in archetype.slots.iter().zip(&mut archetype.columns) {
            released.extend(store.drop_row(row).map(|value| (slot.component, value)));
        }
        if let Some(moved) = archetype.forget(row) {
            self.allocator.set(moved, place);
        }
        for (component, value) in released {
            self.release(component, value);
        }
        if !self.planted.has(Bug::DestroyUnnoted) {
            self.journal.note(Gone { tick: self.now, entity, what: What::Entity { created } });
        }
        self.allocator.free(entity)
    }
}

/// Moves the columns of a row that both have, and drops the others. Gives the shared values that the row had.
fn move_columns(from: &mut Archetype, target: &mut Archetype, row: usize, rows: usize) -> Vec<(u32, u32)> {
    let mut released = Vec::new();
    let mut others = target.slots.iter().zip(&mut target.columns).peekable();
    for (slot, store) in from.slots.iter().zip(&mut from.columns) {
        while others.next_if(|(other, _)| *other < slot).is_some() {}
        match others.next_if(|(other, _)| *other == slot) {
            Some((_, other)) => store.move_row(row, other, rows),
            None => released.extend(store.drop_row(row).map(|value| (slot.component, value))),
        }
    }
    released
}

impl Store {
    /// Drops a row. Gives the shared value that it had.
    fn drop_row(&mut self, row: usize) -> Option<u32> {
        self.written.swap_remove(row);
        match &mut self.values {
            Values::Own(column) => {
                column.swap_remove(row);
                None
            }
            Values::Shared(places) => (row < places.len()).then(|| places.swap_remove(row)),
        }
    }

    /// Writes a row, or adds it. Gives the shared value that it had.
    fn write(&mut self, room: Room, bytes: &[u8], shared: Option<u32>, now: u64) -> Result<Option<u32>> {
        let (row, is_there) = (room.row, room.is_there);
        let replaced = match (&mut self.values, shared) {
            (Values::Own(column), None) if is_there => column.set(row, bytes).map(|()| None)?,
            (Values::Own(column), None) => column.push(bytes).map(|()| None)?,
            (Values::Shared(places), Some(value)) if is_there => {
                places.get_mut(row).map(|place| std::mem::replace(place, value))
            }
            (Values::Shared(places), Some(value)) => {
                places.push(value);
                None
            }
            _ => return Err(broken()),
        };
        match is_there {
            true => self.written.set(row, || self.values.len(), now),
            false => self.written.push(row, now),
        }
        Ok(replaced)
    }
}

impl Values {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Own(column) => column.len(),
            Self::Shared(places) => places.len(),
        }
    }
}

/// What cannot be: archetypes and places disagree.
pub(super) fn broken() -> Error {
    Error::unexpected("rows of entities and their places disagree")
}
