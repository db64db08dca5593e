//! Everything that a storage holds, at one moment.

use std::sync::Arc;

use worldstore_core::Result;

use crate::allocator::{Allocator, AllocatorState};
use crate::batch::check_known;
use crate::chunk::Chunk;
use crate::component::ComponentType;
use crate::error::corrupt;
use crate::tick::TICK_MAX;
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

    /// Looks whether the state can be: a tick behind which others can come, the allocator's rules, every row of an entity
    /// that is alive, every entity in one row, every column of a registered component.
    ///
    /// # Errors
    /// `Corrupt` if not, `Invalid` if a column has other fields than the registered component.
    pub fn check(&self) -> Result<()> {
        self.check_head()?;
        let mut allocator = Allocator::<bool>::from_state(&self.allocator)?;
        self.entities().try_for_each(|entity| allocator.set_first(entity, true))?;
        self.check_rows(&allocator)
    }

    /// Looks whether the tick is in range, and every column of a registered component.
    pub(crate) fn check_head(&self) -> Result<()> {
        if self.tick.0 > TICK_MAX {
            return Err(corrupt("the tick is out of range").with("tick", self.tick));
        }
        for column in self.chunks.iter().flat_map(Chunk::columns) {
            let name = column.component().name();
            let known = self.components.iter().find(|known| known.name() == name);
            let known = known.ok_or_else(|| corrupt("a column is of no known component").with("component", name))?;
            check_known(known, column.component())?;
        }
        Ok(())
    }

    /// Looks whether there are as many rows as entities. That each row is of another one is known.
    pub(crate) fn check_rows<Place: Copy + Default>(&self, allocator: &Allocator<Place>) -> Result<()> {
        let rows = self.entities().filter(|entity| !entity.is_reserved()).count();
        match rows == allocator.count() {
            true => Ok(()),
            false => Err(corrupt("entities have no rows").with("rows", rows).with("alive", allocator.count())),
        }
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

#[cfg(test)]
mod tests {
    //! Ticks that a state may have.

    #![allow(clippy::unwrap_used)]

    use worldstore_core::ErrorKind;

    use super::*;
    use crate::Local;
    use crate::storage::Storage;
    use crate::tick::TICK_MAX;

    #[test]
    fn a_tick_that_leaves_no_room_for_others_is_refused() {
        let state = |tick| State { tick: Tick(tick), ..State::default() };
        for tick in [TICK_MAX + 1, 1 << 63, u64::MAX] {
            assert_eq!(state(tick).check().unwrap_err().kind(), ErrorKind::Corrupt);
            let mut local = Local::new();
            assert_eq!(local.import(&state(tick)).unwrap_err().kind(), ErrorKind::Corrupt);
            assert_eq!(local.tick().unwrap(), Tick(0));
        }
        let mut local = Local::from_state(&state(TICK_MAX)).unwrap();
        assert_eq!(local.tick().unwrap(), Tick(TICK_MAX + 1));
        local.insert_entity(()).unwrap();
        assert_eq!(local.advance(), Tick(TICK_MAX + 2));
    }
}
