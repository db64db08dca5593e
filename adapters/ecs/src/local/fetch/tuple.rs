//! Tuples of components of a query, and what they find.

use std::iter::{Copied, Zip};
use std::{slice, vec};

use worldstore_core::Result;

use super::super::Local;
use super::super::archetype::{Archetype, Store};
use super::super::known::Known;
use super::term::Look;
use super::{Matching, Term, TermMut};
use crate::Entity;
use crate::component::Component;

/// Components that are read: a tuple of up to eight `&Type`. Not for implementing.
pub trait Terms {
    /// What is found of one entity.
    type Item<'a>;
    /// What is found of one archetype.
    type Slices<'a>;
    /// The rows of one archetype.
    type Rows<'a>;
    /// The names of the components.
    const NAMES: &'static [&'static str];

    /// Looks whether all can be read in place.
    ///
    /// # Errors
    /// Those of [`Local::select`].
    fn check(local: &Local) -> Result<()>;

    /// All rows of an archetype, if none are shared.
    fn slices(archetype: &Archetype) -> Option<Self::Slices<'_>>;

    /// All rows of an archetype, if none are shared.
    fn rows(archetype: &Archetype) -> Option<Self::Rows<'_>>;

    /// No rows.
    fn none<'a>() -> Self::Rows<'a>;

    /// The next row.
    fn next<'a>(rows: &mut Self::Rows<'a>) -> Option<(Entity, Self::Item<'a>)>;

    /// All rows, one after the other.
    fn fold<'a, Sum>(rows: Self::Rows<'a>, first: Sum, each: impl FnMut(Sum, (Entity, Self::Item<'a>)) -> Sum) -> Sum;

    /// All rows of an archetype, one by one.
    fn collect<'a>(local: &'a Local, archetype: &'a Archetype) -> Vec<(Entity, Self::Item<'a>)>;
}

/// The rows of an archetype: as they lie there, or one by one.
pub type Laid<Rows, Item> = Result<Rows, Vec<(Entity, Item)>>;

/// Components that are read or changed: a tuple of up to eight `&Type` and `&mut Type`. Not for implementing.
pub trait TermsMut {
    /// What is found of one entity.
    type Item<'a>;
    /// The rows of one archetype.
    type Rows<'a>;
    /// The names of the components.
    const NAMES: &'static [&'static str];
    /// Which of them are changed.
    const CHANGED: &'static [bool];

    /// Makes all known.
    ///
    /// # Errors
    /// Those of [`Local::know`].
    fn know(local: &mut Local) -> Result<()>;

    /// All rows of an archetype that matches, as they lie there or one by one. None if it does not.
    fn rows<'a>(
        archetype: &'a mut Archetype,
        known: &'a [Known],
        matching: &Matching,
        now: u64,
    ) -> Option<Laid<Self::Rows<'a>, Self::Item<'a>>>;

    /// No rows.
    fn none<'a>() -> Self::Rows<'a>;

    /// The next row.
    fn next<'a>(rows: &mut Self::Rows<'a>) -> Option<(Entity, Self::Item<'a>)>;

    /// All rows, one after the other.
    fn fold<'a, Sum>(rows: Self::Rows<'a>, first: Sum, each: impl FnMut(Sum, (Entity, Self::Item<'a>)) -> Sum) -> Sum;
}

/// What a query finds.
pub struct Found<'a, Items: Terms> {
    local: &'a Local,
    matching: Option<Matching>,
    archetypes: slice::Iter<'a, Archetype>,
    // On their own, and never lent while the loop runs: so they stay in registers.
    rows: Items::Rows<'a>,
    others: vec::IntoIter<(Entity, Items::Item<'a>)>,
}

impl<'a, Items: Terms> Found<'a, Items> {
    pub(super) fn new(local: &'a Local, matching: Matching) -> Self {
        let others = Vec::new().into_iter();
        Self { local, matching: Some(matching), archetypes: local.archetypes.iter(), rows: Items::none(), others }
    }

    /// The rows of one archetype.
    pub(super) fn of_one(local: &'a Local, archetype: &'a Archetype) -> Self {
        let others = Items::collect(local, archetype).into_iter();
        Self { local, matching: None, archetypes: [].iter(), rows: Items::none(), others }
    }
}

/// The rows of the next archetype.
#[cold]
fn next_archetype<'a, Items: Terms>(
    local: &'a Local,
    matching: &Option<Matching>,
    archetypes: &mut slice::Iter<'a, Archetype>,
) -> Option<Laid<Items::Rows<'a>, Items::Item<'a>>> {
    let matching = matching.as_ref()?;
    let archetype = archetypes.find(|archetype| matching.matches(archetype))?;
    Some(Items::rows(archetype).ok_or_else(|| Items::collect(local, archetype)))
}

impl<'a, Items: Terms> Iterator for Found<'a, Items> {
    type Item = (Entity, Items::Item<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = Items::next(&mut self.rows) {
                return Some(found);
            }
            if let Some(found) = self.others.next() {
                return Some(found);
            }
            match next_archetype::<Items>(self.local, &self.matching, &mut self.archetypes)? {
                Ok(rows) => self.rows = rows,
                Err(others) => self.others = others.into_iter(),
            }
        }
    }

    #[inline]
    fn fold<Sum, Each: FnMut(Sum, Self::Item) -> Sum>(mut self, first: Sum, mut each: Each) -> Sum {
        let mut sum = Items::fold(self.rows, first, &mut each);
        sum = self.others.fold(sum, &mut each);
        while let Some(laid) = next_archetype::<Items>(self.local, &self.matching, &mut self.archetypes) {
            sum = match laid {
                Ok(rows) => Items::fold(rows, sum, &mut each),
                Err(others) => others.into_iter().fold(sum, &mut each),
            };
        }
        sum
    }
}

