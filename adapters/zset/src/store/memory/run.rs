//! A run: entries in the order of their keys, never changed once it is made.

use std::cmp::Ordering;
use std::ops::Range;

use crate::store::Keys;
use crate::store::keys::head;
use crate::weight::Weight;

/// Keys with weights, ascending. The weight of a key in a table is the sum over all runs of the table.
///
/// A key stands once in a run, unless its sum in this run alone leaves the range of 64 bits: then it stands several times,
/// side by side. (The sum over all runs does not leave the range.)
#[derive(Debug, Default)]
pub(super) struct Run {
    keys: Keys,
    /// The first bytes of each key, which mostly decide a comparison without a look at the key.
    heads: Vec<u64>,
    weights: Vec<Weight>,
    /// The largest weight without its sign.
    largest: u64,
    /// Whether a key stands several times.
    repeats: bool,
}

impl Run {
    /// A run of keys in any order, with their weights.
    pub(super) fn new(keys: Keys, weights: Vec<Weight>) -> Self {
        let heads: Vec<u64> = keys.iter().map(head).collect();
        let largest = weights.iter().map(|weight| weight.unsigned_abs()).max().unwrap_or(0);
        let run = Self { keys, heads, weights, largest, repeats: false };
        let ascending = (1..run.len()).all(|index| run.compare(index - 1, &run, index) == Ordering::Less);
        if ascending && !run.weights.contains(&0) {
            return run;
        }
        let mut order: Vec<usize> = (0..run.len()).collect();
        order.sort_unstable_by(|left, right| run.compare(*left, &run, *right));
        let mut sorted = Self::with_room_for(&[&run]);
        for group in order.chunk_by(|left, right| run.compare(*left, &run, *right) == Ordering::Equal) {
            let sum = group.iter().map(|index| i128::from(run.weight(*index))).sum();
            if let Some(first) = group.first() {
                sorted.push_sum(&run, *first, sum);
            }
        }
        sorted
    }

    /// The sum of two runs.
    pub(super) fn merged(left: &Self, right: &Self) -> Self {
        let mut merged = Self::with_room_for(&[left, right]);
        let (mut at_left, mut at_right) = (0, 0);
        while at_left < left.len() && at_right < right.len() {
            match left.compare(at_left, right, at_right) {
                Ordering::Less => {
                    let begin = at_left;
                    at_left += 1;
                    while at_left < left.len() && left.compare(at_left, right, at_right) == Ordering::Less {
                        at_left += 1;
                    }
                    merged.extend(left, begin..at_left);
                }
                Ordering::Greater => {
                    let begin = at_right;
                    at_right += 1;
                    while at_right < right.len() && right.compare(at_right, left, at_left) == Ordering::Less {
                        at_right += 1;
                    }
                    merged.extend(right, begin..at_right);
                }
                Ordering::Equal => {
                    let (first, mut sum) = (at_left, 0);
                    left.sum_equal(&mut at_left, &mut sum);
                    right.sum_equal(&mut at_right, &mut sum);
                    merged.push_sum(left, first, sum);
                }
            }
        }
        merged.extend(left, at_left..left.len());
        merged.extend(right, at_right..right.len());
        merged
    }

    fn with_room_for(runs: &[&Self]) -> Self {
        let count = runs.iter().map(|run| run.len()).sum();
        let bytes = runs.iter().map(|run| run.keys.bytes_len()).sum();
        Self {
            keys: Keys::with_capacity(count, bytes),
            heads: Vec::with_capacity(count),
            weights: Vec::with_capacity(count),
            largest: 0,
            repeats: runs.iter().any(|run| run.repeats),
        }
    }

    /// Puts entries of another run behind these.
    fn extend(&mut self, other: &Self, part: Range<usize>) {
        self.keys.extend_from(&other.keys, part.clone());
        self.heads.extend_from_slice(other.heads.get(part.clone()).unwrap_or_default());
        self.weights.extend_from_slice(other.weights.get(part).unwrap_or_default());
        self.largest = self.largest.max(other.largest);
    }

    /// Puts a key of another run behind these, with a sum that may be too large for one weight.
    fn push_sum(&mut self, other: &Self, index: usize, mut sum: i128) {
        let mut pieces = 0;
        while sum != 0 {
            let piece = Weight::try_from(sum).unwrap_or(if sum > 0 { Weight::MAX } else { Weight::MIN });
            self.keys.push(other.key(index));
            self.heads.push(other.head(index));
            self.weights.push(piece);
            self.largest = self.largest.max(piece.unsigned_abs());
            sum -= i128::from(piece);
            pieces += 1;
        }
        self.repeats |= pieces > 1;
    }

    /// Adds up the weights of the key at `at`, and moves behind it.
    pub(super) fn sum_equal(&self, at: &mut usize, sum: &mut i128) {
        let first = *at;
        *sum += i128::from(self.weight(first));
        *at += 1;
        while self.repeats && *at < self.len() && self.compare(*at, self, first) == Ordering::Equal {
            *sum += i128::from(self.weight(*at));
            *at += 1;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn largest(&self) -> u64 {
        self.largest
    }

    pub(super) fn repeats(&self) -> bool {
        self.repeats
    }

    pub(super) fn key(&self, index: usize) -> &[u8] {
        self.keys.get(index)
    }

    pub(super) fn weight(&self, index: usize) -> Weight {
        self.weights.get(index).copied().unwrap_or_default()
    }

    fn head(&self, index: usize) -> u64 {
        self.heads.get(index).copied().unwrap_or_default()
    }

    /// Compares the keys of two entries.
    pub(super) fn compare(&self, index: usize, other: &Self, other_index: usize) -> Ordering {
        let heads = self.head(index).cmp(&other.head(other_index));
        heads.then_with(|| self.key(index).cmp(other.key(other_index)))
    }

    /// The first entry from `from` on whose key is not smaller. The search widens from `from`, so near ones are found soon.
    pub(super) fn seek(&self, from: usize, key: &[u8]) -> usize {
        let wanted = head(key);
        self.first_not(from, |index| {
            let head = self.head(index);
            head < wanted || head == wanted && self.key(index) < key
        })
    }

    /// The first entry from `from` on that the function is not true for; it is true up to there, and never again behind.
    pub(super) fn first_not(&self, from: usize, is_before: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut width) = (from, 1);
        // All before `low` are before it.
        while low + width <= self.len() && is_before(low + width - 1) {
            low += width;
            width *= 2;
        }
        let mut high = (low + width - 1).min(self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests;
