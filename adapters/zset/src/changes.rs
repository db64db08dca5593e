//! What goes into a step and what comes out of it.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;

use worldstore_core::{Error, Result};

use crate::batch::{Batch, Erased, emit, wrong_type};
use crate::circuit::{Input, Output};
use crate::row::Row;
use crate::step::StepStats;
use crate::weight::{self, Weight};
use crate::zset::ZSet;

/// Changes of any number of inputs, to be applied in one step.
#[derive(Default)]
pub struct Changes {
    inputs: HashMap<(u64, usize), Pending>,
}

/// The rows for one input, and how to make a batch of them.
struct Pending {
    rows: Box<dyn Any + Send>,
    finish: fn(Box<dyn Any + Send>) -> Result<Option<Erased>>,
}

impl Changes {
    /// No changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds rows to an input, each once.
    #[must_use]
    pub fn insert<T: Row>(self, input: &Input<T>, rows: impl IntoIterator<Item = T>) -> Self {
        self.weigh(input, rows.into_iter().map(|row| (row, 1)))
    }

    /// Takes rows out of an input, each once. A row that is not there gets the weight -1.
    #[must_use]
    pub fn remove<T: Row>(self, input: &Input<T>, rows: impl IntoIterator<Item = T>) -> Self {
        self.weigh(input, rows.into_iter().map(|row| (row, -1)))
    }

    /// Takes one row out and puts another one in.
    #[must_use]
    pub fn replace<T: Row>(self, input: &Input<T>, old: T, new: T) -> Self {
        self.weigh(input, [(old, -1), (new, 1)])
    }

    /// Adds rows to an input with any weights.
    #[must_use]
    pub fn weigh<T: Row>(mut self, input: &Input<T>, rows: impl IntoIterator<Item = (T, Weight)>) -> Self {
        let pending = self.inputs.entry((input.circuit, input.id)).or_insert_with(|| Pending {
            rows: Box::new(Batch::<T>::new()),
            finish: |rows| emit(*rows.downcast::<Batch<T>>().map_err(|_| wrong_type())?),
        });
        // The type of an input is fixed when it is made, so the rows are always of this type.
        if let Some(batch) = pending.rows.downcast_mut::<Batch<T>>() {
            batch.extend(rows);
        }
        self
    }

    /// True if no input has rows.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The changes as batches, by input.
    pub(crate) fn finish(self, circuit: u64) -> Result<Vec<(usize, Option<Erased>)>> {
        let batches = self.inputs.into_iter().map(|((owner, id), pending)| {
            if owner != circuit {
                return Err(Error::invalid("the input belongs to another circuit"));
            }
            Ok((id, (pending.finish)(pending.rows)?))
        });
        batches.collect()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("inputs", &self.inputs.len()).finish()
    }
}

/// What a step changed at the outputs of a circuit.
pub struct Deltas {
    pub(crate) circuit: u64,
    pub(crate) outputs: HashMap<usize, Erased>,
    pub(crate) stats: StepStats,
}

impl Deltas {
    /// The changes of one output: each row once, no weight 0, in the order of the rows.
    ///
    /// # Errors
    /// `Invalid` if the output belongs to another circuit.
    pub fn get<T: Row>(&self, output: &Output<T>) -> Result<&[(T, Weight)]> {
        if output.circuit != self.circuit {
            return Err(Error::invalid("the output belongs to another circuit"));
        }
        match self.outputs.get(&output.id) {
            Some(batch) => batch.downcast_ref::<Batch<T>>().map(Vec::as_slice).ok_or_else(wrong_type),
            None => Ok(&[]),
        }
    }

    /// Adds the changes of one output to a collection, which so stays equal to the output.
    ///
    /// # Errors
    /// `Invalid` if the output belongs to another circuit or a weight leaves the range of 64 bits.
    pub fn apply<T: Row>(&self, output: &Output<T>, collection: &mut ZSet<T>) -> Result<()> {
        self.get(output)?.iter().try_for_each(|(row, weight)| collection.add(row.clone(), *weight))
    }

    /// What the step did to the store.
    pub fn stats(&self) -> StepStats {
        self.stats
    }
}

impl fmt::Debug for Deltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deltas").field("outputs", &self.outputs.len()).field("stats", &self.stats).finish()
    }
}

/// The sum of two batches, the second one multiplied.
pub(crate) fn combine<T: Row>(left: &[(T, Weight)], right: &[(T, Weight)], factor: Weight) -> Result<Batch<T>> {
    let mut rows = left.to_vec();
    for (row, weight) in right {
        rows.push((row.clone(), weight::times(*weight, factor)?));
    }
    Ok(rows)
}
