//! Sums by group: count, sum, average. What is kept is one value for each group, whatever its size.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use worldstore_core::{Error, Result};

use super::keyed::{Keyed, by_key, groups};
use crate::batch::{Batch, Erased, Slots, emit};
use crate::circuit::{Operator, Part, Recall, Stream};
use crate::encode;
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{Keys, Visit};
use crate::table::Table;
use crate::weight::{self, Weight};

/// Values that can be added up and taken away again: a group under addition. `None` stands for a result out of range.
///
/// Integers with a sign are, and tuples of such values. Floating-point numbers are not, see [`Real`](crate::Real).
pub trait Additive: Row {
    /// The value that changes no sum.
    fn zero() -> Self;
    /// The sum of two values.
    fn plus(&self, other: &Self) -> Option<Self>;
    /// The value added so many times.
    fn times(&self, weight: Weight) -> Option<Self>;
    /// The sum of values, each added so many times, if it is in range, whatever is on the way to it. The default puts aside
    /// what does not fit yet; where that is not enough, as for a value of several parts, sum the parts.
    fn total(terms: &[(Self, Weight)]) -> Option<Self> {
        settle(terms)
    }
}

/// Adds what fits, over and over, until all is added or nothing fits.
fn settle<A: Additive>(terms: &[(A, Weight)]) -> Option<A> {
    let mut left: Vec<A> = terms.iter().map(|(value, weight)| value.times(*weight)).collect::<Option<_>>()?;
    let mut sum = A::zero();
    while !left.is_empty() {
        let count = left.len();
        left.retain(|term| match sum.plus(term) {
            Some(next) => {
                sum = next;
                false
            }
            None => true,
        });
        if left.len() == count {
            return None;
        }
    }
    Some(sum)
}

macro_rules! additive_integers {
    ($($type:ty),+) => {
        $(impl Additive for $type {
            fn zero() -> Self {
                0
            }

            fn plus(&self, other: &Self) -> Option<Self> {
                self.checked_add(*other)
            }

            fn times(&self, weight: Weight) -> Option<Self> {
                i128::from(*self).checked_mul(i128::from(weight))?.try_into().ok()
            }

            fn total(terms: &[(Self, Weight)]) -> Option<Self> {
                let terms: Vec<_> = terms.iter().map(|(value, weight)| (i128::from(*value), *weight)).collect();
                settle(&terms)?.try_into().ok()
            }
        })+
    };
}

additive_integers!(i8, i16, i32, i64, i128);

impl Additive for () {
    fn zero() -> Self {}

    fn plus(&self, (): &Self) -> Option<Self> {
        Some(())
    }

    fn times(&self, _: Weight) -> Option<Self> {
        Some(())
    }
}

macro_rules! additive_tuples {
    ($($name:ident: $index:tt),+) => {
        impl<$($name: Additive),+> Additive for ($($name,)+) {
            fn zero() -> Self {
                ($($name::zero(),)+)
            }

            fn plus(&self, other: &Self) -> Option<Self> {
                Some(($(self.$index.plus(&other.$index)?,)+))
            }

            fn times(&self, weight: Weight) -> Option<Self> {
                Some(($(self.$index.times(weight)?,)+))
            }

            fn total(terms: &[(Self, Weight)]) -> Option<Self> {
                Some(($({
                    let terms: Vec<_> = terms.iter().map(|(value, weight)| (value.$index.clone(), *weight)).collect();
                    $name::total(&terms)?
                },)+))
            }
        }
    };
}

additive_tuples!(A: 0, B: 1);
additive_tuples!(A: 0, B: 1, C: 2);
additive_tuples!(A: 0, B: 1, C: 2, D: 3);

/// The average of whole numbers, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Average {
    /// The sum of the values.
    pub sum: i128,
    /// How many there are, never 0.
    pub count: i64,
}

impl Average {
    /// The average as a floating-point number.
    pub fn value(self) -> f64 {
        self.sum as f64 / self.count as f64
    }
}

impl<'b, T: Row> Stream<'b, T> {
    /// Counts the rows of each group. A group whose weights sum to 0 is not there.
    pub fn count<K: Row>(self, name: &str, by: impl Fn(&T) -> K + Send + Sync + 'static) -> Stream<'b, (K, i64)> {
        self.sums(name, "count", by, |_| (), |key, count, ()| (key, count))
    }

    /// Sums a value over each group. A group whose weights sum to 0 is not there.
    pub fn sum<K: Row, A: Additive>(
        self,
        name: &str,
        by: impl Fn(&T) -> K + Send + Sync + 'static,
        value: impl Fn(&T) -> A + Send + Sync + 'static,
    ) -> Stream<'b, (K, A)> {
        self.sums(name, "sum", by, value, |key, _, sum| (key, sum))
    }

