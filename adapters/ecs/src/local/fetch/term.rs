//! One component of a query.

use std::slice;

use super::super::archetype::{Archetype, Store, Values};
use super::super::erased::{DynColumn, TypedColumn};
use super::super::known::Known;
use crate::component::Component;

/// A component that is read: `&Type`. Not for implementing.
pub trait Term {
    /// The component.
    type Type: Component;
}

impl<Type: Component> Term for &Type {
    type Type = Type;
}

/// The values of one archetype, wherever they are.
#[derive(Debug)]
pub(super) enum Look<'a, Type> {
    /// Row by row.
    Own(&'a [Type]),
    /// In a pool.
    Shared(&'a [u32], &'a [Type]),
}

impl<'a, Type: Component> Look<'a, Type> {
    /// The values of a component.
    pub fn new(known: &'a [Known], archetype: &'a Archetype, number: u32) -> Option<Self> {
        let store = archetype.columns.get(archetype.find(number)?)?;
        Self::of(store, known.get(number as usize)?)
    }

    fn of(store: &'a Store, known: &'a Known) -> Option<Self> {
        match &store.values {
            Values::Own(_) => store.typed().map(Self::Own),
            Values::Shared(places) => {
                let pool = TypedColumn::<Type>::of(&*known.pool.values)?;
                Some(Self::Shared(places, pool.values()))
            }
        }
    }

    /// The value of a row.
    pub fn get(&self, row: usize) -> Option<&'a Type> {
        match self {
            Self::Own(values) => values.get(row),
            Self::Shared(places, values) => values.get(*places.get(row)? as usize),
        }
    }
}

/// A component that is read or changed: `&Type` or `&mut Type`. Not for implementing.
pub trait TermMut {
    /// The component.
    type Type: Component;
    /// What is found.
    type Item<'a>;
    /// The values of one archetype, row by row.
    type Lane<'a>: IntoIterator<Item = Self::Item<'a>> + Default;
    /// Whether it is changed.
    const IS_CHANGED: bool;

    /// The values of one archetype, if they are not shared. They count as changed if they are to be.
    fn lane(store: &mut Store, now: u64) -> Option<Self::Lane<'_>>;

    /// A value on its own.
    fn one(item: Self::Item<'_>) -> Self::Lane<'_>;

    /// The values of one archetype, wherever they are.
    fn collect<'a>(store: &'a mut Store, shared: &'a DynColumn, now: u64) -> Vec<Self::Item<'a>>;
}

impl<Type: Component> TermMut for &mut Type {
    type Type = Type;
    type Item<'a> = &'a mut Type;
    type Lane<'a> = &'a mut [Type];
    const IS_CHANGED: bool = true;

    #[inline]
    fn lane(store: &mut Store, now: u64) -> Option<&mut [Type]> {
        store.written.set_all(now);
        store.typed_mut::<Type>().map(Vec::as_mut_slice)
    }

    fn one(item: Self::Item<'_>) -> Self::Lane<'_> {
        slice::from_mut(item)
    }

    fn collect<'a>(store: &'a mut Store, _: &'a DynColumn, now: u64) -> Vec<&'a mut Type> {
        Self::lane(store, now).into_iter().flatten().collect()
    }
}

impl<Type: Component> TermMut for &Type {
    type Type = Type;
    type Item<'a> = &'a Type;
    type Lane<'a> = &'a [Type];
    const IS_CHANGED: bool = false;

    #[inline]
    fn lane(store: &mut Store, _: u64) -> Option<&[Type]> {
        store.typed::<Type>()
    }

    fn one(item: Self::Item<'_>) -> Self::Lane<'_> {
        slice::from_ref(item)
    }

    fn collect<'a>(store: &'a mut Store, shared: &'a DynColumn, _: u64) -> Vec<&'a Type> {
        match &store.values {
            Values::Own(_) => store.typed::<Type>().unwrap_or_default().iter().collect(),
            Values::Shared(places) => {
                let pool = TypedColumn::<Type>::of(shared).map(TypedColumn::values);
                let pool = pool.unwrap_or_default();
                places.iter().filter_map(|place| pool.get(*place as usize)).collect()
            }
        }
    }
}
