//! Everything that a storage holds, at one moment.

use std::collections::HashSet;
use std::sync::Arc;

use worldstore_core::Result;

use crate::allocator::{Allocator, AllocatorState};
use crate::batch::check_known;
use crate::chunk::Chunk;
use crate::component::ComponentType;
use crate::error::corrupt;
use crate::{Entity, Tick};

/// Everything that a storage holds, at one moment: what snapshots are written from, and restored to.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct State<'a> {
    /// The last tick.
    pub tick: Tick,
    /// Which entities are alive, and which ids come next.
    pub allocator: AllocatorState,
    /// All registered components, those without a value too.
    pub components: Vec<Arc<ComponentType>>,
    /// The rows. Each entity that is alive is in one chunk, those without components in chunks without columns;
    /// reserved entities are there if they have a component.
    pub chunks: Vec<Chunk<'a>>,
}

impl<'a> State<'a> {
    /// Puts a state together, unchecked.
    pub fn new(
        tick: Tick,
        allocator: AllocatorState,
        components: Vec<Arc<ComponentType>>,
        chunks: Vec<Chunk<'a>>,
    ) -> Self {
        Self { tick, allocator, components, chunks }
    }

    /// Looks whether the state can be: the allocator's rules, every row of an entity that is alive, every entity in one
    /// row, every column of a registered component.
    ///
    /// # Errors
    /// `Corrupt` if not, `Invalid` if a column has other fields than the registered component.
    pub fn check(&self) -> Result<()> {
        let allocator = Allocator::<()>::from_state(&self.allocator)?;
        // A bit for each index of the shard: whose generation is, is known. Guests are few.
        let mut seen = vec![0_u64; (Entity::RESERVED as usize + self.allocator.slots.len()).div_ceil(64)];
        let mut guests = HashSet::new();
        let mut rows = 0;
        for chunk in &self.chunks {
            for column in chunk.columns() {
                let name = column.component().name();
                let known = self.components.iter().find(|known| known.name() == name);
                let known =
                    known.ok_or_else(|| corrupt("a column is of no known component").with("component", name))?;
                check_known(known, column.component())?;
            }
            for entity in chunk.entities() {
                let is_first = match allocator.is_own(*entity) {
                    true => mark(&mut seen, entity.index()),
                    false if allocator.is_alive(*entity) => guests.insert(*entity),
                    false => return Err(corrupt("a row is of an entity that is not alive").with("entity", entity)),
                };
                if !is_first {
                    return Err(corrupt("an entity has two rows").with("entity", entity));
                }
                rows += usize::from(!entity.is_reserved());
            }
        }
        if rows != allocator.count() {
            return Err(corrupt("entities have no rows").with("rows", rows).with("alive", allocator.count()));
        }
        Ok(())
    }

    /// The same state, with all rows its own.
    ///
    /// # Errors
    /// `Invalid` if serde does not write a field as JSON.
    pub fn into_owned(self) -> Result<State<'static>> {
        let chunks = self.chunks.into_iter().map(Chunk::into_owned).collect::<Result<_>>()?;
        Ok(State { tick: self.tick, allocator: self.allocator, components: self.components, chunks })
    }

    /// All entities that have a row.
    pub fn entities(&self) -> impl Iterator<Item = Entity> {
        self.chunks.iter().flat_map(|chunk| chunk.entities().iter().copied())
    }
}

/// Sets a bit. False if it was set.
fn mark(bits: &mut [u64], place: u32) -> bool {
    let Some(word) = bits.get_mut(place as usize / 64) else { return false };
    let bit = 1 << (place % 64);
    let is_new = *word & bit == 0;
    *word |= bit;
    is_new
}
