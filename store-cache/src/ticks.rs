//! Ticks of appends, by which a read leaves out appends while it pins its state.
//!
//! A world appends tick by tick and is asked for the newest ones: of what is buffered nearly everything is left out. That
//! shall cost a look at two numbers for each append, and no hold on it.

use arrow::array::{Array, AsArray};
use arrow::compute::{max, min};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use worldstore_core::table::{CompareOp, Predicate, Scalar, base};

/// Ticks that rows may have, both ends included; none if they are the wrong way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticks {
    first: i64,
    last: i64,
}

impl Ticks {
    /// Nothing is known.
    pub const ALL: Self = Self { first: i64::MIN, last: i64::MAX };
    const NONE: Self = Self { first: i64::MAX, last: i64::MIN };

    /// Those of rows. All, where there is no column of ticks or one with nulls.
    pub fn of_rows(batches: &[RecordBatch]) -> Self {
        batches.iter().map(of_batch).fold(Self::NONE, Self::or)
    }

    /// Those that a row can have for which the predicate is true.
    pub fn of_predicate(predicate: &Predicate) -> Self {
        match predicate {
            Predicate::Compare { column, op, value } if column == base::TICK => of_comparison(*op, value),
            Predicate::And(all) => all.iter().map(Self::of_predicate).fold(Self::ALL, Self::and),
            Predicate::Or(any) => any.iter().map(Self::of_predicate).fold(Self::NONE, Self::or),
            _ => Self::ALL,
        }
    }

    /// True if a tick may be in both.
    pub fn meets(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn and(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
    }

    fn or(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

fn of_batch(batch: &RecordBatch) -> Ticks {
    let ticks = batch.column_by_name(base::TICK).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let Some(ticks) = ticks.filter(|ticks| ticks.null_count() == 0) else { return Ticks::ALL };
    match (min(ticks), max(ticks)) {
        (Some(first), Some(last)) => Ticks { first, last },
        _ => Ticks::NONE,
    }
}

fn of_comparison(op: CompareOp, value: &Scalar) -> Ticks {
    let value = match value {
        Scalar::Int(value) => *value,
        Scalar::UInt(value) => match i64::try_from(*value) {
            Ok(value) => value,
            Err(_) => return Ticks::ALL,
        },
        _ => return Ticks::ALL,
    };
    match op {
        CompareOp::Eq => Ticks { first: value, last: value },
        CompareOp::NotEq => Ticks::ALL,
        CompareOp::Lt => value.checked_sub(1).map_or(Ticks::NONE, |last| Ticks { last, ..Ticks::ALL }),
        CompareOp::LtEq => Ticks { last: value, ..Ticks::ALL },
        CompareOp::Gt => value.checked_add(1).map_or(Ticks::NONE, |first| Ticks { first, ..Ticks::ALL }),
        CompareOp::GtEq => Ticks { first: value, ..Ticks::ALL },
    }
}

#[cfg(test)]
mod tests;
