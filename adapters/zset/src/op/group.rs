//! Any function of a group.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use super::keyed::{Keyed, behind_key, by_key, groups, key_of, prefixes};
use crate::batch::{Batch, Erased, Slots, emit};
use crate::circuit::{self, Operator, Part, Recall, Stream, recalled};
use crate::encode;
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{Keys, Visit};
use crate::table::{Access, Table};
use crate::weight::{self, Weight};

impl<'b, T: Row> Stream<'b, T> {
    /// Turns each group into rows by any function of all its rows, which come in their order with their weights.
    ///
    /// A step costs the whole of each group that changes, because the function must see it. For sums, extremes and first
    /// rows use the operators that need not.
    pub fn aggregate<K: Row, O: Row, I: IntoIterator<Item = O>>(
        self,
        name: &str,
        by: impl Fn(&T) -> K + Send + Sync + 'static,
        f: impl Fn(&K, &[(T, Weight)]) -> I + Send + Sync + 'static,
    ) -> Stream<'b, O> {
        let table = Table::weights(name.to_owned(), &[("key", Shape::of::<K>()), ("row", Shape::of::<T>())]);
        let table = table.read_by(Access::Ranges);
        let marker = PhantomData::<fn(T) -> K>;
        self.builder.add(name, "aggregate", &[self.id], [table], |[table]| Group {
            input: self.id,
            table,
            by,
            f: move |key: &K, rows: &[(T, Weight)]| f(key, rows).into_iter().collect::<Vec<O>>(),
            marker,
        })
    }
}

struct Group<T, K, FK, F> {
    input: usize,
    table: Arc<Table>,
    by: FK,
    f: F,
    marker: PhantomData<fn(T) -> K>,
}

impl<T, K, O, FK, F> Operator for Group<T, K, FK, F>
where
    T: Row,
    K: Row,
    O: Row,
    FK: Fn(&T) -> K + Send + Sync,
    F: Fn(&K, &[(T, Weight)]) -> Vec<O> + Send + Sync,
{
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let mut bytes = Keys::new();
        let keyed = by_key(slots.get::<T>(self.input)?, &mut bytes, &self.by)?;
        let groups = groups(&keyed);
        // By the encoded row, so that the function sees the order of the table.
        let mut members: Vec<BTreeMap<Vec<u8>, (T, Weight)>> = vec![BTreeMap::new(); groups.len()];
        step.scan_prefixes(&self.table, &prefixes(&groups), |index, entry, weight| {
            let bytes = behind_key(entry, groups.get(index).map_or(&[], |group| key_of(group)));
            if let Some(rows) = members.get_mut(index) {
                rows.insert(bytes.to_vec(), (encode::decode(bytes)?, weight));
            }
            Ok(Visit::Next)
        })?;
        let mut out = Batch::new();
        for (group, mut members) in groups.iter().zip(members) {
            let Some(key) = group.first().map(|first| &first.key) else {
                continue;
            };
            self.evaluate(key, &members, -1, &mut out);
            for keyed in *group {
                let member = members.entry(encode::encode(keyed.row)?).or_insert_with(|| (keyed.row.clone(), 0));
                member.1 = weight::plus(member.1, keyed.weight)?;
            }
            members.retain(|_, (_, weight)| *weight != 0);
            self.evaluate(key, &members, 1, &mut out);
        }
        step.append(&self.table, keyed.iter().map(Keyed::entry))?;
        emit(out)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        if part == Part::Input(self.input) { recalled(&self.table, circuit::behind_key::<K, T>) } else { None }
    }
}

impl<T: Row, K, FK, F> Group<T, K, FK, F> {
    /// Adds what the function makes of a group; an empty group makes nothing.
    fn evaluate<O>(&self, key: &K, members: &BTreeMap<Vec<u8>, (T, Weight)>, factor: Weight, out: &mut Batch<O>)
    where
        F: Fn(&K, &[(T, Weight)]) -> Vec<O>,
    {
        if !members.is_empty() {
            let rows: Vec<(T, Weight)> = members.values().cloned().collect();
            out.extend((self.f)(key, &rows).into_iter().map(|row| (row, factor)));
        }
    }
}
