//! The operators of streams as such: delay, integrate, differentiate.
//!
//! They look at a stream as a sequence of collections, one for each step. All others here take a stream as changes; for
//! those a big step equals many small ones. For these three it does not, by their meaning.

use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use crate::batch::{Batch, Erased, Slots, consolidate, emit};
use crate::changes::combine;
use crate::circuit::{Operator, Part, Recall, Stream, When, recalled};
use crate::encode;
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::store::{KeyRange, Visit};
use crate::table::Table;
use crate::weight::Weight;

impl<'b, T: Row> Stream<'b, T> {
    /// Gives in each step what came in the step before. Costs what came in both.
    pub fn delay(self, name: &str) -> Self {
        self.remember(name, Kind::Delay)
    }

    /// Gives in each step the sum of all that has come. Costs the whole sum in each step, because it gives it: to keep a
    /// sum and not pass it on, use [`cache`](Self::cache), which costs the changes.
    pub fn integrate(self, name: &str) -> Self {
        self.remember(name, Kind::Integrate)
    }

    /// Gives in each step what came, less what came in the step before. Costs what came in both.
    pub fn differentiate(self, name: &str) -> Self {
        self.remember(name, Kind::Differentiate)
    }

    fn remember(self, name: &str, kind: Kind) -> Self {
        let table = Table::weights(name.to_owned(), &[("", Shape::of::<T>())]);
        let word = match kind {
            Kind::Delay => "delay",
            Kind::Integrate => "integrate",
            Kind::Differentiate => "differentiate",
        };
        self.builder.add_when(When::Always, name, word, &[self.id], [table], |[table]| Remember {
            input: self.id,
            table,
            kind,
            marker: PhantomData::<fn(T)>,
        })
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Delay,
    Integrate,
    Differentiate,
}

struct Remember<T> {
    input: usize,
    table: Arc<Table>,
    kind: Kind,
    marker: PhantomData<fn(T)>,
}

impl<T: Row> Operator for Remember<T> {
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let now = slots.get::<T>(self.input)?;
        match self.kind {
            Kind::Integrate => {
                self.add(step, now)?;
                emit(self.kept(step)?)
            }
            Kind::Delay | Kind::Differentiate => {
                let before = self.kept(step)?;
                let change = consolidate(combine(now, &before, -1)?)?;
                self.add(step, &change)?;
                emit(if matches!(self.kind, Kind::Delay) { before } else { change })
            }
        }
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        // The others keep one step only.
        let keeps = part == Part::Input(self.input) && matches!(self.kind, Kind::Integrate);
        if keeps { recalled(&self.table, encode::decode::<T>) } else { None }
    }
}

impl<T: Row> Remember<T> {
    fn kept(&self, step: &mut Step<'_>) -> Result<Batch<T>> {
        let mut rows = Batch::new();
        step.scan(&self.table, &[KeyRange::prefix(&[])], |_, entry, weight| {
            rows.push((encode::decode(entry)?, weight));
            Ok(Visit::Next)
        })?;
        Ok(rows)
    }

    fn add(&self, step: &mut Step<'_>, rows: &[(T, Weight)]) -> Result<()> {
        let entries = rows.iter().map(|(row, weight)| Ok((encode::encode(row)?, row, *weight)));
        let entries: Vec<_> = entries.collect::<Result<_>>()?;
        step.add(&self.table, entries).map(|_| ())
    }
}
