//! Sets inside: a row belongs to the set from the first iteration on in which its weight is more than 0.

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use super::Inner;
use super::run::{Agenda, Inside};
use crate::batch::{Batch, Erased, Slots, consolidate, emit};
use crate::encode;
use crate::op::behind_key;
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{Keys, Visit};
use crate::table::{Access, Table};
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
    let parts = [("", Shape::of::<T>()), ("iteration", Shape::Integer)];
    Table::weights(name.to_owned(), &parts).read_by(Access::Ranges)
}

struct Distinct<T, U, F> {
    input: usize,
    table: Arc<Table>,
    f: F,
    marker: PhantomData<fn(T) -> U>,
}

/// What is known of the rows that changed in this step.
pub(super) struct Changed<T> {
    /// The numbers of the rows, by their encodings.
    numbers: HashMap<Vec<u8>, usize>,
    /// By number.
    profiles: Vec<Profile<T>>,
    /// The numbers of the rows that must be looked at in later iterations.
    due: BTreeMap<u32, Vec<usize>>,
}

impl<T> Default for Changed<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), profiles: Vec::new(), due: BTreeMap::new() }
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
        let known = changed.profiles.len();
        let (mut fresh, mut bytes) = (Keys::new(), Vec::new());
        for (row, weight) in rows {
            bytes.clear();
            encode::encode_into(&row, &mut bytes)?;
            let number = changed.numbers.get(&bytes).copied().unwrap_or(changed.profiles.len());
            if let Some(profile) = changed.profiles.get_mut(number) {
                profile.change.push((at, weight));
            } else {
                fresh.push(&bytes);
                changed.numbers.insert(bytes.clone(), number);
                changed.profiles.push(Profile { row, before: Vec::new(), change: vec![(at, weight)] });
            }
            touched.push(number);
        }
        self.recall(at, step, (known, &fresh), changed, agenda)?;
        touched.sort_unstable();
        touched.dedup();
        let mut out = Batch::with_capacity(touched.len());
        for profile in touched.into_iter().filter_map(|number| changed.profiles.get(number)) {
            out.push((profile.row.clone(), profile.correction(at)?));
        }
        emit(out)
    }

    fn finish(&self, changed: &mut Changed<U>, step: &mut Step<'_>) -> Result<()> {
        let mut numbers: Vec<_> = changed.numbers.iter().collect();
        numbers.sort_unstable();
        let profiles = numbers.into_iter().filter_map(|(bytes, number)| Some((bytes, changed.profiles.get(*number)?)));
        let entries = profiles.flat_map(|(bytes, profile)| {
            profile.change.iter().map(move |(iteration, weight)| {
                let write = move |out: &mut Vec<u8>| {
                    out.extend_from_slice(bytes);
                    encode::encode_into(iteration, out)
                };
                (write, (&profile.row, *iteration), *weight)
            })
        });
        let entries: Vec<_> = entries.collect();
        step.append(&self.table, entries.into_iter())
    }
}

impl<T, U: Row, F> Distinct<T, U, F> {
    /// Reads the weights of rows that change for the first time in this step: their encodings, numbered from the first one's
    /// number on. Later iterations in which they have weights must look at them again.
    fn recall(
        &self,
        at: u32,
        step: &mut Step<'_>,
        (first, fresh): (usize, &Keys),
        changed: &mut Changed<U>,
        agenda: &mut Agenda,
    ) -> Result<()> {
        let prefixes: Vec<_> = fresh.iter().collect();
        step.scan_prefixes(&self.table, &prefixes, |index, entry, weight| {
            let iteration: u32 = encode::decode(behind_key(entry, fresh.get(index)))?;
            if let Some(profile) = changed.profiles.get_mut(first + index) {
                profile.before.push((iteration, weight));
            }
            if iteration > at {
                changed.due.entry(iteration).or_default().push(first + index);
                agenda.add(iteration);
            }
            Ok(Visit::Next)
        })
    }
}
