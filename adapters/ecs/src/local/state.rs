//! Everything at once: out, and in again.

use worldstore_core::Result;

use super::archetype::{Slot, Values};
use super::edit::broken;
use super::known::Place;
use super::{HISTORY_ENTRIES, Local};
use crate::allocator::Allocator;
use crate::chunk::{Chunk, Column};
use crate::planted::Bug;
use crate::small::SmallBytes;
use crate::state::State;
use crate::storage::Storage;
use crate::tick::Tick;

impl Local {
    /// Makes a storage of a state.
    ///
    /// # Errors
    /// Those of [`State::check`]; `Corrupt` if a Rust type refuses a value.
    pub fn from_state(state: &State<'_>) -> Result<Self> {
        let mut local = Self::new();
        local.import(state)?;
        Ok(local)
    }

    pub(super) fn state(&self) -> Result<State<'_>> {
        let mut chunks = Vec::new();
        for archetype in self.archetypes.iter().filter(|archetype| !archetype.entities.is_empty()) {
            let numbers: Vec<u32> = archetype.slots.iter().map(|slot| slot.component).collect();
            chunks.extend(self.chunk(archetype, &numbers)?);
        }
        Ok(State::new(self.last_tick(), self.allocator.state(), self.components()?, chunks))
    }

    /// What this storage becomes by a restore. Nothing is changed before it is [put in place](Self::replace_by).
    ///
    /// # Errors
    /// Those of [`import`](Storage::import).
    pub(crate) fn restored(&self, state: &State<'_>) -> Result<Self> {
        state.check_head()?;
        let last = if self.planted.has(Bug::RestoreRewindsTicks) { Tick(0) } else { self.last_tick() };
        let tick = last.max(state.tick).next().0;
        let mut local = Self::with_allocator(Allocator::from_state(&self.planted.restored(&state.allocator))?);
        (local.now, local.planted) = (tick, self.planted);
        for component in self.components()?.iter().chain(&state.components) {
            local.learn(component)?;
        }
        for chunk in &state.chunks {
            local.take_in(chunk)?;
        }
        state.check_rows(&local.allocator)?;
        Ok(local)
    }

    /// Ends a restore: the tick that it takes is over.
    pub(crate) fn replace_by(&mut self, mut restored: Self) {
        restored.journal = std::mem::replace(&mut self.journal, super::journal::Journal::new(HISTORY_ENTRIES));
        restored.journal.restart(restored.now);
        restored.advance();
        *self = restored;
    }

    fn take_in(&mut self, chunk: &Chunk<'_>) -> Result<()> {
        let mut slots = Vec::with_capacity(chunk.columns().len());
        for column in chunk.columns() {
            let component = self.learn(column.component())?;
            slots.push(Slot { component, is_shared: column.is_shared() });
        }
        let mut sorted = slots.clone();
        sorted.sort_unstable();
        let archetype = self.archetype(sorted);
        if archetype == 0 && chunk.entities().iter().any(|entity| entity.is_reserved()) {
            return Err(crate::error::corrupt("a reserved entity has a row without components"));
        }
        for (slot, column) in slots.iter().zip(chunk.columns()) {
            self.fill(archetype, *slot, column)?;
        }
        let now = self.now;
        let target = self.archetypes.get_mut(archetype as usize).ok_or_else(broken)?;
        let first = target.entities.len();
        target.entities.extend_from_slice(chunk.entities());
        target.created.push_many(first, chunk.len(), now);
        for store in &mut target.columns {
            store.written.push_many(first, chunk.len(), now);
        }
        // No more rows than indexes, which have 32 bits.
        let mut places = (first as u32..).zip(chunk.entities());
        places.try_for_each(|(row, entity)| self.allocator.set_first(*entity, Place { archetype, row }))
    }

    /// Adds the rows of a column.
    fn fill(&mut self, archetype: u32, slot: Slot, column: &Column<'_>) -> Result<()> {
        let target = self.archetypes.get_mut(archetype as usize).ok_or_else(broken)?;
        let place = target.find(slot.component).ok_or_else(broken)?;
        let store = target.columns.get_mut(place).ok_or_else(broken)?;
        let known = self.known.get_mut(slot.component as usize).ok_or_else(broken)?;
        if let (Values::Own(values), Some(bytes)) = (&mut store.values, column.packed_owned()) {
            return values.adopt(bytes, column.len());
        }
        for row in 0..column.len() {
            let mut bytes = SmallBytes::new();
            column.encode(row, &mut bytes)?;
            match &mut store.values {
                Values::Own(values) => values.push(bytes.as_slice())?,
                Values::Shared(places) => places.push(known.pool.intern(bytes.as_slice())?),
            }
        }
        Ok(())
    }
}
