//! Semi join and anti join: the rows of one side that have, or have no, partner on the other.

use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use super::join::{Presence, keys_table};
use super::keyed::{Keyed, behind_key, by_key, groups};
use crate::batch::{Batch, Erased, Slots, emit};
use crate::circuit::{self, Operator, Part, Recall, Stream, recalled};
use crate::encode;
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{Keys, Visit};
use crate::table::{Access, Table};
use crate::weight;

/// Which rows stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    WithPartner,
    WithoutPartner,
}

impl<'b, L: Row> Stream<'b, L> {
    /// Keeps the rows whose key is on the other side. A key is there if the weights of its rows sum to more than 0.
    pub fn semi_join<R: Row, K: Row>(
        self,
        name: &str,
        right: Stream<'b, R>,
        left_key: impl Fn(&L) -> K + Send + Sync + 'static,
        right_key: impl Fn(&R) -> K + Send + Sync + 'static,
    ) -> Self {
        self.semi(name, ("semi_join", Keep::WithPartner), right, left_key, right_key)
    }

    /// Keeps the rows whose key is not on the other side.
    pub fn anti_join<R: Row, K: Row>(
        self,
        name: &str,
        right: Stream<'b, R>,
        left_key: impl Fn(&L) -> K + Send + Sync + 'static,
        right_key: impl Fn(&R) -> K + Send + Sync + 'static,
    ) -> Self {
        self.semi(name, ("anti_join", Keep::WithoutPartner), right, left_key, right_key)
    }

    fn semi<R: Row, K: Row>(
        self,
        name: &str,
        (kind, keep): (&'static str, Keep),
        right: Stream<'b, R>,
        left_key: impl Fn(&L) -> K + Send + Sync + 'static,
        right_key: impl Fn(&R) -> K + Send + Sync + 'static,
    ) -> Self {
        let inputs = [self.id, self.peer(name, right)];
        let left = Table::weights(format!("{name}__left"), &[("key", Shape::of::<K>()), ("row", Shape::of::<L>())]);
        let left = left.read_by(Access::Ranges);
        let tables = [left, keys_table::<K>(name, "right_keys")];
        let marker = PhantomData::<fn(L, R) -> K>;
        self.builder.add(name, kind, &inputs, tables, |[left, keys]| Semi {
            inputs,
            left,
            keys,
            keep,
            left_key,
            right_key,
            marker,
        })
    }
}

struct Semi<L, R, K, FL, FR> {
    inputs: [usize; 2],
    left: Arc<Table>,
    keys: Arc<Table>,
    keep: Keep,
    left_key: FL,
    right_key: FR,
    marker: PhantomData<fn(L, R) -> K>,
}

impl<L, R, K, FL, FR> Operator for Semi<L, R, K, FL, FR>
where
    L: Row,
    R: Row,
    K: Row,
    FL: Fn(&L) -> K + Send + Sync,
    FR: Fn(&R) -> K + Send + Sync,
{
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let [left, right] = self.inputs;
        let mut keys = [Keys::new(), Keys::new()];
        let [left_bytes, right_bytes] = &mut keys;
        let left = by_key(slots.get::<L>(left)?, left_bytes, &self.left_key)?;
        let right = by_key(slots.get::<R>(right)?, right_bytes, &self.right_key)?;
        let presence = Presence::update(step, Some(&self.keys), &right)?;
        let mut out = Batch::new();
        let flips = presence.flips();
        let keys: Vec<_> = flips.iter().map(|(key, _)| *key).collect();
        step.scan_prefixes(&self.left, &keys, |index, entry, weight| {
            if let Some((key, appeared)) = flips.get(index) {
                let row: L = encode::decode(behind_key(entry, key))?;
                out.push((row, if self.keeps(*appeared) { weight } else { weight::minus(weight)? }));
            }
            Ok(Visit::Next)
        })?;
        let groups = groups(&left);
        for (group, present) in groups.iter().zip(presence.after(step, &self.keys, &groups)?) {
            if self.keeps(present) {
                out.extend(group.iter().map(|keyed| (keyed.row.clone(), keyed.weight)));
            }
        }
        step.append(&self.left, left.iter().map(Keyed::entry))?;
        emit(out)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        let [left, _] = self.inputs;
        if part == Part::Input(left) { recalled(&self.left, circuit::behind_key::<K, L>) } else { None }
    }
}

impl<L, R, K, FL, FR> Semi<L, R, K, FL, FR> {
    fn keeps(&self, present: bool) -> bool {
        (self.keep == Keep::WithPartner) == present
    }
}