/// What a query finds that changes it.
pub struct FoundMut<'a, Items: TermsMut> {
    known: &'a [Known],
    matching: Matching,
    now: u64,
    archetypes: slice::IterMut<'a, Archetype>,
    // As in `Found`.
    rows: Items::Rows<'a>,
    others: vec::IntoIter<(Entity, Items::Item<'a>)>,
}

impl<'a, Items: TermsMut> FoundMut<'a, Items> {
    pub(super) fn new(archetypes: &'a mut [Archetype], known: &'a [Known], matching: Matching, now: u64) -> Self {
        let (rows, others) = (Items::none(), Vec::new().into_iter());
        Self { known, matching, now, archetypes: archetypes.iter_mut(), rows, others }
    }
}

/// The rows of the next archetype.
#[cold]
fn next_archetype_mut<'a, Items: TermsMut>(
    known: &'a [Known],
    matching: &Matching,
    now: u64,
    archetypes: &mut slice::IterMut<'a, Archetype>,
) -> Option<Laid<Items::Rows<'a>, Items::Item<'a>>> {
    archetypes.find_map(|archetype| Items::rows(archetype, known, matching, now))
}

impl<'a, Items: TermsMut> Iterator for FoundMut<'a, Items> {
    type Item = (Entity, Items::Item<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = Items::next(&mut self.rows) {
                return Some(found);
            }
            if let Some(found) = self.others.next() {
                return Some(found);
            }
            match next_archetype_mut::<Items>(self.known, &self.matching, self.now, &mut self.archetypes)? {
                Ok(rows) => self.rows = rows,
                Err(others) => self.others = others.into_iter(),
            }
        }
    }

    #[inline]
    fn fold<Sum, Each: FnMut(Sum, Self::Item) -> Sum>(mut self, first: Sum, mut each: Each) -> Sum {
        let mut sum = Items::fold(self.rows, first, &mut each);
        sum = self.others.fold(sum, &mut each);
        while let Some(laid) = next_archetype_mut::<Items>(self.known, &self.matching, self.now, &mut self.archetypes) {
            sum = match laid {
                Ok(rows) => Items::fold(rows, sum, &mut each),
                Err(others) => others.into_iter().fold(sum, &mut each),
            };
        }
        sum
    }
}

/// The type of iterators zipped one onto another.
macro_rules! zipped {
    ($base:ty) => { $base };
    ($base:ty, $first:ty $(, $rest:ty)*) => { zipped!(Zip<$base, $first> $(, $rest)*) };
}

/// Iterators zipped one onto another.
macro_rules! zip {
    ($base:expr) => { $base };
    ($base:expr, $first:expr $(, $rest:expr)*) => { zip!($base.zip($first) $(, $rest)*) };
}

/// The pattern of what zipped iterators give.
macro_rules! nested {
    ($base:pat) => { $base };
    ($base:pat, $first:ident $(, $rest:ident)*) => { nested!(($base, $first) $(, $rest)*) };
}

