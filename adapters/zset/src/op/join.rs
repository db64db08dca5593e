//! Joins on equal keys: inner, left and full.
//!
//! With `L` and `R` what was there before: the change of the inner join is `dL * R + (L + dL) * dR`. A step costs the
//! changes and their matches. Both sides are kept in the order of the key.

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

impl<'b, L: Row> Stream<'b, L> {
    /// Joins with the rows of another collection that have the same key; `make` makes the row for each pair. Weights are
    /// multiplied.
    pub fn join<R: Row, K: Row, O: Row>(
        self,
        name: &str,
        right: Stream<'b, R>,
        left_key: impl Fn(&L) -> K + Send + Sync + 'static,
        right_key: impl Fn(&R) -> K + Send + Sync + 'static,
        make: impl Fn(&L, &R) -> O + Send + Sync + 'static,
    ) -> Stream<'b, O> {
        let make = move |left: Option<&L>, right: Option<&R>| left.zip(right).map(|(left, right)| make(left, right));
        let inputs = [self.id, self.peer(name, right)];
        self.builder.add(name, "join", &inputs, sides::<K, L, R>(name), |[left, right]| Join {
            inputs,
            left: Side { table: left, key: left_key, keys: None, marker: PhantomData },
            right: Side { table: right, key: right_key, keys: None, marker: PhantomData },
            make,
            marker: PhantomData,
        })
    }

    /// Joins like [`join`](Self::join); a row without a partner comes with `None`, once for each time it is there,
    /// however many partners it had before. A key has partners if the weights of the rows with it sum to more than 0.
    pub fn left_join<R: Row, K: Row, O: Row>(
        self,
        name: &str,
        right: Stream<'b, R>,
        left_key: impl Fn(&L) -> K + Send + Sync + 'static,
        right_key: impl Fn(&R) -> K + Send + Sync + 'static,
        make: impl Fn(&L, Option<&R>) -> O + Send + Sync + 'static,
    ) -> Stream<'b, O> {
        let make = move |left: Option<&L>, right: Option<&R>| left.map(|left| make(left, right));
        let inputs = [self.id, self.peer(name, right)];
        let [left_table, right_table] = sides::<K, L, R>(name);
        let tables = [left_table, right_table, keys_table::<K>(name, "right_keys")];
        self.builder.add(name, "left_join", &inputs, tables, |[left, right, keys]| Join {
            inputs,
            left: Side { table: left, key: left_key, keys: None, marker: PhantomData },
            right: Side { table: right, key: right_key, keys: Some(keys), marker: PhantomData },
            make,
            marker: PhantomData,
        })
    }

    /// Joins like [`left_join`](Self::left_join) for the rows of both sides.
    pub fn outer_join<R: Row, K: Row, O: Row>(
        self,
        name: &str,
        right: Stream<'b, R>,
        left_key: impl Fn(&L) -> K + Send + Sync + 'static,
        right_key: impl Fn(&R) -> K + Send + Sync + 'static,
        make: impl Fn(Option<&L>, Option<&R>) -> O + Send + Sync + 'static,
    ) -> Stream<'b, O> {
        let make = move |left: Option<&L>, right: Option<&R>| Some(make(left, right));
        let inputs = [self.id, self.peer(name, right)];
        let [left_table, right_table] = sides::<K, L, R>(name);
        let keys = ["left_keys", "right_keys"].map(|part| keys_table::<K>(name, part));
        let [left_keys, right_keys] = keys;
        let tables = [left_table, right_table, left_keys, right_keys];
        self.builder.add(name, "outer_join", &inputs, tables, |[left, right, left_keys, right_keys]| Join {
            inputs,
            left: Side { table: left, key: left_key, keys: Some(left_keys), marker: PhantomData },
            right: Side { table: right, key: right_key, keys: Some(right_keys), marker: PhantomData },
            make,
            marker: PhantomData,
        })
    }
}

