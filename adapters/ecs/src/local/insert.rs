//! New entities with components in their Rust types.

use std::any::TypeId;
use std::sync::Arc;

use worldstore_core::Result;

use super::Local;
use super::archetype::{Archetype, Slot, Store};
use super::edit::broken;
use super::known::Place;
use crate::Entity;
use crate::bundle::Bundle;
use crate::component::{Component, ComponentType};

/// Where the components of a bundle go.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    archetype: u32,
    /// The column of each component. None if the bundle has one twice: then it goes by name.
    columns: Option<Arc<[usize]>>,
}

/// A row of an archetype that a bundle is put into.
#[derive(Debug)]
pub struct Row<'a> {
    archetype: &'a mut Archetype,
    columns: &'a [usize],
    row: usize,
    now: u64,
}

impl Row<'_> {
    /// Adds the value of one of the bundle's components.
    #[inline]
    pub fn put<Type: Component>(&mut self, place: usize, value: Type) -> Result<()> {
        let store = self.columns.get(place).and_then(|column| self.archetype.columns.get_mut(*column));
        let store = store.ok_or_else(broken)?;
        store.typed_mut::<Type>().ok_or_else(broken)?.push(value);
        store.written.push(self.row, self.now);
        Ok(())
    }
}

/// Rows of an archetype that bundles are put into.
#[derive(Debug)]
pub struct Rows<'a> {
    archetype: &'a mut Archetype,
    columns: &'a [usize],
}

impl Rows<'_> {
    /// The columns of the bundle's components.
    pub fn stores<const COUNT: usize>(&mut self) -> Result<[&mut Store; COUNT]> {
        let columns: [usize; COUNT] = self.columns.try_into().map_err(|_| broken())?;
        self.archetype.columns.get_disjoint_mut(columns).map_err(|_| broken())
    }
}

impl Local {
    /// Makes an entity with components.
    ///
    /// # Errors
    /// `Invalid` if a name is in use with other fields or by another type, `StorageFull` if there are no more ids.
    pub fn insert_entity<Items: Bundle>(&mut self, bundle: Items) -> Result<Entity> {
        let plan = self.plan::<Items>()?;
        let Some(columns) = plan.columns else {
            return self.insert_by_name([bundle])?.first().copied().ok_or_else(broken);
        };
        let (entity, row) = self.begin(plan.archetype)?;
        let now = self.now;
        let archetype = self.archetypes.get_mut(plan.archetype as usize).ok_or_else(broken)?;
        bundle.put(&mut Row { archetype, columns: &columns, row, now })?;
        Ok(entity)
    }

    /// Makes an entity for each bundle.
    ///
    /// # Errors
    /// As [`insert_entity`](Self::insert_entity): then none is made.
    pub fn insert_entities<Items: Bundle>(&mut self, bundles: impl IntoIterator<Item = Items>) -> Result<Vec<Entity>> {
        let plan = self.plan::<Items>()?;
        let Some(columns) = plan.columns else {
            return self.insert_by_name(bundles);
        };
        let now = self.now;
        let archetype = self.archetypes.get_mut(plan.archetype as usize).ok_or_else(broken)?;
        let first = archetype.entities.len();
        self.is_touched = true;
        let mut rows = Rows { archetype, columns: &columns };
        let count = Items::put_all(bundles.into_iter(), &mut rows)?;
        if let Err(full) = self.allocator.check_room(count) {
            for column in columns.iter() {
                let Some(store) = archetype.columns.get_mut(*column) else { continue };
                (first..first + count).rev().for_each(|row| store.drop_last(row));
            }
            return Err(full);
        }
        for column in columns.iter() {
            if let Some(store) = archetype.columns.get_mut(*column) {
                store.written.push_many(first, count, now);
            }
        }
        self.allocator.reserve(count);
        archetype.entities.reserve(count);
        for row in first..first + count {
            archetype.entities.push(self.allocator.allocate_at(Place { archetype: plan.archetype, row: row as u32 })?);
        }
        archetype.created.push_many(first, count, now);
        Ok(archetype.entities.get(first..).unwrap_or_default().to_vec())
    }

    /// Where a bundle goes.
    #[inline]
    fn plan<Items: Bundle>(&mut self) -> Result<Plan> {
        match self.plans.get(&TypeId::of::<Items>()) {
            Some(plan) => Ok(plan.clone()),
            None => self.first_plan::<Items>(),
        }
    }

    #[cold]
    fn first_plan<Items: Bundle>(&mut self) -> Result<Plan> {
        let components: Vec<&'static Arc<ComponentType>> = Items::components()?;
        let numbers: Vec<u32> = components.iter().map(|component| self.learn(component)).collect::<Result<_>>()?;
        let mut slots: Vec<Slot> =
            numbers.iter().map(|component| Slot { component: *component, is_shared: false }).collect();
        slots.sort_unstable();
        slots.dedup();
        let is_distinct = slots.len() == numbers.len();
        let archetype = self.archetype(slots);
        let place = |number: &u32| self.archetypes.get(archetype as usize)?.find(*number);
        let columns = if is_distinct { numbers.iter().map(place).collect() } else { None };
        let plan = Plan { archetype, columns };
        self.plans.insert(TypeId::of::<Items>(), plan.clone());
        Ok(plan)
    }

    /// Makes an entity for each bundle by one batch, which is all or nothing.
    fn insert_by_name(&mut self, bundles: impl IntoIterator<Item = impl Bundle>) -> Result<Vec<Entity>> {
        let mut updates = crate::Updates::new();
        for bundle in bundles {
            updates.spawn_values(bundle.values()?);
        }
        Ok(self.apply_now(&updates.to_batch()?)?.spawned)
    }
}

#[cfg(test)]
mod tests {
    //! Bundles that have a component twice.

    use crate::{Component, Local, Storage};

    #[derive(Debug, Clone, PartialEq, Component)]
    #[component(name = "task")]
    struct Task {
        #[component(json)]
        speed: f64,
    }

    #[test]
    fn of_bundles_with_a_component_twice_all_are_made_or_none() {
        let mut local = Local::new();
        let bundle = |speed| (Task { speed: 0.0 }, Task { speed });
        // What JSON cannot say is refused.
        assert!(local.insert_entities([bundle(1.0), bundle(f64::NAN)]).is_err());
        assert_eq!(local.count(), 0);
        let made = local.insert_entities([bundle(1.0), bundle(2.0)]).unwrap();
        assert_eq!(local.component::<Task>(made[1]).unwrap(), Some(&Task { speed: 2.0 }));
        local.export().unwrap().check().unwrap();
    }
}
