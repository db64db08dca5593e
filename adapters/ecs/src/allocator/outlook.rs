//! What a batch would do to the ids, told before it is applied.

use worldstore_core::Result;

use super::{Allocator, full};
use crate::Entity;

/// What destroying and making entities would do to the ids. An id that is free is written as the entity that it will be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Outlook {
    /// The ids of the new entities, in their order.
    pub spawned: Vec<Entity>,
    /// Ids that were free, and are not any more.
    pub taken: Vec<Entity>,
    /// Ids that become free, with their places in the stack of those that are, from 0. None for an index whose
    /// generations are used up: it is written as the last entity that it was.
    pub freed: Vec<(Entity, Option<u32>)>,
    /// Guests that go.
    pub parted: Vec<Entity>,
}

impl<Place: Copy + Default> Allocator<Place> {
    /// What would become of the ids if these were destroyed, in this order, and so many made then. All that are destroyed
    /// are alive, and none is listed twice.
    ///
    /// # Errors
    /// `StorageFull` if there are not so many ids.
    pub fn outlook(&self, destroyed: &[Entity], spawns: usize) -> Result<Outlook> {
        let mut outlook = Outlook::default();
        let mut freed: Vec<Entity> = Vec::new();
        for entity in destroyed {
            if self.guests.contains_key(entity) {
                outlook.parted.push(*entity);
                continue;
            }
            match entity.generation() < Entity::GENERATION_MAX {
                true => freed.push(Entity::pack(self.shard, entity.index(), entity.generation() + 1)),
                false => outlook.freed.push((*entity, None)),
            }
        }
        let (mut stack, mut next) = (self.free.iter().rev(), self.slots.len());
        for _ in 0..spawns {
            let entity = match freed.pop() {
                Some(entity) => entity,
                None => match stack.next() {
                    Some(index) => {
                        let slot = self.slots.get(*index as usize).ok_or_else(full)?;
                        let entity = Entity::pack(self.shard, *index, slot.word & Entity::GENERATION_MAX);
                        outlook.taken.push(entity);
                        entity
                    }
                    None => {
                        let index = u32::try_from(next).map_err(|_| full())?;
                        next += 1;
                        Entity::pack(self.shard, index, 0)
                    }
                },
            };
            outlook.spawned.push(entity);
        }
        // What was freed is on top of all that was free before, or there is nothing of it left. No more than indexes.
        let places = self.free.len() as u32..;
        outlook.freed.extend(freed.into_iter().zip(places).map(|(entity, place)| (entity, Some(place))));
        Ok(outlook)
    }
}
