//! What a row is: any Rust value that serde can write and read.

use std::cmp::Ordering;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A value that can be a row, a key, or a part of one. Every type that fits is one; there is nothing to implement.
///
/// Changes are brought together by `Eq` and `Ord`, state is kept by the [encodings](crate::encode). So they must agree:
/// rows are equal if and only if their encodings are. With derived `Eq`, `Ord` and `serde` forms they do. Of rows that are
/// equal and have different encodings, a step may count one for the other.
///
/// First rows, latest rows and ranges are in the order of the encodings, which is that of a derived `Ord`. For a type whose
/// `Ord` was written by hand, or whose `serde` form is not its fields, the orders may differ.
pub trait Row: Serialize + DeserializeOwned + Ord + Clone + Debug + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Ord + Clone + Debug + Send + Sync + 'static> Row for T {}

/// A floating-point number that is ordered, as `f64::total_cmp` orders: `-0.0` before `0.0`, not-a-number at the ends.
///
/// It cannot be summed: sums of floating-point numbers depend on the order, so a deletion would not take back what an
/// insertion added. Sum scaled integers instead.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Real(pub f64);

impl Ord for Real {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Real {}
