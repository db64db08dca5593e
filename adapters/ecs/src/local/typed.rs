//! Reads and writes of one entity's components in their Rust types.

use std::any::TypeId;

use worldstore_core::{Error, Result};

use super::Local;
use super::archetype::{Slot, Values};
use super::edit::broken;
use super::erased::TypedColumn;
use super::known::Place;
use crate::component::Component;
use crate::error::dead;
use crate::value::check_type;
use crate::{ComponentValue, Entity};

impl Local {
    /// Makes the components of a Rust type known. Values that were restored without it become of it.
    ///
    /// # Errors
    /// `Invalid` if the name is in use with other fields or by another type, `Corrupt` if a value is refused by the type.
    pub fn know<Type: Component>(&mut self) -> Result<()> {
        self.number_of::<Type>().map(|_| ())
    }

    /// A component of an entity. Nothing if it has none, or is not alive.
    ///
    /// # Errors
    /// `Invalid` if the name is in use with other fields or by another type, or the type is not [known](Self::know) yet.
    #[inline]
    pub fn component<Type: Component>(&self, entity: Entity) -> Result<Option<&Type>> {
        let Some(place) = self.allocator.get(entity) else { return Ok(None) };
        let Some(archetype) = self.archetypes.get(place.archetype as usize) else { return Ok(None) };
        match archetype.typed::<Type>() {
            Some(values) => Ok(values.get(place.row as usize)),
            None => self.other_component(place),
        }
    }

    /// A component that is shared, or not there, or cannot be read.
    #[cold]
    fn other_component<Type: Component>(&self, place: Place) -> Result<Option<&Type>> {
        let Some(number) = self.readable::<Type>()? else { return Ok(None) };
        let (Some(archetype), Some(known)) =
            (self.archetypes.get(place.archetype as usize), self.known.get(number as usize))
        else {
            return Ok(None);
        };
        let store = archetype.find(number).and_then(|column| archetype.columns.get(column));
        let Some(Values::Shared(places)) = store.map(|store| &store.values) else { return Ok(None) };
        let Some(value) = places.get(place.row as usize) else { return Ok(None) };
        let pool = TypedColumn::<Type>::of(&*known.pool.values);
        Ok(pool.and_then(|pool| pool.values().get(*value as usize)))
    }

    /// The number of a component whose values can be read as a Rust type; none if nobody has it.
    pub(super) fn readable<Type: Component>(&self) -> Result<Option<u32>> {
        if let Some(number) = self.by_type.get(&TypeId::of::<Type>()) {
            return Ok(Some(*number));
        }
        let Some(number) = self.by_name.get(Type::NAME) else { return Ok(None) };
        let known = self.known.get(*number as usize).ok_or_else(broken)?;
        check_type::<Type>(&known.component)?;
        let error = Error::invalid("the type must be known before its values are read in place");
        Err(error.with("component", Type::NAME))
    }

    /// A component of an entity, to be changed. It counts as changed, and as the entity's own from now on.
    ///
    /// # Errors
    /// `Invalid` if the name is in use with other fields or by another type.
    pub fn component_mut<Type: Component>(&mut self, entity: Entity) -> Result<Option<&mut Type>> {
        let number = self.number_of::<Type>()?;
        let Some(place) = self.allocator.get(entity) else { return Ok(None) };
        let found = self.archetypes.get(place.archetype as usize).and_then(|archetype| {
            let column = archetype.find(number)?;
            Some((column, archetype.slots.get(column)?.is_shared))
        });
        let Some((mut column, is_shared)) = found else { return Ok(None) };
        let mut place = place;
        if is_shared {
            if let Some(value) = self.component::<Type>(entity)?.cloned() {
                self.insert(entity, value)?;
            }
            place = self.allocator.get(entity).ok_or_else(|| dead(entity))?;
            let archetype = self.archetypes.get(place.archetype as usize).ok_or_else(broken)?;
            column = archetype.find(number).ok_or_else(broken)?;
        }
        let now = self.now;
        let store = self.store(place.archetype, column)?;
        store.written.set(place.row as usize, || store.values.len(), now);
        Ok(store.typed_mut::<Type>().and_then(|values| values.get_mut(place.row as usize)))
    }

