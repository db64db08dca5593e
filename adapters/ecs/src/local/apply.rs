//! Batches, all or nothing.

use std::collections::HashMap;
use std::sync::Arc;

use worldstore_core::Result;

use super::Local;
use super::archetype::{Slot, Values};
use super::edit::broken;
use crate::batch::{Applied, Batch};
use crate::component::ComponentType;
use crate::planted::Bug;
use crate::{ComponentValue, Entity, Tick};

impl Local {
    /// Applies a batch within the tick in progress.
    pub(super) fn apply_now(&mut self, batch: &Batch) -> Result<Applied> {
        let numbers = self.prepare(batch)?;
        let number = |component: &Arc<ComponentType>| numbers.get(&Arc::as_ptr(component)).copied().ok_or_else(broken);
        for write in &batch.writes {
            let component = number(write.value.component())?;
            let slot = Slot { component, is_shared: write.value.is_shared() };
            self.write(write.entity, slot, write.value.bytes())?;
        }
        let mut removed = 0;
        for (entity, name) in &batch.removes {
            if let Some(component) = self.by_name.get(name).copied() {
                removed += u64::from(self.remove_number(*entity, component)?);
            }
        }
        for entity in &batch.destroys {
            self.destroy_entity(*entity)?;
        }
        let slots = |values: &[ComponentValue]| -> Result<Vec<Slot>> {
            let slot = |value: &ComponentValue| {
                Ok(Slot { component: number(value.component())?, is_shared: value.is_shared() })
            };
            values.iter().map(slot).collect()
        };
        let mut spawned = Vec::with_capacity(batch.spawns.len());
        for values in &batch.spawns {
            spawned.push(self.make(None, values, &slots(values)?)?);
        }
        for (entity, values) in &batch.places {
            self.make(Some(*entity), values, &slots(values)?)?;
        }
        Ok(Applied::new(Tick(self.now), spawned, removed))
    }

    /// Looks whether a batch can be applied. If so, [`apply`](crate::Storage::apply) does it.
    ///
    /// # Errors
    /// Those of [`apply`](crate::Storage::apply).
    pub fn check_batch(&self, batch: &Batch) -> Result<()> {
        batch
            .check(|entity| self.allocator.is_alive(entity), |entity, kind| self.has_component(entity, kind.name()))?;
        self.allocator.check_room(batch.spawns.len())?;
        batch.places.iter().try_for_each(|(entity, _)| self.allocator.check_guest(*entity))?;
        let components = batch.components();
        self.check_components(&components)?;
        batch.values().try_for_each(|value| self.check_value(value, &components))
    }

    /// Looks whether the type that a value will be kept in takes it. A value's own type may not: not all that serde writes
    /// as JSON can be read again, `NaN` is one that cannot.
    fn check_value(&self, value: &ComponentValue, components: &[&Arc<ComponentType>]) -> Result<()> {
        match value.component().typed() {
            Some(typed) if typed.is_plain => return Ok(()),
            Some(_) => return value.component().check(value.bytes()),
            None => {}
        }
        let known = self.component_type(value.name());
        let known = match known.is_some_and(|known| known.is_typed()) {
            true => known,
            // The batch itself may bring the type.
            false => {
                components.iter().find(|other| other.is_typed() && other.name() == value.name()).copied().or(known)
            }
        };
        known.map_or(Ok(()), |known| known.check(value.bytes()))
    }

    /// Everything that can fail: nothing is changed but that components become known.
    fn prepare(&mut self, batch: &Batch) -> Result<HashMap<*const ComponentType, u32>> {
        if !self.planted.has(Bug::UncheckedBatch) {
            self.check_batch(batch)?;
        }
        let components = batch.components();
        components.into_iter().map(|component| Ok((Arc::as_ptr(component), self.learn(component)?))).collect()
    }

    pub(super) fn component_type(&self, name: &str) -> Option<&Arc<ComponentType>> {
        let number = self.by_name.get(name)?;
        self.known.get(*number as usize).map(|known| &known.component)
    }

    /// Makes an entity, under a given id or the next one.
    fn make(&mut self, id: Option<Entity>, values: &[ComponentValue], slots: &[Slot]) -> Result<Entity> {
        let mut sorted = slots.to_vec();
        sorted.sort_unstable();
        let archetype = self.archetype(sorted);
        let mut shared = Vec::with_capacity(slots.len());
        for (value, slot) in values.iter().zip(slots) {
            let pool = self.known.get_mut(slot.component as usize).map(|known| &mut known.pool).ok_or_else(broken)?;
            shared.push(if slot.is_shared { Some(pool.intern(value.bytes())?) } else { None });
        }
        let (entity, row) = match id {
            None => self.begin(archetype)?,
            Some(entity) => (entity, self.begin_as(entity, archetype)?),
        };
        let now = self.now;
        for ((value, slot), shared) in values.iter().zip(slots).zip(shared) {
            let target = self.archetypes.get_mut(archetype as usize).ok_or_else(broken)?;
            let column = target.find(slot.component).ok_or_else(broken)?;
            let store = target.columns.get_mut(column).ok_or_else(broken)?;
            match (&mut store.values, shared) {
                (Values::Own(column), None) => column.push(value.bytes())?,
                (Values::Shared(places), Some(place)) => places.push(place),
                _ => return Err(broken()),
            }
            store.written.push(row, now);
        }
        Ok(entity)
    }
}

#[cfg(test)]
mod tests;
