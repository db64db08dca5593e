//! Distinct: a collection becomes a set.

use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::Result;

use crate::batch::{Batch, Erased, Slots, emit};
use crate::circuit::{Operator, Part, Recall, Stream, recalled};
use crate::encode;
use crate::row::Row;
use crate::shape::Shape;
use crate::step::Step;
use crate::table::{Access, Table};

impl<T: Row> Stream<'_, T> {
    /// Gives each row whose weight is more than 0 the weight 1, and drops the others. A step costs the changes.
    pub fn distinct(self, name: &str) -> Self {
        let table = Table::weights(name.to_owned(), &[("", Shape::of::<T>())]).read_by(Access::Keys);
        self.builder.add(name, "distinct", &[self.id], [table], |[table]| Distinct {
            input: self.id,
            table,
            marker: PhantomData::<fn(T)>,
        })
    }
}

struct Distinct<T> {
    input: usize,
    table: Arc<Table>,
    marker: PhantomData<fn(T)>,
}

impl<T: Row> Operator for Distinct<T> {
    fn step(&self, slots: &Slots, step: &mut Step<'_>) -> Result<Option<Erased>> {
        let rows = slots.get::<T>(self.input)?;
        let entries = rows.iter().map(|(row, weight)| Ok((encode::encode(row)?, row, *weight)));
        let entries: Vec<_> = entries.collect::<Result<_>>()?;
        let sums = step.add(&self.table, entries)?;
        let mut out = Batch::new();
        for ((row, change), sum) in rows.iter().zip(sums) {
            match (sum > *change, sum > 0) {
                (false, true) => out.push((row.clone(), 1)),
                (true, false) => out.push((row.clone(), -1)),
                _ => {}
            }
        }
        emit(out)
    }

    fn recall(&self, part: Part) -> Option<Recall<'_>> {
        if part == Part::Input(self.input) { recalled(&self.table, encode::decode::<T>) } else { None }
    }
}
