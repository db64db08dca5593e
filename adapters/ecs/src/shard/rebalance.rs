//! Moving entities from shard to shard.

use std::collections::BTreeMap;
use std::ops::Range;

use worldstore_core::{Error, Result};

use super::{Router, Routing};
use crate::batch::Updates;
use crate::planted::Bug;
use crate::{ComponentValue, Entity};

/// So many entities are moved by one batch.
const MOVED_AT_ONCE: usize = 1_024;

impl Router {
    /// Moves all entities to where the routing has them: after they have moved in space, after ranges have changed. Gives
    /// how many were moved.
    ///
    /// Entities go in batches: first they are placed in the new shard, then destroyed in the old one. A crash in between
    /// leaves both, alike, and opening the router ends the move; so does a storage that fails, after which the router
    /// only reads. Changes since ticks before are no longer known.
    ///
    /// # Errors
    /// `Unsupported` with routing by component. Those of the storages; what was moved by then stays where it is, and all
    /// changes are `Poisoned` until the router is opened again.
    pub fn rebalance(&mut self) -> Result<usize> {
        self.movable()?;
        let mut strays: BTreeMap<(usize, usize), Vec<Entity>> = BTreeMap::new();
        for (entity, from) in &self.homes {
            let values = match &self.routing {
                Routing::Space { component, .. } => self.storage(*from)?.get(*entity, component)?.into_iter().collect(),
                _ => Vec::new(),
            };
            let to = self.routing.home(*entity, &values, self.shards.len())?;
            if to != *from {
                strays.entry((*from, to)).or_default().push(*entity);
            }
        }
        let mut moved = 0;
        for ((from, to), mut entities) in strays {
            entities.sort_unstable();
            moved += self.move_all(&entities, from, to).inspect_err(|_| self.is_cut_off = true)?;
        }
        Ok(moved)
    }

    /// Gives a range of indexes to a shard, and moves the entities that are there. Gives how many were moved.
    ///
    /// # Errors
    /// `Unsupported` unless the routing is by range; `Invalid` for an empty range and for a shard that is not there. As
    /// for [`rebalance`](Self::rebalance).
    pub fn move_range(&mut self, indexes: Range<u32>, shard: usize) -> Result<usize> {
        if indexes.is_empty() {
            return Err(Error::invalid("the range of indexes is empty"));
        }
        let Routing::Range(ranges) = &self.routing else {
            return Err(Error::unsupported("the router does not route by ranges of indexes"));
        };
        let mut routing = Routing::Range(with_range(ranges, indexes, shard));
        routing.check(self.shards.len())?;
        std::mem::swap(&mut self.routing, &mut routing);
        self.rebalance()
    }

    fn movable(&self) -> Result<()> {
        match self.routing {
            Routing::Component(_) => {
                Err(Error::unsupported("with routing by component an entity is where its components are"))
            }
            _ => Ok(()),
        }
    }

    fn move_all(&mut self, entities: &[Entity], from: usize, to: usize) -> Result<usize> {
        for some in entities.chunks(MOVED_AT_ONCE) {
            let (mut placed, mut destroyed) = (Updates::new(), Updates::new());
            for entity in some {
                let values: Vec<ComponentValue> = self.values_in(from, *entity)?;
                placed.place_values(*entity, values);
                if !self.planted.has(Bug::MoveCopies) {
                    destroyed.destroy(*entity);
                }
            }
            self.carry_out(BTreeMap::from([(to, placed)]), self.next)?;
            for entity in some {
                self.homes.insert(*entity, to);
            }
            self.carry_out(BTreeMap::from([(from, destroyed)]), self.next)?;
            // What moved would look new there, and destroyed here.
            self.history.clear();
            self.remember();
        }
        Ok(entities.len())
    }
}

/// The ranges, of which one is given to a shard.
fn with_range(ranges: &[(u32, usize)], indexes: Range<u32>, shard: usize) -> Vec<(u32, usize)> {
    let behind = ranges.iter().rev().find(|(begin, _)| *begin <= indexes.end).map_or(0, |(_, shard)| *shard);
    let is_outside = |begin: u32| begin < indexes.start || begin > indexes.end;
    let mut new: Vec<(u32, usize)> = ranges.iter().copied().filter(|(begin, _)| is_outside(*begin)).collect();
    new.push((indexes.start, shard));
    new.push((indexes.end, behind));
    new.sort_unstable();
    new.dedup_by_key(|(_, shard)| *shard);
    new
}

#[cfg(test)]
mod tests {
    use super::with_range;

    #[test]
    fn a_range_is_cut_out_of_others() {
        let ranges = [(0, 0), (100, 1), (200, 2)];
        assert_eq!(with_range(&ranges, 50..150, 2), [(0, 0), (50, 2), (150, 1), (200, 2)]);
        assert_eq!(with_range(&ranges, 100..200, 0), [(0, 0), (200, 2)]);
        assert_eq!(with_range(&ranges, 0..50, 1), [(0, 1), (50, 0), (100, 1), (200, 2)]);
        assert_eq!(with_range(&ranges, 150..300, 0), [(0, 0), (100, 1), (150, 0), (300, 2)]);
    }
}