macro_rules! tuples {
    ($($count:literal ($($type:ident $value:ident $place:tt),+))+) => {
        $(impl<$($type: Component),+> Terms for ($(&$type,)+) {
            type Item<'a> = ($(&'a $type,)+);
            type Slices<'a> = ($(&'a [$type],)+);
            type Rows<'a> = zipped!(Copied<slice::Iter<'a, Entity>> $(, slice::Iter<'a, $type>)+);
            const NAMES: &'static [&'static str] = &[$(<&$type as Term>::Type::NAME),+];

            fn check(local: &Local) -> Result<()> {
                $(local.readable::<$type>()?;)+
                Ok(())
            }

            fn slices(archetype: &Archetype) -> Option<Self::Slices<'_>> {
                Some(($(archetype.typed::<$type>()?,)+))
            }

            fn rows(archetype: &Archetype) -> Option<Self::Rows<'_>> {
                $(let $value = archetype.typed::<$type>()?.iter();)+
                Some(zip!(archetype.entities.iter().copied() $(, $value)+))
            }

            #[inline]
            fn none<'a>() -> Self::Rows<'a> {
                zip!(<&[Entity]>::default().iter().copied() $(, <&[$type]>::default().iter())+)
            }

            #[inline]
            fn next<'a>(rows: &mut Self::Rows<'a>) -> Option<(Entity, Self::Item<'a>)> {
                rows.next().map(|nested!(entity $(, $value)+)| (entity, ($($value,)+)))
            }

            #[inline]
            fn fold<'a, Sum>(
                rows: Self::Rows<'a>,
                first: Sum,
                mut each: impl FnMut(Sum, (Entity, Self::Item<'a>)) -> Sum,
            ) -> Sum {
                rows.fold(first, |sum, nested!(entity $(, $value)+)| each(sum, (entity, ($($value,)+))))
            }

            fn collect<'a>(local: &'a Local, archetype: &'a Archetype) -> Vec<(Entity, Self::Item<'a>)> {
                $(
                    let number = local.by_name.get($type::NAME).copied();
                    let $value = number.and_then(|number| Look::<$type>::new(&local.known, archetype, number));
                    let Some($value) = $value else { return Vec::new() };
                )+
                let rows = archetype.entities.iter().enumerate();
                rows.filter_map(|(row, entity)| Some((*entity, ($($value.get(row)?,)+)))).collect()
            }
        }

        impl<$($type: TermMut),+> TermsMut for ($($type,)+) {
            type Item<'a> = ($($type::Item<'a>,)+);
            type Rows<'a> = zipped!(Copied<slice::Iter<'a, Entity>> $(, $type::Iter<'a>)+);
            const NAMES: &'static [&'static str] = &[$($type::Type::NAME),+];
            const CHANGED: &'static [bool] = &[$($type::IS_CHANGED),+];

            fn know(local: &mut Local) -> Result<()> {
                $(local.know::<$type::Type>()?;)+
                Ok(())
            }

            fn rows<'a>(
                archetype: &'a mut Archetype,
                known: &'a [Known],
                matching: &Matching,
                now: u64,
            ) -> Option<Laid<Self::Rows<'a>, Self::Item<'a>>> {
                let numbers = &matching.components;
                let columns = [$(archetype.find(*numbers.get($place)?)?),+];
                if archetype.entities.is_empty() || !matching.filters(archetype) {
                    return None;
                }
                let is_own = columns.iter().all(|column| archetype.columns.get(*column).is_some_and(Store::is_own));
                let entities = archetype.entities.iter().copied();
                let [$($value),+] = archetype.columns.get_disjoint_mut(columns).ok()?;
                if is_own {
                    $(let $value = $type::iter($value, now)?;)+
                    return Some(Ok(zip!(entities $(, $value)+)));
                }
                $(
                    let pool = known.get(*numbers.get($place)? as usize)?;
                    let $value = $type::collect($value, &*pool.pool.values, now);
                )+
                let rows = zip!(entities $(, $value)+);
                Some(Err(rows.map(|nested!(entity $(, $value)+)| (entity, ($($value,)+))).collect()))
            }

            #[inline]
            fn none<'a>() -> Self::Rows<'a> {
                zip!(<&[Entity]>::default().iter().copied() $(, $type::Iter::default())+)
            }

            #[inline]
            fn next<'a>(rows: &mut Self::Rows<'a>) -> Option<(Entity, Self::Item<'a>)> {
                rows.next().map(|nested!(entity $(, $value)+)| (entity, ($($value,)+)))
            }

            #[inline]
            fn fold<'a, Sum>(
                rows: Self::Rows<'a>,
                first: Sum,
                mut each: impl FnMut(Sum, (Entity, Self::Item<'a>)) -> Sum,
            ) -> Sum {
                rows.fold(first, |sum, nested!(entity $(, $value)+)| each(sum, (entity, ($($value,)+))))
            }
        })+
    };
}

tuples! {
    1 (A a 0)
    2 (A a 0, B b 1)
    3 (A a 0, B b 1, C c 2)
    4 (A a 0, B b 1, C c 2, D d 3)
    5 (A a 0, B b 1, C c 2, D d 3, E e 4)
    6 (A a 0, B b 1, C c 2, D d 3, E e 4, F f 5)
    7 (A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6)
    8 (A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7)
}
