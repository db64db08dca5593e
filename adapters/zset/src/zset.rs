//! Z-sets: sets of rows with weights.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use worldstore_core::Result;

use crate::weight::{self, Weight};

/// Rows with weights, in the order of the rows. A row whose weight is 0 is not there.
///
/// The same type holds a collection (weights are counts) and a change of one (negative weights are removals): adding the
/// change to the collection gives the new collection.
///
/// ```
/// use worldstore_zset::ZSet;
///
/// # fn main() -> worldstore_core::Result<()> {
/// let mut fruit = ZSet::new();
/// fruit.add("apple", 2)?;
/// fruit.add("pear", 1)?;
/// fruit.add("apple", -2)?;
/// assert_eq!(fruit.iter().collect::<Vec<_>>(), [(&"pear", 1)]);
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ZSet<T> {
    rows: BTreeMap<T, Weight>,
}

impl<T> Default for ZSet<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new() }
    }
}

impl<T: Ord> ZSet<T> {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// One with these rows; a row that comes twice has the sum of its weights.
    ///
    /// # Errors
    /// `Invalid` if a weight leaves the range of 64 bits.
    pub fn from_weights(rows: impl IntoIterator<Item = (T, Weight)>) -> Result<Self> {
        let mut set = Self::new();
        for (row, weight) in rows {
            set.add(row, weight)?;
        }
        Ok(set)
    }

    /// One with each of these rows once more than before.
    ///
    /// # Errors
    /// `Invalid` if a weight leaves the range of 64 bits.
    pub fn from_rows(rows: impl IntoIterator<Item = T>) -> Result<Self> {
        Self::from_weights(rows.into_iter().map(|row| (row, 1)))
    }

    /// Adds to the weight of a row.
    ///
    /// # Errors
    /// `Invalid` if the weight leaves the range of 64 bits; the set is then as before.
    pub fn add(&mut self, row: T, weight: Weight) -> Result<()> {
        match self.rows.entry(row) {
            Entry::Vacant(_) if weight == 0 => {}
            Entry::Vacant(entry) => {
                entry.insert(weight);
            }
            Entry::Occupied(mut entry) => match weight::plus(*entry.get(), weight)? {
                0 => {
                    entry.remove();
                }
                sum => *entry.get_mut() = sum,
            },
        }
        Ok(())
    }

    /// Adds all rows of another set.
    ///
    /// # Errors
    /// `Invalid` if a weight leaves the range of 64 bits; the rows before it have then been added.
    pub fn add_all(&mut self, other: &Self) -> Result<()>
    where
        T: Clone,
    {
        other.iter().try_for_each(|(row, weight)| self.add(row.clone(), weight))
    }

    /// The set with every weight multiplied; `-1` turns insertions into removals.
    ///
    /// # Errors
    /// `Invalid` if a weight leaves the range of 64 bits.
    pub fn scaled(&self, factor: Weight) -> Result<Self>
    where
        T: Clone,
    {
        let scaled = self.iter().map(|(row, weight)| Ok((row.clone(), weight::times(weight, factor)?)));
        Self::from_weights(scaled.collect::<Result<Vec<_>>>()?)
    }

    /// The weight of a row; 0 if it is not there.
    pub fn weight(&self, row: &T) -> Weight {
        self.rows.get(row).copied().unwrap_or(0)
    }

    /// The rows with their weights, in the order of the rows.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&T, Weight)> + ExactSizeIterator {
        self.rows.iter().map(|(row, weight)| (row, *weight))
    }

    /// The rows in the order of a key: a part of the row, a tuple of parts, or [`Desc`](crate::Desc) of one to turn the
    /// order around. Rows with equal keys are in their own order.
    pub fn ordered_by<K: Ord>(&self, key: impl Fn(&T) -> K) -> Vec<(K, &T, Weight)> {
        let mut rows: Vec<_> = self.iter().map(|(row, weight)| (key(row), row, weight)).collect();
        rows.sort_by(|left, right| left.0.cmp(&right.0));
        rows
    }

    /// How many different rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if no row is there.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<T> IntoIterator for ZSet<T> {
    type Item = (T, Weight);
    type IntoIter = std::collections::btree_map::IntoIter<T, Weight>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for ZSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.rows).finish()
    }
}

#[cfg(test)]
mod tests;
