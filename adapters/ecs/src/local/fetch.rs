//! Queries over the Rust types in memory: without names, copies or look-ups per row.

mod found;
mod matching;
mod term;
mod tuple;

use std::any::TypeId;

use worldstore_core::Result;

use super::Local;
use super::archetype::{Archetype, Values};
use super::edit::broken;
use crate::Entity;
use crate::component::Component;

use matching::{Filter, Numbers};

pub use found::{Archetypes, Changing, Found, Reading};
pub use matching::Spots;
pub use term::{Term, TermMut};
pub use tuple::{Lanes, Terms, TermsMut};

/// A query that is about to run: [`iter`](Self::iter) gives what it finds.
#[derive(Debug)]
pub struct Fetch<'a, Items> {
    local: &'a Local,
    /// None if a component is asked for that nobody has.
    numbers: Option<Numbers>,
    filter: Option<Box<Filter>>,
    items: std::marker::PhantomData<fn() -> Items>,
}

impl<'a, Items: Terms> Fetch<'a, Items> {
    /// Only entities that have this component as well.
    #[must_use]
    pub fn having<Type: Component>(mut self) -> Self {
        self.filter.get_or_insert_default().having(self.local.by_name.get(Type::NAME).copied());
        self
    }

    /// Only entities that do not have this component.
    #[must_use]
    pub fn excluding<Type: Component>(mut self) -> Self {
        self.filter.get_or_insert_default().excluding(self.local.by_name.get(Type::NAME).copied());
        self
    }

    /// The entities and their components, in the order of the arguments.
    #[inline]
    pub fn iter(&self) -> Found<Reading<'a, Items>> {
        let archetypes = self.numbers.map(|numbers| Reading::new(self.local, numbers));
        Found::new(archetypes.unwrap_or_default(), self.filter.clone())
    }

    /// Archetype by archetype: the entities, and a slice of each component. Of archetypes that share a value, nothing
    /// lies in memory row by row: they are left to `other`, row by row.
    pub fn chunks(
        &self,
        mut each: impl FnMut(&[Entity], Items::Slices<'a>),
        mut other: impl FnMut(Entity, Items::Item<'a>),
    ) {
        for archetype in self.archetypes() {
            match Items::slices(archetype) {
                Some(slices) => each(&archetype.entities, slices),
                None => {
                    for mut row in Items::one_by_one(self.local, archetype).into_iter().map(Lanes::zip) {
                        Items::Lanes::next(&mut row).into_iter().for_each(|(entity, item)| other(entity, item));
                    }
                }
            }
        }
    }

    /// How many entities are found.
    pub fn count(&self) -> usize {
        self.archetypes().map(|archetype| archetype.entities.len()).sum()
    }

    fn archetypes(&self) -> impl Iterator<Item = &'a Archetype> {
        let matches = |archetype: &&Archetype| {
            let filter = self.filter.as_deref();
            self.numbers.is_some_and(|numbers| numbers.are_in(archetype))
                && filter.is_none_or(|filter| filter.finds(archetype))
        };
        self.local.archetypes.iter().filter(matches)
    }
}

impl<'a, Items: Terms> IntoIterator for Fetch<'a, Items> {
    type Item = (Entity, Items::Item<'a>);
    type IntoIter = Found<Reading<'a, Items>>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A query that changes what it finds, about to run.
#[derive(Debug)]
pub struct FetchMut<'a, Items> {
    local: &'a mut Local,
    filter: Option<Box<Filter>>,
    items: std::marker::PhantomData<fn() -> Items>,
}

impl<'a, Items: TermsMut> FetchMut<'a, Items> {
    /// Only entities that have this component as well.
    #[must_use]
    pub fn having<Type: Component>(mut self) -> Self {
        self.filter.get_or_insert_default().having(self.local.by_name.get(Type::NAME).copied());
        self
    }

