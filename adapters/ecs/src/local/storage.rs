//! Memory as a storage, by name.

use std::sync::Arc;

use worldstore_core::Result;

use super::Local;
use super::archetype::{Archetype, Values};
use crate::allocator::Outlook;
use crate::batch::{Applied, Batch};
use crate::chunk::{Chunk, Chunks, Column};
use crate::component::ComponentType;
use crate::query::Query;
use crate::state::State;
use crate::storage::{Durability, Storage, StorageInfo};
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

#[deny(clippy::missing_trait_methods)]
impl Storage for Local {
    fn info(&self) -> StorageInfo {
        StorageInfo::new("local", self.shard(), Durability::Volatile)
    }

    fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        Ok(self.known.iter().map(|known| Arc::clone(&known.component)).collect())
    }

    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        self.check_components(&components.iter().collect::<Vec<_>>())?;
        components.iter().try_for_each(|component| self.learn(component).map(|_| ()))
    }

    fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        // The tick in progress may hold changes that were made in place: they end before the batch.
        if self.is_touched {
            self.check_batch(batch)?;
            self.advance();
        }
        let applied = self.apply_now(batch)?;
        self.advance();
        Ok(applied)
    }

    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        Ok(entities.iter().map(|entity| self.is_alive(*entity)).collect())
    }

    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        let Some(place) = self.allocator.get(entity) else { return Ok(None) };
        let slots = self.archetypes.get(place.archetype as usize).map(|archetype| &archetype.slots[..]);
        let known = slots.unwrap_or_default().iter().filter_map(|slot| self.known.get(slot.component as usize));
        let mut names: Vec<Arc<str>> = known.map(|known| Arc::clone(known.component.name())).collect();
        names.sort_unstable();
        Ok(Some(names))
    }

    #[inline]
    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        match self.by_name.get(component) {
            Some(number) => self.value(entity, *number),
            None => Ok(None),
        }
    }

    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        let Some(number) = self.by_name.get(component) else { return Ok(vec![None; entities.len()]) };
        entities.iter().map(|entity| self.value(*entity, *number)).collect()
    }

    fn query(&self, query: &Query) -> Result<Chunks<'_>> {
        let number = |name: &Arc<str>| self.by_name.get(name).copied();
        let given: Option<Vec<u32>> = query.components().iter().map(number).collect();
        let required: Option<Vec<u32>> = query.required().iter().map(number).collect();
        let (Some(given), Some(required)) = (given, required) else { return Ok(Box::new(std::iter::empty())) };
        let excluded: Vec<u32> = query.excluded().iter().filter_map(number).collect();
        let matches = move |archetype: &&Archetype| {
            let has = |number: &u32| archetype.find(*number).is_some();
            !archetype.entities.is_empty() && required.iter().all(has) && !excluded.iter().any(has)
        };
        let chunk = move |archetype| self.chunk(archetype, &given).transpose();
        Ok(Box::new(self.archetypes.iter().filter(matches).filter_map(chunk)))
    }

    fn tick(&self) -> Result<Tick> {
        Ok(self.last_tick())
    }

    fn changes(&self, since: Tick) -> Result<Changes> {
        self.changes_since(since)
    }

    fn export(&self) -> Result<State<'_>> {
        self.state()
    }

    fn import(&mut self, state: &State<'_>) -> Result<()> {
        let restored = self.restored(state)?;
        self.replace_by(restored);
        Ok(())
    }

    fn local(&self) -> Option<&Local> {
        Some(self)
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        Some(self)
    }
}

impl Local {
    /// All components of an entity, sorted by name. Nothing if it is not alive.
    ///
    /// # Errors
    /// `Invalid` if serde does not write a field as JSON.
    pub fn values(&self, entity: Entity) -> Result<Option<Vec<ComponentValue>>> {
        let Some(place) = self.allocator.get(entity) else { return Ok(None) };
        let slots = self.archetypes.get(place.archetype as usize).map(|archetype| &archetype.slots[..]);
        let mut values = Vec::with_capacity(slots.unwrap_or_default().len());
        for slot in slots.unwrap_or_default() {
            values.extend(self.value(entity, slot.component)?);
        }
        values.sort_unstable_by(|one, other| one.name().cmp(other.name()));
        Ok(Some(values))
    }

    /// What a batch would do to the ids. It is known that it [can be applied](Self::check_batch).
    ///
    /// # Errors
    /// `StorageFull` if there are not so many ids.
    pub fn outlook(&self, batch: &Batch) -> Result<Outlook> {
        self.allocator.outlook(batch.destroys(), batch.spawns().len())
    }

    /// The value of a component by its number.
    #[inline]
    pub(super) fn value(&self, entity: Entity, number: u32) -> Result<Option<ComponentValue>> {
        self.look(entity, number).map(|found| found.value()).transpose()
    }

    /// The rows of an archetype with these columns. Nothing if it lacks one.
    pub(super) fn chunk<'a>(&'a self, archetype: &'a Archetype, columns: &[u32]) -> Result<Option<Chunk<'a>>> {
        let column = |number: &u32| {
            let store = archetype.columns.get(archetype.find(*number)?)?;
            let known = self.known.get(*number as usize)?;
            Some(match &store.values {
                Values::Own(column) => Column::erased(&known.component, &**column),
                Values::Shared(places) => Column::erased_shared(&known.component, &*known.pool.values, places),
            })
        };
        let columns: Option<Vec<Column<'a>>> = columns.iter().map(column).collect();
        columns.map(|columns| Chunk::new(&archetype.entities[..], columns)).transpose()
    }
}
