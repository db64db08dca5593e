//! Weights: how often a row is there. All arithmetic is checked.

use worldstore_core::{Error, Result};

/// How often a row is in a Z-set. Negative weights are removals, or rows that were removed before they came.
pub type Weight = i64;

/// `left + right`, or an error when the sum does not fit.
pub(crate) fn plus(left: Weight, right: Weight) -> Result<Weight> {
    left.checked_add(right).ok_or_else(|| overflow("a sum of weights").with("left", left).with("right", right))
}

/// `left * right`, or an error when the product does not fit.
pub(crate) fn times(left: Weight, right: Weight) -> Result<Weight> {
    left.checked_mul(right).ok_or_else(|| overflow("a product of weights").with("left", left).with("right", right))
}

/// `-weight`, or an error for the smallest weight.
pub(crate) fn minus(weight: Weight) -> Result<Weight> {
    weight.checked_neg().ok_or_else(|| overflow("a negated weight").with("weight", weight))
}

/// A sum that was made with more bits, or an error when it does not fit.
pub(crate) fn exact(sum: i128) -> Result<Weight> {
    Weight::try_from(sum).map_err(|_| overflow("a sum of weights").with("sum", sum))
}

fn overflow(what: &str) -> Error {
    Error::invalid(format!("{what} leaves the range of 64 bits"))
}
