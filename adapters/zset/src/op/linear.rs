//! Operators without state: each change is passed on by itself.

use std::marker::PhantomData;

use worldstore_core::{Error, Result};

use crate::batch::{Batch, Erased, Slots, emit};
use crate::circuit::{Kind, Operator, Stream};
use crate::row::Row;
use crate::step::Step;
use crate::weight::{self, Weight};

/// Applies a function to each changed row; the function gives changed rows to the batch.
pub(crate) struct Linear<T, U, F> {
    pub(crate) inputs: Vec<usize>,
    function: F,
    marker: PhantomData<fn(T) -> U>,
}

impl<T: Row, U: Row, F: Fn(&T, Weight, &mut Batch<U>) -> Result<()> + Send + Sync> Linear<T, U, F> {
    pub(crate) fn new(inputs: Vec<usize>, function: F) -> Self {
        Self { inputs, function, marker: PhantomData }
    }

    /// The changes that follow from those of the inputs.
    pub(crate) fn apply(&self, slots: &Slots) -> Result<Option<Erased>> {
        let mut out = Batch::new();
        for input in &self.inputs {
            for (row, weight) in slots.get::<T>(*input)? {
                (self.function)(row, *weight, &mut out)?;
            }
        }
        emit(out)
    }
}

impl<T: Row, U: Row, F: Fn(&T, Weight, &mut Batch<U>) -> Result<()> + Send + Sync> Operator for Linear<T, U, F> {
    fn step(&self, slots: &Slots, _: &mut Step<'_>) -> Result<Option<Erased>> {
        self.apply(slots)
    }
}

/// The function of a map.
pub(crate) fn mapping<T, U>(f: impl Fn(&T) -> U) -> impl Fn(&T, Weight, &mut Batch<U>) -> Result<()> {
    move |row, weight, out| {
        out.push((f(row), weight));
        Ok(())
    }
}

/// The function of a flat map.
pub(crate) fn flat_mapping<T, U, I: IntoIterator<Item = U>>(
    f: impl Fn(&T) -> I,
) -> impl Fn(&T, Weight, &mut Batch<U>) -> Result<()> {
    move |row, weight, out| {
        out.extend(f(row).into_iter().map(|made| (made, weight)));
        Ok(())
    }
}

/// The function of a filter.
pub(crate) fn filtering<T: Clone>(f: impl Fn(&T) -> bool) -> impl Fn(&T, Weight, &mut Batch<T>) -> Result<()> {
    move |row, weight, out| {
        if f(row) {
            out.push((row.clone(), weight));
        }
        Ok(())
    }
}

/// The function that takes rows back.
pub(crate) fn negating<T: Clone>() -> impl Fn(&T, Weight, &mut Batch<T>) -> Result<()> {
    |row, weight, out| {
        out.push((row.clone(), weight::minus(weight)?));
        Ok(())
    }
}

impl<'b, T: Row> Stream<'b, T> {
    /// Turns each row into another one. Rows that become equal add up.
    pub fn map<U: Row>(self, name: &str, f: impl Fn(&T) -> U + Send + Sync + 'static) -> Stream<'b, U> {
        self.linear(name, "map", mapping(f))
    }

    /// Turns each row into another one, or fails the step.
    pub fn try_map<U: Row>(
        self,
        name: &str,
        f: impl Fn(&T) -> Result<U, Error> + Send + Sync + 'static,
    ) -> Stream<'b, U> {
        self.linear(name, "map", move |row, weight, out| {
            out.push((f(row)?, weight));
            Ok(())
        })
    }

    /// Turns each row into any number of rows.
    pub fn flat_map<U: Row, I: IntoIterator<Item = U> + 'static>(
        self,
        name: &str,
        f: impl Fn(&T) -> I + Send + Sync + 'static,
    ) -> Stream<'b, U> {
        self.linear(name, "flat_map", flat_mapping(f))
    }

    /// Keeps the rows that the function is true for.
    pub fn filter(self, name: &str, f: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.linear(name, "filter", filtering(f))
    }

    /// Turns insertions into removals and the other way round.
    pub fn neg(self, name: &str) -> Self {
        self.linear(name, "neg", negating())
    }

    /// Adds another collection: weights of equal rows add up.
    pub fn add(self, name: &str, other: Self) -> Self {
        self.add_all(name, &[other])
    }

    /// Adds any number of other collections.
    pub fn add_all(self, name: &str, others: &[Self]) -> Self {
        let others = others.iter().map(|other| self.peer(name, *other));
        let inputs: Vec<usize> = std::iter::once(self.id).chain(others).collect();
        self.builder.add(name, "add", &inputs.clone(), [], |[]| Linear::new(inputs, mapping(T::clone)))
    }

    /// Takes another collection away: `self + (-other)`.
    pub fn minus(self, name: &str, other: Self) -> Self {
        let inputs = [self.id, self.peer(name, other)];
        self.builder.add(name, "minus", &inputs, [], |[]| Minus { inputs, marker: PhantomData::<fn(T)> })
    }

    pub(super) fn linear<U: Row>(
        self,
        name: &str,
        kind: impl Into<Kind>,
        function: impl Fn(&T, Weight, &mut Batch<U>) -> Result<()> + Send + Sync + 'static,
    ) -> Stream<'b, U> {
        self.builder.add(name, kind, &[self.id], [], |[]| Linear::new(vec![self.id], function))
    }
}

/// The difference of two streams.
struct Minus<T> {
    inputs: [usize; 2],
    marker: PhantomData<fn(T)>,
}

impl<T: Row> Operator for Minus<T> {
    fn step(&self, slots: &Slots, _: &mut Step<'_>) -> Result<Option<Erased>> {
        let [left, right] = self.inputs;
        emit(crate::changes::combine(slots.get::<T>(left)?, slots.get::<T>(right)?, -1)?)
    }
}
