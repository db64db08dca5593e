//! What flows between operators: changes of a collection, each row once, no weight 0, in the order of the rows.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::changes::combine;
use crate::encode;
use crate::row::Row;
use crate::shape::Shape;
use crate::weight::{self, Weight};

/// Rows with weights.
pub(crate) type Batch<T> = Vec<(T, Weight)>;

/// A batch whose type is known to the operators at both ends.
pub(crate) type Erased = Arc<dyn Any + Send + Sync>;

/// The types that an operator works on, where its fields do not name them.
pub(crate) type Types<T> = PhantomData<fn() -> T>;

/// Sorts a batch, adds up the weights of equal rows and drops those that cancel.
pub(crate) fn consolidate<T: Ord>(mut rows: Batch<T>) -> Result<Batch<T>> {
    if rows.iter().zip(rows.iter().skip(1)).all(|(left, right)| left.0 < right.0) {
        rows.retain(|(_, weight)| *weight != 0);
        return Ok(rows);
    }
    rows.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    let mut merged: Batch<T> = Vec::with_capacity(rows.len());
    for (row, weight) in rows {
        match merged.last_mut() {
            Some(last) if last.0 == row => last.1 = weight::plus(last.1, weight)?,
            last => {
                // What is behind the last row is complete, so it can be seen whether it cancelled.
                if last.is_some_and(|last| last.1 == 0) {
                    merged.pop();
                }
                merged.push((row, weight));
            }
        }
    }
    if merged.last().is_some_and(|last| last.1 == 0) {
        merged.pop();
    }
    Ok(merged)
}

/// Consolidates a batch for the operators behind; nothing if it is empty.
pub(crate) fn emit<T: Row>(rows: Batch<T>) -> Result<Option<Erased>> {
    let rows = consolidate(rows)?;
    Ok(if rows.is_empty() { None } else { Some(Arc::new(rows)) })
}

/// Adds two batches, the second one multiplied.
type Combine = fn(Option<&Erased>, Option<&Erased>, Weight) -> Result<Option<Erased>>;

/// What can be done with a batch whose type is not known here.
#[derive(Clone, Copy)]
pub(crate) struct Codec {
    /// The batch as bytes.
    pub(crate) encode: fn(&Erased) -> Result<Vec<u8>>,
    /// The batch from its bytes.
    pub(crate) decode: fn(&[u8]) -> Result<Erased>,
    /// The sum of two batches, the second one multiplied.
    pub(crate) combine: Combine,
    /// Whether the bytes can be read again.
    pub(crate) is_readable: bool,
}

impl Codec {
    /// For batches of rows of a type.
    pub(crate) fn of<T: Row>() -> Self {
        fn rows<T: Row>(batch: Option<&Erased>) -> Result<&[(T, Weight)]> {
            let Some(batch) = batch else { return Ok(&[]) };
            batch.downcast_ref::<Batch<T>>().map(Vec::as_slice).ok_or_else(wrong_type)
        }
        Self {
            encode: |batch| encode::encode(rows::<T>(Some(batch))?),
            decode: |bytes| Ok(Arc::new(encode::decode::<Batch<T>>(bytes)?)),
            combine: |left, right, factor| emit(combine(rows::<T>(left)?, rows::<T>(right)?, factor)?),
            is_readable: !Shape::of::<T>().is_undescribed(),
        }
    }
}

/// The batches of one step, by the number of the operator that gave them.
#[derive(Default)]
pub(crate) struct Slots {
    batches: Vec<Option<Erased>>,
}

impl Slots {
    /// Empty slots for so many operators.
    pub(crate) fn new(count: usize) -> Self {
        Self { batches: vec![None; count] }
    }

    /// The batch that an operator gave; empty if it gave none.
    pub(crate) fn get<T: Row>(&self, id: usize) -> Result<&[(T, Weight)]> {
        match self.batches.get(id) {
            Some(Some(batch)) => batch.downcast_ref::<Batch<T>>().map(Vec::as_slice).ok_or_else(wrong_type),
            _ => Ok(&[]),
        }
    }

    /// The batch that an operator gave, as it is.
    pub(crate) fn erased(&self, id: usize) -> Option<&Erased> {
        self.batches.get(id).and_then(Option::as_ref)
    }

    /// Puts the batch of an operator into its slot.
    pub(crate) fn set(&mut self, id: usize, batch: Option<Erased>) {
        if let Some(slot) = self.batches.get_mut(id) {
            *slot = batch;
        }
    }

    /// True if one of the operators gave something.
    pub(crate) fn any(&self, ids: &[usize]) -> bool {
        ids.iter().any(|id| self.erased(*id).is_some())
    }

    /// Takes all batches out.
    pub(crate) fn clear(&mut self) {
        self.batches.fill(None);
    }
}

pub(crate) fn wrong_type() -> Error {
    Error::unexpected("a batch is of another type than its operator")
}

#[cfg(test)]
mod tests;
