//! Operators without state, inside.

use worldstore_core::Result;

use super::Inner;
use super::run::{Agenda, Inside};
use crate::batch::{Batch, Erased, Slots};
use crate::op::{Linear, filtering, flat_mapping, mapping, negating};
use crate::row::Row;
use crate::step::Step;
use crate::weight::Weight;

/// The variable of the recursion, or a stream from outside: its slot is filled from there.
pub(super) struct Source;

impl Inside for Source {
    type Notes = ();

    fn iterate(&self, _: u32, _: &Slots, (): &mut (), _: &mut Agenda, _: &mut Step<'_>) -> Result<Option<Erased>> {
        Ok(None)
    }
}

impl<T: Row, U: Row, F: Fn(&T, Weight, &mut Batch<U>) -> Result<()> + Send + Sync> Inside for Linear<T, U, F> {
    type Notes = ();

    fn iterate(&self, _: u32, slots: &Slots, (): &mut (), _: &mut Agenda, _: &mut Step<'_>) -> Result<Option<Erased>> {
        self.apply(slots)
    }
}

impl<'s, T: Row> Inner<'s, T> {
    /// Turns each row into another one.
    pub fn map<U: Row>(self, name: &str, f: impl Fn(&T) -> U + Send + Sync + 'static) -> Inner<'s, U> {
        self.linear(name, "map", vec![self.id], mapping(f))
    }

    /// Turns each row into any number of rows.
    pub fn flat_map<U: Row, I: IntoIterator<Item = U> + 'static>(
        self,
        name: &str,
        f: impl Fn(&T) -> I + Send + Sync + 'static,
    ) -> Inner<'s, U> {
        self.linear(name, "flat_map", vec![self.id], flat_mapping(f))
    }

    /// Keeps the rows that the function is true for.
    pub fn filter(self, name: &str, f: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.linear(name, "filter", vec![self.id], filtering(f))
    }

    /// Turns insertions into removals and the other way round.
    pub fn neg(self, name: &str) -> Self {
        self.linear(name, "neg", vec![self.id], negating())
    }

    /// Adds another collection.
    pub fn add(self, name: &str, other: Self) -> Self {
        self.linear(name, "add", vec![self.id, self.peer(name, other)], mapping(T::clone))
    }

    fn linear<U: Row>(
        self,
        name: &str,
        kind: &'static str,
        inputs: Vec<usize>,
        function: impl Fn(&T, Weight, &mut Batch<U>) -> Result<()> + Send + Sync + 'static,
    ) -> Inner<'s, U> {
        self.scope.add_named(name, kind, inputs.clone(), [], |[]| Linear::new(inputs, function))
    }
}