    /// Gives an entity a component, or replaces it.
    ///
    /// # Errors
    /// `NotFound` if the entity is not alive; `Invalid` if the name is in use with other fields or by another type.
    pub fn insert<Type: Component>(&mut self, entity: Entity, value: Type) -> Result<()> {
        let place = self.allocator.get(entity).ok_or_else(|| dead(entity))?;
        let now = self.now;
        self.is_touched = true;
        if let Some(store) = self.store_of::<Type>(place) {
            store.written.set(place.row as usize, || store.values.len(), now);
            let row = store.typed_mut::<Type>().and_then(|values| values.get_mut(place.row as usize));
            *row.ok_or_else(broken)? = value;
            return Ok(());
        }
        let component = self.number_of::<Type>()?;
        let room = self.room(entity, place, Slot { component, is_shared: false })?;
        let store = self.store(room.archetype, room.column)?;
        match room.is_there {
            true => {
                *store.typed_mut::<Type>().and_then(|values| values.get_mut(room.row)).ok_or_else(broken)? = value;
                store.written.set(room.row, || store.values.len(), now);
            }
            false => {
                store.typed_mut::<Type>().ok_or_else(broken)?.push(value);
                store.written.push(room.row, now);
            }
        }
        Ok(())
    }

    /// Gives an entity a component by its name, or replaces it.
    ///
    /// # Errors
    /// As [`insert`](Self::insert); `Corrupt` if a Rust type refuses the value.
    pub fn insert_value(&mut self, entity: Entity, value: &ComponentValue) -> Result<()> {
        if !self.is_alive(entity) {
            return Err(dead(entity));
        }
        let component = self.learn(value.component())?;
        let is_plain = value.component().typed().is_some_and(|typed| typed.is_plain);
        if !is_plain && let Some(known) = self.known.get(component as usize) {
            known.component.check(value.bytes())?;
        }
        self.write(entity, Slot { component, is_shared: value.is_shared() }, value.bytes())
    }

    /// Makes one change that takes a tick of its own if it succeeds.
    #[inline]
    pub(crate) fn change<Output>(&mut self, change: impl FnOnce(&mut Self) -> Result<Output>) -> Result<Output> {
        let was_touched = self.is_touched;
        if was_touched {
            self.now += 1;
        }
        match change(self) {
            Ok(output) => {
                self.advance();
                Ok(output)
            }
            Err(error) => {
                self.now -= u64::from(was_touched);
                self.is_touched = was_touched;
                Err(error)
            }
        }
    }

    /// The column of a Rust type where an entity is.
    #[inline]
    fn store_of<Type: Component>(&mut self, place: Place) -> Option<&mut super::archetype::Store> {
        let archetype = self.archetypes.get_mut(place.archetype as usize)?;
        let column = archetype.find_type(TypeId::of::<Type>())?;
        archetype.columns.get_mut(column)
    }

    /// Removes a component. False if it was not there.
    ///
    /// # Errors
    /// `NotFound` if the entity is not alive.
    pub fn remove_component<Type: Component>(&mut self, entity: Entity) -> Result<bool> {
        let number = self.by_type.get(&TypeId::of::<Type>()).or_else(|| self.by_name.get(Type::NAME));
        match number.copied() {
            Some(number) => self.remove_number(entity, number),
            None if self.allocator.is_alive(entity) => Ok(false),
            None => Err(dead(entity)),
        }
    }

    /// Whether an entity has a component. False if it is not alive.
    #[inline]
    pub fn has_component(&self, entity: Entity, component: &str) -> bool {
        let number = self.by_name.get(component);
        let archetype = self.allocator.get(entity).and_then(|place| self.archetypes.get(place.archetype as usize));
        archetype.zip(number).is_some_and(|(archetype, number)| archetype.find(*number).is_some())
    }

    /// Whether an entity is alive.
    #[inline]
    pub fn is_alive(&self, entity: Entity) -> bool {
        self.allocator.is_alive(entity)
    }
}
