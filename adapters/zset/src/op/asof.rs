//! As-of join: each row with the latest row of the other side that is not later.
//!
//! A change on the right concerns the rows on the left from its time to the time of the next row on the right. A step
//! costs the changes and the rows on the left that get another partner.

use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use super::keyed::{Keyed, by_key, groups};
use crate::batch::{Batch, Erased, Slots, Types, emit};
use crate::circuit::{self, Operator, Part, Recall, Stream, recalled};
use crate::encode::{self, decode_prefix};
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{KeyRange, Keys, Visit, behind};
use crate::table::Table;
use crate::weight;

impl<'b, L: Row> Stream<'b, L> {
    /// Joins each row with the row of the other side that has the same key and the latest time that is not later; of
    /// several rows at that time, the largest one. `None` if there is none. Rows on the right count if their weight is
    /// more than 0, and count once. Both functions give the key and the time of a row.
    pub fn asof_join<R: Row, K: Row, C: Row, O: Row>(
        self,
        name: &str,
        right: Stream<'b, R>,
        left_at: impl Fn(&L) -> (K, C) + Send + Sync + 'static,
        right_at: impl Fn(&R) -> (K, C) + Send + Sync + 'static,
        make: impl Fn(&L, Option<&R>) -> O + Send + Sync + 'static,
    ) -> Stream<'b, O> {
        let inputs = [self.id, self.peer(name, right)];
        let at = ("at", Shape::of::<(K, C)>());
        let tables = [
            Table::weights(format!("{name}__left"), &[at.clone(), ("row", Shape::of::<L>())]),
            Table::weights(format!("{name}__right"), &[at, ("row", Shape::of::<R>())]),
        ];
        let marker = PhantomData;
        self.builder.add(name, "asof_join", &inputs, tables, |[left, right]| Asof {
            inputs,
            left,
            right,
            left_at,
            right_at,
            make,
            marker,
        })
    }
}

struct Asof<L, R, K, C, FL, FR, F> {
    inputs: [usize; 2],
    left: Arc<Table>,
    right: Arc<Table>,
    left_at: FL,
    right_at: FR,
    make: F,
    marker: Types<(L, R, K, C)>,
}

/// A time on the right at which something changes: until when it matters, and the partner before the change.
struct Gap<R> {
    /// The encoded key and time.
    at: Vec<u8>,
    end: Option<Vec<u8>>,
    before: Option<R>,
}

impl<L, R, K, C, O, FL, FR, F> Operator for Asof<L, R, K, C, FL, FR, F>
where
    L: Row,
    R: Row,
    K: Row,
    C: Row,
    O: Row,
    FL: Fn(&L) -> (K, C) + Send + Sync,
    FR: Fn(&R) -> (K, C) + Send + Sync,
    F: Fn(&L, Option<&R>) -> O + Send + Sync,
{
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let [left, right] = self.inputs;
        let mut keys = [Keys::new(), Keys::new()];
        let [left_bytes, right_bytes] = &mut keys;
        let left = by_key(slots.get::<L>(left)?, left_bytes, &self.left_at)?;
        let right = by_key(slots.get::<R>(right)?, right_bytes, &self.right_at)?;
        let mut out = Batch::new();
        let gaps = self.gaps(step, &right)?;
        step.append(&self.right, right.iter().map(Keyed::entry))?;
        let ats: Vec<&[u8]> = gaps.iter().map(|gap| gap.at.as_slice()).collect();
        let after = self.partners(step, &ats)?;
        self.repair(step, &gaps, &after, &mut out)?;
        let groups = groups(&left);
        let ats: Vec<&[u8]> = groups.iter().map(|group| super::key_of(group)).collect();
        for (group, partner) in groups.iter().zip(self.partners(step, &ats)?) {
            out.extend(group.iter().map(|keyed| ((self.make)(keyed.row, partner.as_ref()), keyed.weight)));
        }
        step.append(&self.left, left.iter().map(Keyed::entry))?;
        emit(out)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        let [left, right] = self.inputs;
        match part {
            Part::Input(input) if input == left => recalled(&self.left, circuit::behind_key::<(K, C), L>),
            Part::Input(input) if input == right => recalled(&self.right, circuit::behind_key::<(K, C), R>),
            _ => None,
        }
    }
}

