//! Joins inside: pairs meet in the later one of their iterations.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use super::Inner;
use super::run::{Agenda, Inside};
use crate::batch::{Batch, Erased, Slots, Types, emit};
use crate::encode::{self, decode_prefix};
use crate::op::{Keyed, behind_key, by_key, groups, key_of, prefixes};
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{Keys, Visit};
use crate::table::{Access, Table};
use crate::weight;

impl<'s, L: Row> Inner<'s, L> {
    /// Joins with the rows of another collection that have the same key.
    pub fn join<R: Row, K: Row, O: Row>(
        self,
        name: &str,
        right: Inner<'s, R>,
        left_key: impl Fn(&L) -> K + Send + Sync + 'static,
        right_key: impl Fn(&R) -> K + Send + Sync + 'static,
        make: impl Fn(&L, &R) -> O + Send + Sync + 'static,
    ) -> Inner<'s, O> {
        let inputs = [self.id, self.peer(name, right)];
        let key = ("key", Shape::of::<K>());
        let iteration = ("iteration", Shape::Integer);
        let tables = [
            Table::weights(format!("{name}__left"), &[key.clone(), ("row", Shape::of::<L>()), iteration.clone()]),
            Table::weights(format!("{name}__right"), &[key, ("row", Shape::of::<R>()), iteration]),
        ]
        .map(|table| table.read_by(Access::Ranges));
        let marker = PhantomData;
        self.scope.add_named(name, "join", inputs.to_vec(), tables, |[left, right]| Join {
            inputs,
            left,
            right,
            left_key,
            right_key,
            make,
            marker,
        })
    }

    /// Keeps the rows whose key is on the other side.
    ///
    /// Adds two operators, the second one named with `_keys` behind: the set of keys.
    pub fn semi_join<R: Row, K: Row>(
        self,
        name: &str,
        right: Inner<'s, R>,
        left_key: impl Fn(&L) -> K + Send + Sync + 'static,
        right_key: impl Fn(&R) -> K + Send + Sync + 'static,
    ) -> Self {
        let keys = right.distinct_by(&format!("{name}_keys"), right_key);
        self.join(name, keys, left_key, K::clone, |row, _| row.clone())
    }
}

struct Join<L, R, K, O, FL, FR, F> {
    inputs: [usize; 2],
    left: Arc<Table>,
    right: Arc<Table>,
    left_key: FL,
    right_key: FR,
    make: F,
    marker: Types<(L, R, K, O)>,
}

impl<L, R, K, O, FL, FR, F> Inside for Join<L, R, K, O, FL, FR, F>
where
    L: Row,
    R: Row,
    K: Row,
    O: Row,
    FL: Fn(&L) -> K + Send + Sync,
    FR: Fn(&R) -> K + Send + Sync,
    F: Fn(&L, &R) -> O + Send + Sync,
{
    /// Rows for later iterations.
    type Notes = BTreeMap<u32, Batch<O>>;

    fn iterate(
        &self,
        at: u32,
        slots: &Slots,
        later: &mut Self::Notes,
        agenda: &mut Agenda,
        step: &mut Step<'_>,
    ) -> Result<Option<Erased>> {
        let [left, right] = self.inputs;
        let mut keys = [Keys::new(), Keys::new()];
        let [left_bytes, right_bytes] = &mut keys;
        let left = by_key(slots.get::<L>(left)?, left_bytes, &self.left_key)?;
        let right = by_key(slots.get::<R>(right)?, right_bytes, &self.right_key)?;
        let mut now = later.remove(&at).unwrap_or_default();
        let mut put = |when: u32, row: O, weight: i64| {
            if when == at {
                now.push((row, weight));
            } else {
                agenda.add(when);
                later.entry(when).or_default().push((row, weight));
            }
        };
        matches(at, step, &self.right, &left, |when, left, right, weight| {
            put(when, (self.make)(left, right), weight);
        })?;
        keep(at, step, &self.left, &left)?;
        matches(at, step, &self.left, &right, |when, right, left, weight| {
            put(when, (self.make)(left, right), weight);
        })?;
        keep(at, step, &self.right, &right)?;
        emit(now)
    }
}

/// Pairs changed rows with those of the other side, of all iterations.
fn matches<K: Row, T: Row, U: Row>(
    at: u32,
    step: &mut Step<'_>,
    table: &Table,
    changed: &[Keyed<'_, K, U>],
    mut found: impl FnMut(u32, &U, &T, i64),
) -> Result<()> {
    let groups = groups(changed);
    step.scan_prefixes(table, &prefixes(&groups), |index, entry, weight| {
        let group = groups.get(index).copied().unwrap_or_default();
        let (row, rest) = decode_prefix::<T>(behind_key(entry, key_of(group)))?;
        let when = at.max(encode::decode(rest)?);
        for other in group {
            found(when, other.row, &row, weight::times(other.weight, weight)?);
        }
        Ok(Visit::Next)
    })
}

fn keep<K: Row, T: Row>(at: u32, step: &mut Step<'_>, table: &Table, changed: &[Keyed<'_, K, T>]) -> Result<()> {
    let entries = changed.iter().map(|keyed| {
        let (write, (key, row), weight) = keyed.entry();
        let write = move |out: &mut Vec<u8>| {
            write(out)?;
            encode::encode_into(&at, out)
        };
        (write, (key, row, at), weight)
    });
    step.append(table, entries)
}
