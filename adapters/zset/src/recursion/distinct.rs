//! Sets inside: a row belongs to the set from the first iteration on in which its weight is more than 0.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use super::Inner;
use super::run::{Agenda, Inside};
use crate::batch::{Batch, Erased, Slots, consolidate, emit};
use crate::encode;
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{KeyRange, Visit};
use crate::table::Table;
use crate::weight::{self, Weight};

impl<'s, T: Row> Inner<'s, T> {
    /// Makes a set of the rows.
    pub fn distinct(self, name: &str) -> Self {
        self.distinct_by(name, T::clone)
    }

    /// Makes a set of what the function makes of the rows.
    pub(super) fn distinct_by<U: Row>(self, name: &str, f: impl Fn(&T) -> U + Send + Sync + 'static) -> Inner<'s, U> {
        let input = self.id;
        self.scope.add_named(name, "distinct", vec![input], [table::<U>(name)], |[table]| Distinct {
            input,
            table,
            f,
            marker: PhantomData::<fn(T) -> U>,
        })
    }

    /// The set that closes the loop; it bears the name of the recursion.
    pub(super) fn close(self, name: &str) -> Self {
        let input = self.id;
        self.scope.add(name, "fixpoint", vec![input], [table::<T>(name)], |[table]| Distinct {
            input,
            table,
            f: T::clone,
            marker: PhantomData::<fn(T) -> T>,
        })
    }
}

fn table<T: Row>(name: &str) -> Table {
    Table::weights(name.to_owned(), &[("", Shape::of::<T>()), ("iteration", Shape::Integer)])
}

struct Distinct<T, U, F> {
    input: usize,
    table: Arc<Table>,
    f: F,
    marker: PhantomData<fn(T) -> U>,
}

/// What is known of the rows that changed in this step, by their encodings.
pub(super) struct Changed<T> {
    rows: BTreeMap<Vec<u8>, Profile<T>>,
    /// The rows that must be looked at in later iterations.
    due: BTreeMap<u32, BTreeSet<Vec<u8>>>,
}

impl<T> Default for Changed<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), due: BTreeMap::new() }
    }
}

/// The weights of a row by the iterations in which they came.
struct Profile<T> {
    row: T,
    before: Vec<(u32, Weight)>,
    change: Vec<(u32, Weight)>,
}

impl<T> Profile<T> {
    /// By how much the row's place in the set changes in one iteration, because of this step.
    fn correction(&self, at: u32) -> Result<Weight> {
        let before = joins(self.before.iter(), at)?;
        let after = joins(self.before.iter().chain(&self.change), at)?;
        Ok(after - before)
    }
}

/// 1 if a row joins the set in an iteration, -1 if it leaves, otherwise 0.
fn joins<'p>(weights: impl Iterator<Item = &'p (u32, Weight)>, at: u32) -> Result<Weight> {
    let (mut earlier, mut until) = (0, 0);
    for (iteration, weight) in weights.filter(|(iteration, _)| *iteration <= at) {
        until = weight::plus(until, *weight)?;
        if *iteration < at {
            earlier = weight::plus(earlier, *weight)?;
        }
    }
    Ok(Weight::from(until > 0) - Weight::from(earlier > 0))
}

impl<T: Row, U: Row, F: Fn(&T) -> U + Send + Sync> Inside for Distinct<T, U, F> {
    type Notes = Changed<U>;

    fn iterate(
        &self,
        at: u32,
        slots: &Slots,
        changed: &mut Changed<U>,
        agenda: &mut Agenda,
        step: &mut Step<'_>,
    ) -> Result<Option<Erased>> {
        let rows = slots.get::<T>(self.input)?.iter().map(|(row, weight)| ((self.f)(row), *weight));
        let rows = consolidate(rows.collect())?;
        let mut touched = changed.due.remove(&at).unwrap_or_default();
        let mut fresh = Vec::new();
        for (row, weight) in rows {
            let bytes = encode::encode(&row)?;
            let profile = changed.rows.entry(bytes.clone()).or_insert_with(|| {
                fresh.push(bytes.clone());
                Profile { row, before: Vec::new(), change: Vec::new() }
            });
            profile.change.push((at, weight));
            touched.insert(bytes);
        }
        self.recall(at, step, &fresh, changed, agenda)?;
        let mut out = Batch::new();
        for bytes in touched {
            if let Some(profile) = changed.rows.get(&bytes) {
                out.push((profile.row.clone(), profile.correction(at)?));
            }
        }
        emit(out)
    }

    fn finish(&self, changed: &mut Changed<U>, step: &mut Step<'_>) -> Result<()> {
        let mut entries = Vec::new();
        for (bytes, profile) in &changed.rows {
            for (iteration, weight) in &profile.change {
                let mut bytes = bytes.clone();
                encode::encode_into(iteration, &mut bytes)?;
                entries.push((bytes, (&profile.row, *iteration), *weight));
            }
        }
        step.add(&self.table, entries).map(|_| ())
    }
}

impl<T, U: Row, F> Distinct<T, U, F> {
    /// Reads the weights of rows that change for the first time in this step. Later iterations in which they have weights
    /// must look at them again.
    fn recall(
        &self,
        at: u32,
        step: &mut Step<'_>,
        fresh: &[Vec<u8>],
        changed: &mut Changed<U>,
        agenda: &mut Agenda,
    ) -> Result<()> {
        let ranges: Vec<_> = fresh.iter().map(|bytes| KeyRange::prefix(bytes)).collect();
        step.scan(&self.table, &ranges, |index, entry, weight| {
            let Some(bytes) = fresh.get(index) else {
                return Ok(Visit::Enough);
            };
            let iteration: u32 = encode::decode(entry.get(bytes.len()..).unwrap_or_default())?;
            if let Some(profile) = changed.rows.get_mut(bytes) {
                profile.before.push((iteration, weight));
            }
            if iteration > at {
                changed.due.entry(iteration).or_default().insert(bytes.clone());
                agenda.add(iteration);
            }
            Ok(Visit::Next)
        })
    }
}