    /// Only entities that do not have this component.
    #[must_use]
    pub fn excluding<Type: Component>(mut self) -> Self {
        self.filter.get_or_insert_default().excluding(self.local.by_name.get(Type::NAME).copied());
        self
    }
}

impl<'a, Items: TermsMut> IntoIterator for FetchMut<'a, Items> {
    type Item = (Entity, Items::Item<'a>);
    type IntoIter = Found<Changing<'a, Items>>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        Found::new(self.local.changing::<Items>(self.filter.as_deref()), self.filter)
    }
}

impl Local {
    /// The entities with these components, in place: `select::<(&Position, &Velocity)>()?`.
    ///
    /// # Errors
    /// `Invalid` if a name is in use with other fields or by another type, or a type is not [known](Self::know) yet.
    pub fn select<Items: Terms>(&self) -> Result<Fetch<'_, Items>> {
        Items::check(self)?;
        let numbers = Numbers::of(self, Items::NAMES);
        Ok(Fetch { local: self, numbers, filter: None, items: std::marker::PhantomData })
    }

    /// The entities with these components, some to be changed: `select_mut::<(&mut Position, &Velocity)>()?`.
    ///
    /// All components that are found with `&mut` count as changed, and as their entity's own from now on.
    ///
    /// # Errors
    /// As [`select`](Self::select); `Invalid` if a component is named twice.
    #[inline]
    pub fn select_mut<Items: TermsMut>(&mut self) -> Result<FetchMut<'_, Items>> {
        if !self.spots.contains_key(&TypeId::of::<Items::Types>()) {
            self.first_select_mut::<Items>()?;
        }
        Ok(FetchMut { local: self, filter: None, items: std::marker::PhantomData })
    }

    #[cold]
    fn first_select_mut<Items: TermsMut>(&mut self) -> Result<()> {
        Items::know(self)?;
        if (1..Items::NAMES.len()).any(|place| Items::NAMES[..place].contains(&Items::NAMES[place])) {
            return Err(worldstore_core::Error::invalid("a component cannot be changed twice at once"));
        }
        let numbers = Numbers::of(self, Items::NAMES).ok_or_else(broken)?;
        self.spots.insert(TypeId::of::<Items::Types>(), Spots::new(numbers));
        Ok(())
    }

    /// The archetypes of a query that changes them. [`select_mut`](Self::select_mut) has been there before.
    fn changing<Items: TermsMut>(&mut self, filter: Option<&Filter>) -> Changing<'_, Items> {
        self.is_touched = true;
        self.own_values::<Items>(filter);
        let Self { archetypes, spots, known, now, .. } = self;
        let spots = spots.get_mut(&TypeId::of::<Items::Types>());
        let found = spots.map(|spots| {
            spots.learn(archetypes);
            spots.as_slice()
        });
        Changing::new(archetypes, found.unwrap_or_default(), known, *now)
    }

    /// Gives entities that share a value which is to be changed values of their own.
    fn own_values<Items: TermsMut>(&mut self, filter: Option<&Filter>) {
        let Some(numbers) = self.spots.get(&TypeId::of::<Items::Types>()).map(|spots| spots.numbers) else { return };
        for (number, _) in numbers.as_slice().iter().zip(Items::CHANGED).filter(|(_, is_changed)| **is_changed) {
            if self.known.get(*number as usize).is_none_or(|known| known.pool.is_empty()) {
                continue;
            }
            let sharing: Vec<Entity> = self
                .archetypes
                .iter()
                .filter(|archetype| numbers.are_in(archetype) && filter.is_none_or(|filter| filter.finds(archetype)))
                .filter(|archetype| is_shared(archetype, *number))
                .flat_map(|archetype| archetype.entities.iter().copied())
                .collect();
            for entity in sharing {
                self.own_value(entity, *number);
            }
        }
    }

    fn own_value(&mut self, entity: Entity, number: u32) {
        let slot = super::archetype::Slot { component: number, is_shared: false };
        // The value is one that the storage keeps itself, so reading and writing it cannot fail.
        if let Ok(Some(value)) = self.value(entity, number) {
            let _ = self.write(entity, slot, value.bytes());
        }
    }
}

fn is_shared(archetype: &Archetype, number: u32) -> bool {
    let store = archetype.find(number).and_then(|column| archetype.columns.get(column));
    store.is_some_and(|store| matches!(store.values, Values::Shared(_)))
}
