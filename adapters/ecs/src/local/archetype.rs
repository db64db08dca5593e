//! Entities with the same components, in columns.

use std::any::TypeId;

use super::erased::{ErasedColumn, TypedColumn};
use super::stamps::Stamps;
use crate::Entity;
use crate::component::Component;

/// A component of an archetype: its number, and whether its values are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The number of the component.
    pub component: u32,
    /// Whether each value is stored once for all rows that have it.
    pub is_shared: bool,
}

/// Entities with the same components. Row by row, all columns are of the same entity.
#[derive(Debug)]
pub struct Archetype {
    /// The components, sorted.
    pub slots: Vec<Slot>,
    /// The Rust types of the components, in the same order: of those that are not shared and have one.
    types: Vec<Option<TypeId>>,
    pub entities: Vec<Entity>,
    /// When each entity was made.
    pub created: Stamps,
    pub columns: Vec<Store>,
    /// Where entities go that get or lose a component.
    pub edges: Vec<(Step, u32)>,
}

/// From one archetype to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// With a component that is added, or has its values stored in the other way.
    Add(Slot),
    /// Without a component.
    Remove(u32),
}

/// The values of one component, and when they were written.
#[derive(Debug)]
pub struct Store {
    pub values: Values,
    pub written: Stamps,
}

/// Where the values are.
#[derive(Debug)]
pub enum Values {
    /// Here, a row each.
    Own(Box<dyn ErasedColumn>),
    /// In the pool of the component.
    Shared(Vec<u32>),
}

impl Archetype {
    /// An archetype without rows.
    pub fn new(slots: Vec<Slot>, columns: Vec<(Option<TypeId>, Values)>) -> Self {
        let (types, columns) =
            columns.into_iter().map(|(kind, values)| (kind, Store { values, written: Stamps::default() })).unzip();
        Self { slots, types, entities: Vec::new(), created: Stamps::default(), columns, edges: Vec::new() }
    }

    /// The column of a component, shared or not.
    #[inline]
    pub fn find(&self, component: u32) -> Option<usize> {
        self.slots.iter().position(|slot| slot.component == component)
    }

    /// The column of a Rust type.
    #[inline]
    pub fn find_type(&self, kind: TypeId) -> Option<usize> {
        self.types.iter().position(|other| *other == Some(kind))
    }

    /// The values of a Rust type, if they are here.
    #[inline]
    pub fn typed<Type: Component>(&self) -> Option<&[Type]> {
        let place = self.find_type(TypeId::of::<Type>())?;
        self.columns.get(place)?.typed()
    }

    /// Puts another column of the same values in place of one, with the Rust type that it has.
    pub fn replace(&mut self, place: usize, kind: TypeId, column: Box<dyn ErasedColumn>) {
        if let (Some(store), Some(slot)) = (self.columns.get_mut(place), self.types.get_mut(place)) {
            store.values = Values::Own(column);
            *slot = Some(kind);
        }
    }

    /// Removes a row whose values were moved away or dropped. Gives the entity that takes its place.
    #[inline]
    pub fn forget(&mut self, row: usize) -> Option<Entity> {
        self.entities.swap_remove(row);
        self.created.swap_remove(row);
        self.entities.get(row).copied()
    }

    /// Where a step leads, if it was taken before.
    #[inline]
    pub fn edge(&self, step: Step) -> Option<u32> {
        self.edges.iter().find(|(other, _)| *other == step).map(|(_, to)| *to)
    }
}

impl Store {
    /// True if the values are here, a row each.
    pub fn is_own(&self) -> bool {
        matches!(self.values, Values::Own(_))
    }

    /// The values of a Rust type.
    #[inline]
    pub fn typed<Type: Component>(&self) -> Option<&[Type]> {
        match &self.values {
            Values::Own(column) => Some(TypedColumn::<Type>::of(&**column)?.values()),
            Values::Shared(_) => None,
        }
    }

    /// The values of a Rust type, to be changed.
    #[inline]
    pub fn typed_mut<Type: Component>(&mut self) -> Option<&mut Vec<Type>> {
        match &mut self.values {
            Values::Own(column) => Some(TypedColumn::<Type>::of_mut(&mut **column)?.values_mut()),
            Values::Shared(_) => None,
        }
    }

    /// Drops the last row, which has no tick yet.
    pub fn drop_last(&mut self, row: usize) {
        match &mut self.values {
            Values::Own(column) => column.swap_remove(row),
            Values::Shared(places) => places.truncate(row),
        }
    }

    /// Moves a row to the same component of another archetype, which has so many rows.
    #[inline]
    pub fn move_row(&mut self, row: usize, to: &mut Self, rows: usize) {
        match (&mut self.values, &mut to.values) {
            (Values::Own(from), Values::Own(to)) => from.move_row(row, &mut **to),
            (Values::Shared(from), Values::Shared(to)) if row < from.len() => to.push(from.swap_remove(row)),
            // The slots of both are equal, so the values are stored in the same way.
            _ => {}
        }
        to.written.push(rows, self.written.get(row));
        self.written.swap_remove(row);
    }
}