impl<L: Row, R: Row, K: Row, C: Row, FL, FR, F> Asof<L, R, K, C, FL, FR, F> {
    /// The times at which the right side changes, in order, with what was there before.
    fn gaps(&self, step: &mut Step<'_>, right: &[Keyed<'_, (K, C), R>]) -> Result<Vec<Gap<R>>> {
        let groups = groups(right);
        let ats: Vec<&[u8]> = groups.iter().map(|group| super::key_of(group)).collect();
        let before = self.partners(step, &ats)?;
        // The next row with the same key that was there; rows that change have gaps of their own.
        let mut ends: Vec<Option<Vec<u8>>> = ats.iter().map(|at| Ok(behind(self.key(at)?))).collect::<Result<_>>()?;
        let ranges: Vec<_> = ats.iter().zip(&ends).map(|(at, end)| next_to(at, end.clone())).collect();
        step.scan(&self.right, &ranges, |index, entry, weight| {
            if weight <= 0 {
                return Ok(Visit::Next);
            }
            let (_, rest) = decode_prefix::<(K, C)>(entry)?;
            if let Some(end) = ends.get_mut(index) {
                *end = entry.get(..entry.len() - rest.len()).map(<[u8]>::to_vec);
            }
            Ok(Visit::Enough)
        })?;
        let nexts = ats.iter().skip(1).map(Some).chain([None]);
        let mut gaps = Vec::with_capacity(ats.len());
        for (((at, before), mut end), next) in ats.iter().zip(before).zip(ends).zip(nexts) {
            if let Some(next) = next
                && end.as_deref().is_none_or(|end| *next < end)
            {
                end = Some(next.to_vec());
            }
            gaps.push(Gap { at: at.to_vec(), end, before });
        }
        Ok(gaps)
    }

    /// For each encoded key and time, the latest row on the right that is not later, as it is now.
    fn partners(&self, step: &mut Step<'_>, ats: &[&[u8]]) -> Result<Vec<Option<R>>> {
        let ranges = ats.iter().map(|at| {
            let range = KeyRange { start: self.key(at)?.to_vec(), end: behind(at), ..KeyRange::prefix(&[]) };
            Ok(range.descending())
        });
        let ranges: Vec<_> = ranges.collect::<Result<_>>()?;
        let mut partners = vec![None; ats.len()];
        step.scan(&self.right, &ranges, |index, entry, weight| {
            if weight <= 0 {
                return Ok(Visit::Next);
            }
            let (_, rest) = decode_prefix::<(K, C)>(entry)?;
            if let Some(partner) = partners.get_mut(index) {
                *partner = Some(encode::decode(rest)?);
            }
            Ok(Visit::Enough)
        })?;
        Ok(partners)
    }

    /// The rows that were on the left already get their new partners.
    fn repair<O>(&self, step: &mut Step<'_>, gaps: &[Gap<R>], after: &[Option<R>], out: &mut Batch<O>) -> Result<()>
    where
        F: Fn(&L, Option<&R>) -> O,
    {
        let changed = gaps.iter().zip(after).filter(|(gap, after)| gap.before != **after);
        let changed: Vec<_> = changed.collect();
        let ranges = changed.iter().map(|(gap, _)| KeyRange {
            start: gap.at.clone(),
            end: gap.end.clone(),
            ..KeyRange::prefix(&[])
        });
        let ranges: Vec<_> = ranges.collect();
        step.scan(&self.left, &ranges, |index, entry, weight| {
            let (_, rest) = decode_prefix::<(K, C)>(entry)?;
            let row: L = encode::decode(rest)?;
            if let Some((gap, after)) = changed.get(index) {
                out.push(((self.make)(&row, gap.before.as_ref()), weight::minus(weight)?));
                out.push(((self.make)(&row, after.as_ref()), weight));
            }
            Ok(Visit::Next)
        })
    }

    /// The encoded key in front of the time.
    fn key<'a>(&self, at: &'a [u8]) -> Result<&'a [u8]> {
        let (_, rest) = decode_prefix::<K>(at)?;
        Ok(before_rest(at, rest))
    }
}

/// What is behind all that begins with these bytes: nothing, if no bytes are larger.
fn next_to(at: &[u8], end: Option<Vec<u8>>) -> KeyRange {
    match behind(at) {
        Some(start) => KeyRange { start, end, ..KeyRange::prefix(&[]) },
        None => KeyRange { start: at.to_vec(), end: Some(at.to_vec()), ..KeyRange::prefix(&[]) },
    }
}

/// What was read before the rest.
fn before_rest<'a>(all: &'a [u8], rest: &[u8]) -> &'a [u8] {
    all.get(..all.len() - rest.len()).unwrap_or_default()
}
