//! Reads of components by their names, where they lie.

use std::sync::Arc;

use worldstore_core::Result;

use super::Local;
use super::archetype::Values;
use super::erased::DynColumn;
use super::known::{Known, NO_ROW};
use crate::component::ComponentType;
use crate::field::FieldType;
use crate::small::SmallBytes;
use crate::{ComponentValue, Entity};

/// A component of an entity, where it lies in memory.
#[derive(Debug, Clone, Copy)]
pub struct ValueRef<'a> {
    component: &'a Arc<ComponentType>,
    values: &'a DynColumn,
    row: usize,
    is_shared: bool,
}

impl<'a> ValueRef<'a> {
    /// Which component it is.
    pub fn component(&self) -> &'a Arc<ComponentType> {
        self.component
    }

    /// The bytes of the fields, if they lie there as such: those of plain types do.
    #[inline]
    pub fn bytes(&self) -> Option<&'a [u8]> {
        let width = self.component.width()?;
        self.values.packed()?.get(self.row * width..(self.row + 1) * width)
    }

    /// One field, if the bytes lie there and the field is of that kind.
    #[inline]
    pub fn field<Type: FieldType>(&self, name: &str) -> Option<Type> {
        let place = self.component.place_of::<Type>(name)?;
        Type::decode(&mut self.bytes()?.get(place..)?).ok()
    }

    /// The value, on its own.
    ///
    /// # Errors
    /// `Invalid` if serde does not write a field as JSON.
    #[inline]
    pub fn value(&self) -> Result<ComponentValue> {
        let mut bytes = SmallBytes::new();
        self.values.encode(self.row, &mut bytes)?;
        let value = ComponentValue::trusted(self.component, bytes);
        Ok(if self.is_shared { value.shared() } else { value })
    }
}

impl Local {
    /// A component of an entity by its name, in place. Nothing if it has none, or is not alive.
    #[inline]
    pub fn component_named(&self, entity: Entity, component: &str) -> Option<ValueRef<'_>> {
        self.look(entity, *self.by_name.get(component)?)
    }

    /// A component of an entity by its number.
    #[inline]
    pub(super) fn look(&self, entity: Entity, number: u32) -> Option<ValueRef<'_>> {
        let place = self.allocator.get(entity).filter(|place| place.row != NO_ROW)?;
        let archetype = self.archetypes.get(place.archetype as usize)?;
        let store = archetype.columns.get(archetype.find(number)?)?;
        let Known { component, pool } = self.known.get(number as usize)?;
        let row = place.row as usize;
        Some(match &store.values {
            Values::Own(values) => ValueRef { component, values: &**values, row, is_shared: false },
            Values::Shared(places) => {
                let row = *places.get(row)? as usize;
                ValueRef { component, values: &*pool.values, row, is_shared: true }
            }
        })
    }
}