fn sides<K: Row, L: Row, R: Row>(name: &str) -> [Table; 2] {
    let key = ("key", Shape::of::<K>());
    [
        Table::weights(format!("{name}__left"), &[key.clone(), ("row", Shape::of::<L>())]).read_by(Access::Ranges),
        Table::weights(format!("{name}__right"), &[key, ("row", Shape::of::<R>())]).read_by(Access::Ranges),
    ]
}

/// A table of how many rows each key has.
pub(super) fn keys_table<K: Row>(name: &str, part: &str) -> Table {
    Table::weights(format!("{name}__{part}"), &[("key", Shape::of::<K>())]).read_by(Access::Keys)
}

struct Join<L, R, K, FL, FR, F> {
    inputs: [usize; 2],
    left: Side<L, FL>,
    right: Side<R, FR>,
    make: F,
    marker: PhantomData<fn() -> K>,
}

/// One side: its rows by key, and how many rows each key has if the other side's lonely rows are wanted.
struct Side<T, F> {
    table: Arc<Table>,
    key: F,
    keys: Option<Arc<Table>>,
    marker: PhantomData<fn(T)>,
}

impl<L, R, K, O, FL, FR, F> Operator for Join<L, R, K, FL, FR, F>
where
    L: Row,
    R: Row,
    K: Row,
    O: Row,
    FL: Fn(&L) -> K + Send + Sync,
    FR: Fn(&R) -> K + Send + Sync,
    F: Fn(Option<&L>, Option<&R>) -> Option<O> + Send + Sync,
{
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let [left, right] = self.inputs;
        let mut keys = [Keys::new(), Keys::new()];
        let [left_bytes, right_bytes] = &mut keys;
        let left = by_key(slots.get::<L>(left)?, left_bytes, &self.left.key)?;
        let right = by_key(slots.get::<R>(right)?, right_bytes, &self.right.key)?;
        let mut out = Out(Batch::new());
        let lonely_left = |row: &L| (self.make)(Some(row), None);
        let lonely_right = |row: &R| (self.make)(None, Some(row));
        // Which keys have partners must be known before either side changes, for the rows that were there already.
        let right_keys = Presence::update(step, self.right.keys.as_deref(), &right)?;
        let left_keys = Presence::update(step, self.left.keys.as_deref(), &left)?;
        self.left.flipped(step, &right_keys, &lonely_left, &mut out)?;
        self.right.flipped(step, &left_keys, &lonely_right, &mut out)?;
        self.right.matches(step, &left, |left, right| (self.make)(Some(left), Some(right)), &mut out)?;
        self.left.add(step, &left)?;
        self.left.matches(step, &right, |right, left| (self.make)(Some(left), Some(right)), &mut out)?;
        self.right.add(step, &right)?;
        right_keys.lonely(step, self.right.keys.as_deref(), &left, lonely_left, &mut out)?;
        left_keys.lonely(step, self.left.keys.as_deref(), &right, lonely_right, &mut out)?;
        emit(out.0)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        let [left, right] = self.inputs;
        match part {
            Part::Input(input) if input == left => recalled(&self.left.table, circuit::behind_key::<K, L>),
            Part::Input(input) if input == right => recalled(&self.right.table, circuit::behind_key::<K, R>),
            _ => None,
        }
    }
}

/// Rows of the result, with factors multiplied.
struct Out<O>(Batch<O>);

impl<O> Out<O> {
    fn push(&mut self, row: Option<O>, left: Weight, right: Weight) -> Result<()> {
        if let Some(row) = row {
            self.0.push((row, weight::times(left, right)?));
        }
        Ok(())
    }
}

impl<T: Row, F> Side<T, F> {
    /// Pairs changed rows of the other side with the rows here.
    fn matches<K: Row, U: Row, O>(
        &self,
        step: &mut Step<'_>,
        changed: &[Keyed<'_, K, U>],
        make: impl Fn(&U, &T) -> Option<O>,
        out: &mut Out<O>,
    ) -> Result<()> {
        let groups = groups(changed);
        step.scan_prefixes(&self.table, &prefixes(&groups), |index, entry, weight| {
            let group = groups.get(index).copied().unwrap_or_default();
            let row: T = encode::decode(behind_key(entry, key_of(group)))?;
            for other in group {
                out.push(make(other.row, &row), other.weight, weight)?;
            }
            Ok(Visit::Next)
        })
    }

    fn add<K: Row>(&self, step: &mut Step<'_>, changed: &[Keyed<'_, K, T>]) -> Result<()> {
        step.append(&self.table, changed.iter().map(Keyed::entry))
    }

