//! The first rows of each group: minimum, maximum, top-k, first n.
//!
//! A step costs the changes and, for each changed group, reading its first rows before and after. Only rows with
//! positive weights count, each as often as it is there.

use std::any::TypeId;
use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use crate::batch::{Batch, Erased, Slots, Types, consolidate, emit};
use crate::circuit::{self, Kind, Operator, Part, Recall, Stream, recalled};
use crate::encode::{self, decode_prefix};
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{KeyRange, Order, Visit};
use crate::table::Table;
use crate::weight::Weight;

impl<'b, T: Row> Stream<'b, T> {
    /// The smallest value of each group.
    pub fn min<K: Row, V: Row>(
        self,
        name: &str,
        by: impl Fn(&T) -> K + Send + Sync + 'static,
        value: impl Fn(&T) -> V + Send + Sync + 'static,
    ) -> Stream<'b, (K, V)> {
        let parts = move |row: &T| (by(row), (), value(row));
        self.top(name, "min", (1, Order::Ascending), parts, |key, value| (key, value))
    }

    /// The largest value of each group.
    pub fn max<K: Row, V: Row>(
        self,
        name: &str,
        by: impl Fn(&T) -> K + Send + Sync + 'static,
        value: impl Fn(&T) -> V + Send + Sync + 'static,
    ) -> Stream<'b, (K, V)> {
        let parts = move |row: &T| (by(row), (), value(row));
        self.top(name, "max", (1, Order::Descending), parts, |key, value| (key, value))
    }

    /// The first `count` rows of each group in the order of a key, then of the row. A row that is there several times
    /// counts as often, so the weights of a group sum to `count` at most. [`Desc`](crate::Desc) turns an order around.
    pub fn top_k<K: Row, O: Row>(
        self,
        name: &str,
        count: u32,
        by: impl Fn(&T) -> K + Send + Sync + 'static,
        order: impl Fn(&T) -> O + Send + Sync + 'static,
    ) -> Self {
        let parts = move |row: &T| (by(row), order(row), row.clone());
        self.top(name, "top_k", (count, Order::Ascending), parts, |_, row| row)
    }

    /// The first `count` rows of the collection in the order of a key, then of the row; see [`top_k`](Self::top_k).
    pub fn first_n<O: Row>(self, name: &str, count: u32, order: impl Fn(&T) -> O + Send + Sync + 'static) -> Self {
        let parts = move |row: &T| ((), order(row), row.clone());
        self.top(name, "first_n", (count, Order::Ascending), parts, |(), row| row)
    }

    /// Also for groups: `parts` gives the group, the order inside, and what is kept.
    pub(super) fn top<K: Row, O: Row, V: Row, U: Row>(
        self,
        name: &str,
        kind: &'static str,
        (count, order): (u32, Order),
        parts: impl Fn(&T) -> (K, O, V) + Send + Sync + 'static,
        make: impl Fn(K, V) -> U + Send + Sync + 'static,
    ) -> Stream<'b, U> {
        let columns = [("key", Shape::of::<K>()), ("order", Shape::of::<O>()), ("row", Shape::of::<V>())];
        let table = Table::weights(name.to_owned(), &columns);
        let marker = PhantomData;
        let counted = Kind::with(kind, &[count.into()]);
        self.builder.add(name, counted, &[self.id], [table], |[table]| Top {
            input: self.id,
            table,
            count: count.into(),
            order,
            keeps_rows: matches!(kind, "top_k" | "first_n") && TypeId::of::<T>() == TypeId::of::<V>(),
            parts,
            make,
            marker,
        })
    }
}

struct Top<T, K, O, V, FP, FM> {
    input: usize,
    table: Arc<Table>,
    count: Weight,
    order: Order,
    /// Whether whole rows are kept, so that `V` is `T`, and not only values.
    keeps_rows: bool,
    parts: FP,
    make: FM,
    marker: Types<(T, K, O, V)>,
}

impl<T, K, O, V, U, FP, FM> Operator for Top<T, K, O, V, FP, FM>
where
    T: Row,
    K: Row,
    O: Row,
    V: Row,
    U: Row,
    FP: Fn(&T) -> (K, O, V) + Send + Sync,
    FM: Fn(K, V) -> U + Send + Sync,
{
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let rows = slots.get::<T>(self.input)?;
        // Different rows may have the same parts, but a key may come only once in a write.
        let parts = consolidate(rows.iter().map(|(row, weight)| ((self.parts)(row), *weight)).collect())?;
        let mut keys: Vec<(Vec<u8>, &K)> = Vec::new();
        let mut entries = Vec::with_capacity(parts.len());
        for (parts, weight) in &parts {
            let mut bytes = encode::encode(&parts.0)?;
            if keys.last().is_none_or(|(last, _)| *last != bytes) {
                keys.push((bytes.clone(), &parts.0));
            }
            encode::encode_into(&parts.1, &mut bytes)?;
            encode::encode_into(&parts.2, &mut bytes)?;
            entries.push((bytes, parts, *weight));
        }
        // Rows are in the order of their keys, which need not be that of the bytes.
        keys.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        keys.dedup_by(|left, right| left.0 == right.0);
        let mut out = Batch::new();
        self.first(step, &keys, -1, &mut out)?;
        step.add(&self.table, entries)?;
        self.first(step, &keys, 1, &mut out)?;
        emit(out)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        match part {
            Part::Input(input) if input == self.input && self.keeps_rows => {
                recalled(&self.table, circuit::behind_key::<(K, O), V>)
            }
            Part::Output => Some(Box::new(|step: &mut Step<'_>| {
                let mut keys: Vec<(Vec<u8>, K)> = Vec::new();
                step.scan(&self.table, &[KeyRange::prefix(&[])], |_, entry, _| {
                    if keys.last().is_none_or(|(last, _)| !entry.starts_with(last)) {
                        let (key, rest) = decode_prefix::<K>(entry)?;
                        keys.push((entry.get(..entry.len() - rest.len()).unwrap_or_default().to_vec(), key));
                    }
                    Ok(Visit::Next)
                })?;
                let keys: Vec<_> = keys.iter().map(|(bytes, key)| (bytes.clone(), key)).collect();
                let mut out = Batch::new();
                self.first(step, &keys, 1, &mut out)?;
                emit(out)
            })),
            Part::Input(_) => None,
        }
    }
}

impl<T, K: Row, O: Row, V: Row, FP, FM> Top<T, K, O, V, FP, FM> {
    /// Adds the first rows of each group as they are now.
    fn first<U>(&self, step: &mut Step<'_>, keys: &[(Vec<u8>, &K)], factor: Weight, out: &mut Batch<U>) -> Result<()>
    where
        FM: Fn(K, V) -> U,
    {
        if self.count == 0 {
            return Ok(());
        }
        let ranges: Vec<_> =
            keys.iter().map(|(bytes, _)| KeyRange { order: self.order, ..KeyRange::prefix(bytes) }).collect();
        let (mut current, mut left) = (usize::MAX, self.count);
        step.scan(&self.table, &ranges, |index, entry, weight| {
            if current != index {
                (current, left) = (index, self.count);
            }
            if weight <= 0 {
                return Ok(Visit::Next);
            }
            let Some((bytes, key)) = keys.get(index) else {
                return Ok(Visit::Enough);
            };
            let (_, rest) = decode_prefix::<O>(super::behind_key(entry, bytes))?;
            let taken = weight.min(left);
            out.push(((self.make)((*key).clone(), encode::decode(rest)?), taken * factor));
            left -= taken;
            Ok(if left == 0 { Visit::Enough } else { Visit::Next })
        })
    }
}