    /// Averages a whole number over each group.
    pub fn average<K: Row>(
        self,
        name: &str,
        by: impl Fn(&T) -> K + Send + Sync + 'static,
        value: impl Fn(&T) -> i64 + Send + Sync + 'static,
    ) -> Stream<'b, (K, Average)> {
        let value = move |row: &T| i128::from(value(row));
        self.sums(name, "average", by, value, |key, count, sum| (key, Average { sum, count }))
    }

    /// Reduces the whole collection to the sum of a value. An empty collection has none.
    pub fn reduce<A: Additive>(self, name: &str, value: impl Fn(&T) -> A + Send + Sync + 'static) -> Stream<'b, A> {
        self.sums(name, "reduce", |_| (), value, |(), _, sum| sum)
    }

    /// Reduces each group to the sum of a value, and makes a row of it. `value` gives any [`Additive`]: a tuple for
    /// several sums at once, or a type of your own.
    pub fn group_reduce_flatten<K: Row, A: Additive, O: Row>(
        self,
        name: &str,
        by: impl Fn(&T) -> K + Send + Sync + 'static,
        value: impl Fn(&T) -> A + Send + Sync + 'static,
        make: impl Fn(&K, &A) -> O + Send + Sync + 'static,
    ) -> Stream<'b, O> {
        self.sums(name, "group_reduce", by, value, move |key, _, sum| make(&key, &sum))
    }

    fn sums<K: Row, A: Additive, O: Row>(
        self,
        name: &str,
        kind: &'static str,
        by: impl Fn(&T) -> K + Send + Sync + 'static,
        value: impl Fn(&T) -> A + Send + Sync + 'static,
        make: impl Fn(K, i64, A) -> O + Send + Sync + 'static,
    ) -> Stream<'b, O> {
        let table = Table::values(name.to_owned(), ("key", Shape::of::<K>()), ("sum", Shape::of::<Total<A>>()));
        let marker = PhantomData::<fn(T) -> (K, A)>;
        self.builder.add(name, kind, &[self.id], [table], |[table]| Sums {
            input: self.id,
            table,
            by,
            value,
            make,
            marker,
        })
    }
}

/// What is kept of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Total<A> {
    count: i64,
    value: A,
}

struct Sums<T, K, A, FK, FV, FM> {
    input: usize,
    table: Arc<Table>,
    by: FK,
    value: FV,
    make: FM,
    marker: PhantomData<fn(T) -> (K, A)>,
}

impl<T, K, A, O, FK, FV, FM> Operator for Sums<T, K, A, FK, FV, FM>
where
    T: Row,
    K: Row,
    A: Additive,
    O: Row,
    FK: Fn(&T) -> K + Send + Sync,
    FV: Fn(&T) -> A + Send + Sync,
    FM: Fn(K, i64, A) -> O + Send + Sync,
{
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let mut bytes = Keys::new();
        let keyed = by_key(slots.get::<T>(self.input)?, &mut bytes, &self.by)?;
        let groups = groups(&keyed);
        let before = step.values_of::<Total<A>>(&self.table, &super::prefixes(&groups))?;
        let zero = Total { count: 0, value: A::zero() };
        let (mut out, mut entries) = (Batch::with_capacity(2 * groups.len()), Vec::with_capacity(groups.len()));
        for (group, before) in groups.iter().zip(before) {
            let Some(first) = group.first() else {
                continue;
            };
            let before = before.unwrap_or_else(|| zero.clone());
            let after = self.advance(&before, group)?;
            if after == before {
                continue;
            }
            let row = |total: &Total<A>| (self.make)(first.key.clone(), total.count, total.value.clone());
            let gone = (before.count != 0).then(|| (row(&before), -1));
            let new = (after.count != 0).then(|| (row(&after), 1));
            // In their order, so that mostly the whole batch is.
            match (gone, new) {
                (Some(gone), Some(new)) if new < gone => out.extend([new, gone]),
                (gone, new) => out.extend(gone.into_iter().chain(new)),
            }
            entries.push((first.bytes, &first.key, (after != zero).then_some(after)));
        }
        step.put_of(&self.table, entries)?;
        emit(out)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        let recall = move |step: &mut Step<'_>| {
            let mut rows = Batch::new();
            step.scan_values(&self.table, |key, value| {
                let total: Total<A> = encode::decode(value)?;
                if total.count != 0 {
                    rows.push(((self.make)(encode::decode(key)?, total.count, total.value), 1));
                }
                Ok(Visit::Next)
            })?;
            emit(rows)
        };
        if part == Part::Output { Some(Box::new(recall)) } else { None }
    }
}

impl<T: Row, K, A: Additive, FK, FV: Fn(&T) -> A, FM> Sums<T, K, A, FK, FV, FM> {
    fn advance(&self, before: &Total<A>, group: &[Keyed<'_, K, T>]) -> Result<Total<A>> {
        let count: i128 = group.iter().map(|keyed| i128::from(keyed.weight)).sum();
        let count = weight::exact(i128::from(before.count) + count)?;
        let in_order = |sum: A, keyed: &Keyed<'_, K, T>| sum.plus(&(self.value)(keyed.row).times(keyed.weight)?);
        if let Some(value) = group.iter().try_fold(before.value.clone(), in_order) {
            return Ok(Total { count, value });
        }
        // What is added may leave the range before something is taken away.
        let changes = group.iter().map(|keyed| ((self.value)(keyed.row), keyed.weight));
        let terms: Vec<_> = std::iter::once((before.value.clone(), 1)).chain(changes).collect();
        let value = A::total(&terms).ok_or_else(|| Error::invalid("a sum leaves the range of its type"))?;
        Ok(Total { count, value })
    }
}
