//! Queries over the Rust types in memory: without names, copies or look-ups per row.

mod term;
mod tuple;

use worldstore_core::Result;

use super::Local;
use super::archetype::{Archetype, Values};
use crate::Entity;
use crate::component::Component;

pub use term::{Term, TermMut};
pub use tuple::{Found, FoundMut, Terms, TermsMut};

/// Which archetypes a query finds.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// The components that are asked for.
    pub(super) components: Vec<u32>,
    required: Vec<u32>,
    excluded: Vec<u32>,
    /// True if a component is asked for that nobody has.
    is_empty: bool,
}

impl Matching {
    pub(super) fn new(local: &Local, names: &[&str]) -> Self {
        let numbers: Option<Vec<u32>> = names.iter().map(|name| local.by_name.get(*name).copied()).collect();
        Self { is_empty: numbers.is_none(), components: numbers.unwrap_or_default(), ..Self::default() }
    }

    fn having(&mut self, number: Option<u32>) {
        self.required.extend(number);
        self.is_empty |= number.is_none();
    }

    fn excluding(&mut self, number: Option<u32>) {
        self.excluded.extend(number);
    }

    pub(super) fn matches(&self, archetype: &Archetype) -> bool {
        let has = |number: &u32| archetype.find(*number).is_some();
        !archetype.entities.is_empty() && self.components.iter().all(has) && self.filters(archetype)
    }

    /// Whether an archetype with all components that are asked for is found.
    #[inline]
    pub(super) fn filters(&self, archetype: &Archetype) -> bool {
        let has = |number: &u32| archetype.find(*number).is_some();
        !self.is_empty && self.required.iter().all(has) && !self.excluded.iter().any(has)
    }
}

/// A query that is about to run: [`iter`](Self::iter) gives what it finds.
#[derive(Debug)]
pub struct Fetch<'a, Items> {
    local: &'a Local,
    matching: Matching,
    items: std::marker::PhantomData<fn() -> Items>,
}

impl<'a, Items: Terms> Fetch<'a, Items> {
    /// Only entities that have this component as well.
    #[must_use]
    pub fn having<Type: Component>(mut self) -> Self {
        self.matching.having(self.local.by_name.get(Type::NAME).copied());
        self
    }

    /// Only entities that do not have this component.
    #[must_use]
    pub fn excluding<Type: Component>(mut self) -> Self {
        self.matching.excluding(self.local.by_name.get(Type::NAME).copied());
        self
    }

    /// The entities and their components, in the order of the arguments.
    pub fn iter(&self) -> Found<'a, Items> {
        Found::new(self.local, self.matching.clone())
    }

    /// Archetype by archetype: the entities, and a slice of each component. Of archetypes that share a value, nothing
    /// lies in memory row by row: they are left to `other`, row by row.
    pub fn chunks(
        &self,
        mut each: impl FnMut(&[Entity], Items::Slices<'a>),
        mut other: impl FnMut(Entity, Items::Item<'a>),
    ) {
        for archetype in self.local.archetypes.iter().filter(|archetype| self.matching.matches(archetype)) {
            match Items::slices(archetype) {
                Some(slices) => each(&archetype.entities, slices),
                None => Found::<Items>::of_one(self.local, archetype).for_each(|(entity, item)| other(entity, item)),
            }
        }
    }

    /// How many entities are found.
    pub fn count(&self) -> usize {
        let found = self.local.archetypes.iter().filter(|archetype| self.matching.matches(archetype));
        found.map(|archetype| archetype.entities.len()).sum()
    }
}

impl<'a, Items: Terms> IntoIterator for Fetch<'a, Items> {
    type Item = (Entity, Items::Item<'a>);
    type IntoIter = Found<'a, Items>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A query that changes what it finds, about to run.
#[derive(Debug)]
pub struct FetchMut<'a, Items> {
    local: &'a mut Local,
    matching: Matching,
    items: std::marker::PhantomData<fn() -> Items>,
}

impl<'a, Items: TermsMut> FetchMut<'a, Items> {
    /// Only entities that have this component as well.
    #[must_use]
    pub fn having<Type: Component>(mut self) -> Self {
        self.matching.having(self.local.by_name.get(Type::NAME).copied());
        self
    }

    /// Only entities that do not have this component.
    #[must_use]
    pub fn excluding<Type: Component>(mut self) -> Self {
        self.matching.excluding(self.local.by_name.get(Type::NAME).copied());
        self
    }
}

impl<'a, Items: TermsMut> IntoIterator for FetchMut<'a, Items> {
    type Item = (Entity, Items::Item<'a>);
    type IntoIter = FoundMut<'a, Items>;

    fn into_iter(self) -> Self::IntoIter {
        let Self { local, matching, .. } = self;
        local.is_touched = true;
        local.own_values::<Items>(&matching);
        FoundMut::new(&mut local.archetypes, &local.known, matching, local.now)
    }
}

impl Local {
    /// The entities with these components, in place: `select::<(&Position, &Velocity)>()?`.
    ///
    /// # Errors
    /// `Invalid` if a name is in use with other fields or by another type, or a type is not [known](Self::know) yet.
    pub fn select<Items: Terms>(&self) -> Result<Fetch<'_, Items>> {
        Items::check(self)?;
        let matching = Matching::new(self, Items::NAMES);
        Ok(Fetch { local: self, matching, items: std::marker::PhantomData })
    }

    /// The entities with these components, some to be changed: `select_mut::<(&mut Position, &Velocity)>()?`.
    ///
    /// All components that are found with `&mut` count as changed, and as their entity's own from now on.
    ///
    /// # Errors
    /// As [`select`](Self::select); `Invalid` if a component is named twice.
    pub fn select_mut<Items: TermsMut>(&mut self) -> Result<FetchMut<'_, Items>> {
        Items::know(self)?;
        let matching = Matching::new(self, Items::NAMES);
        if (1..Items::NAMES.len()).any(|place| Items::NAMES[..place].contains(&Items::NAMES[place])) {
            return Err(worldstore_core::Error::invalid("a component cannot be changed twice at once"));
        }
        Ok(FetchMut { local: self, matching, items: std::marker::PhantomData })
    }

    /// Gives entities that share a value which is to be changed values of their own.
    fn own_values<Items: TermsMut>(&mut self, matching: &Matching) {
        if self.known.iter().all(|known| known.pool.is_empty()) {
            return;
        }
        for (place, number) in matching.components.iter().enumerate() {
            if !Items::CHANGED.get(place).copied().unwrap_or_default() {
                continue;
            }
            let sharing: Vec<Entity> = self
                .archetypes
                .iter()
                .filter(|archetype| matching.matches(archetype) && is_shared(archetype, *number))
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