    /// The rows here whose keys lost their last partner, or got a first one.
    fn flipped<O>(
        &self,
        step: &mut Step<'_>,
        partners: &Presence,
        make: &impl Fn(&T) -> Option<O>,
        out: &mut Out<O>,
    ) -> Result<()> {
        let flips = partners.flips();
        let keys: Vec<_> = flips.iter().map(|(key, _)| *key).collect();
        step.scan_prefixes(&self.table, &keys, |index, entry, weight| {
            if let Some((key, appeared)) = flips.get(index) {
                let row: T = encode::decode(behind_key(entry, key))?;
                out.push(make(&row), weight, if *appeared { -1 } else { 1 })?;
            }
            Ok(Visit::Next)
        })
    }
}

/// Which keys have rows: before and after the step, for those that changed.
#[derive(Default)]
pub(super) struct Presence {
    changed: BTreeMap<Vec<u8>, (bool, bool)>,
}

impl Presence {
    /// Adds the changes to the table of keys.
    pub(super) fn update<K: Row, T: Row>(
        step: &mut Step<'_>,
        table: Option<&Table>,
        changed: &[Keyed<'_, K, T>],
    ) -> Result<Self> {
        let Some(table) = table else {
            return Ok(Self::default());
        };
        let mut entries = Vec::new();
        for group in groups(changed) {
            let sum = group.iter().try_fold(0, |sum, keyed| weight::plus(sum, keyed.weight))?;
            if let (Some(first), true) = (group.first(), sum != 0) {
                entries.push((first.bytes.to_vec(), &first.key, sum));
            }
        }
        let changes: Vec<_> = entries.iter().map(|(bytes, _, sum)| (bytes.clone(), *sum)).collect();
        let sums = step.add(table, entries)?;
        let changed = changes.into_iter().zip(sums);
        Ok(Self { changed: changed.map(|((key, change), sum)| (key, (sum > change, sum > 0))).collect() })
    }

    /// The keys that got their first row (true) or lost their last one (false).
    pub(super) fn flips(&self) -> Vec<(&[u8], bool)> {
        let flips = self.changed.iter().filter(|(_, (before, after))| before != after);
        flips.map(|(key, (_, after))| (key.as_slice(), *after)).collect()
    }

    /// Whether the key of each group has rows after the step.
    pub(super) fn after<K, T>(
        &self,
        step: &mut Step<'_>,
        table: &Table,
        groups: &[&[Keyed<'_, K, T>]],
    ) -> Result<Vec<bool>> {
        let unknown = groups.iter().map(|group| key_of(group)).filter(|key| !self.changed.contains_key(*key));
        let unknown: Vec<Vec<u8>> = unknown.map(<[u8]>::to_vec).collect();
        let mut sums = step.weights(table, &unknown)?.into_iter();
        let after = groups.iter().map(|group| match self.changed.get(key_of(group)) {
            Some((_, after)) => *after,
            None => sums.next().is_some_and(|sum| sum > 0),
        });
        Ok(after.collect())
    }

    /// The changed rows of the other side that have no partner here.
    fn lonely<K: Row, T: Row, O>(
        &self,
        step: &mut Step<'_>,
        table: Option<&Table>,
        changed: &[Keyed<'_, K, T>],
        make: impl Fn(&T) -> Option<O>,
        out: &mut Out<O>,
    ) -> Result<()> {
        let Some(table) = table else {
            return Ok(());
        };
        let groups = groups(changed);
        for (group, has_partner) in groups.iter().zip(self.after(step, table, &groups)?) {
            if !has_partner {
                group.iter().try_for_each(|keyed| out.push(make(keyed.row), keyed.weight, 1))?;
            }
        }
        Ok(())
    }
}
