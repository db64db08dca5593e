//! Tuples of components of a query.

use std::iter::{Copied, Zip};
use std::slice;

use worldstore_core::Result;

use super::super::Local;
use super::super::archetype::Archetype;
use super::super::known::Known;
use super::matching::Spot;
use super::term::Look;
use super::{Term, TermMut};
use crate::Entity;
use crate::component::Component;

/// Entities, and for each of their components the values: all of one length. Not for implementing.
pub trait Lanes: Default {
    /// An entity and its components.
    type Item;
    /// All of them, to be gone through.
    type Rows;

    /// Row by row.
    fn zip(self) -> Self::Rows;

    /// The next row.
    fn next(rows: &mut Self::Rows) -> Option<Self::Item>;

    /// All rows, one after the other.
    fn fold<Sum>(rows: Self::Rows, first: Sum, each: impl FnMut(Sum, Self::Item) -> Sum) -> Sum;
}

/// The rows of an archetype.
pub enum Laid<Lanes> {
    /// As they lie there.
    Whole(Lanes),
    /// Each on its own, because some of its values lie elsewhere.
    OneByOne(Vec<Lanes>),
}

/// Components that are read: a tuple of up to eight `&Type`. Not for implementing.
pub trait Terms {
    /// What is found of one entity.
    type Item<'a>;
    /// What is found of one archetype.
    type Slices<'a>;
    /// The rows of one archetype.
    type Lanes<'a>: Lanes<Item = (Entity, Self::Item<'a>)>;
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
    fn lanes(archetype: &Archetype) -> Option<Self::Lanes<'_>>;

    /// All rows of an archetype, each on its own.
    fn one_by_one<'a>(local: &'a Local, archetype: &'a Archetype) -> Vec<Self::Lanes<'a>>;
}

/// Components that are read or changed: a tuple of up to eight `&Type` and `&mut Type`. Not for implementing.
pub trait TermsMut {
    /// What is found of one entity.
    type Item<'a>;
    /// The rows of one archetype.
    type Lanes<'a>: Lanes<Item = (Entity, Self::Item<'a>)>;
    /// The types of the components.
    type Types: 'static;
    /// The names of the components.
    const NAMES: &'static [&'static str];
    /// Which of them are changed.
    const CHANGED: &'static [bool];

    /// Makes all known.
    ///
    /// # Errors
    /// Those of [`Local::know`].
    fn know(local: &mut Local) -> Result<()>;

    /// All rows of an archetype.
    fn lanes<'a>(
        archetype: &'a mut Archetype,
        spot: &Spot,
        known: &'a [Known],
        now: u64,
    ) -> Option<Laid<Self::Lanes<'a>>>;
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
        $(impl<'a, $($type: IntoIterator + Default),+> Lanes for (&'a [Entity], ($($type,)+)) {
            type Item = (Entity, ($($type::Item,)+));
            type Rows = zipped!(Copied<slice::Iter<'a, Entity>> $(, $type::IntoIter)+);

            #[inline]
            fn zip(self) -> Self::Rows {
                let (entities, ($($value,)+)) = self;
                zip!(entities.iter().copied() $(, $value)+)
            }

            #[inline]
            fn next(rows: &mut Self::Rows) -> Option<Self::Item> {
                rows.next().map(|nested!(entity $(, $value)+)| (entity, ($($value,)+)))
            }

            #[inline]
            fn fold<Sum>(rows: Self::Rows, first: Sum, mut each: impl FnMut(Sum, Self::Item) -> Sum) -> Sum {
                rows.fold(first, |sum, nested!(entity $(, $value)+)| each(sum, (entity, ($($value,)+))))
            }
        }

        impl<$($type: Component),+> Terms for ($(&$type,)+) {
            type Item<'a> = ($(&'a $type,)+);
            type Slices<'a> = ($(&'a [$type],)+);
            type Lanes<'a> = (&'a [Entity], Self::Slices<'a>);
            const NAMES: &'static [&'static str] = &[$(<&$type as Term>::Type::NAME),+];

            fn check(local: &Local) -> Result<()> {
                $(local.readable::<$type>()?;)+
                Ok(())
            }

            fn slices(archetype: &Archetype) -> Option<Self::Slices<'_>> {
                Some(($(archetype.typed::<$type>()?,)+))
            }

            fn lanes(archetype: &Archetype) -> Option<Self::Lanes<'_>> {
                Some((&archetype.entities[..], Self::slices(archetype)?))
            }

            fn one_by_one<'a>(local: &'a Local, archetype: &'a Archetype) -> Vec<Self::Lanes<'a>> {
                $(
                    let number = local.by_name.get($type::NAME).copied();
                    let $value = number.and_then(|number| Look::<$type>::new(&local.known, archetype, number));
                    let Some($value) = $value else { return Vec::new() };
                )+
                let rows = archetype.entities.iter().enumerate();
                let one = |(row, entity)| Some((slice::from_ref(entity), ($(slice::from_ref($value.get(row)?),)+)));
                rows.filter_map(one).collect()
            }
        }

        impl<$($type: TermMut),+> TermsMut for ($($type,)+) {
            type Item<'a> = ($($type::Item<'a>,)+);
            type Lanes<'a> = (&'a [Entity], ($($type::Lane<'a>,)+));
            type Types = ($($type::Type,)+);
            const NAMES: &'static [&'static str] = &[$($type::Type::NAME),+];
            const CHANGED: &'static [bool] = &[$($type::IS_CHANGED),+];

            fn know(local: &mut Local) -> Result<()> {
                $(local.know::<$type::Type>()?;)+
                Ok(())
            }

            #[inline]
            fn lanes<'a>(
                archetype: &'a mut Archetype,
                spot: &Spot,
                known: &'a [Known],
                now: u64,
            ) -> Option<Laid<Self::Lanes<'a>>> {
                let columns = [$(spot.columns[$place] as usize),+];
                let Archetype { entities, columns: stores, slots, .. } = archetype;
                let stores = stores.get_disjoint_mut(columns).ok()?;
                let is_own = stores.iter().all(|store| store.is_own());
                let [$($value),+] = stores;
                if is_own {
                    return Some(Laid::Whole((&entities[..], ($($type::lane($value, now)?,)+))));
                }
                $(
                    let number = slots.get(columns[$place])?.component;
                    let $value = $type::collect($value, &*known.get(number as usize)?.pool.values, now);
                )+
                let rows = zip!(entities.iter() $(, $value)+);
                let one = |nested!(entity $(, $value)+)| (slice::from_ref(entity), ($($type::one($value),)+));
                Some(Laid::OneByOne(rows.map(one).collect()))
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
