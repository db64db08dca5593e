//! Which rows of a row group are left.

use std::ops::Range;

const BITS: usize = u64::BITS as usize;

/// One bit for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mask {
    words: Vec<u64>,
    rows: usize,
    /// True as long as no row was taken out.
    is_whole: bool,
}

impl Mask {
    /// All of so many rows.
    pub fn all(rows: usize) -> Self {
        let mut words = vec![u64::MAX; rows.div_ceil(BITS)];
        if let Some(last) = words.last_mut().filter(|_| !rows.is_multiple_of(BITS)) {
            *last = (1 << (rows % BITS)) - 1;
        }
        Self { words, rows, is_whole: true }
    }

    /// How many rows there are, left or not.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many rows of these are left.
    pub fn count(&self, rows: Range<usize>) -> usize {
        if self.is_whole {
            return rows.end.min(self.rows).saturating_sub(rows.start);
        }
        self.words_of(rows).map(|(_, word)| word.count_ones() as usize).sum()
    }

    /// The rows of these that are left, in their order.
    pub fn each(&self, rows: Range<usize>) -> impl Iterator<Item = usize> {
        self.words_of(rows).flat_map(|(first, mut word)| {
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(first + bit)
            })
        })
    }

    /// The row before which so many are left from a row on; the number of rows if there are fewer.
    pub fn end_of(&self, from: usize, count: usize) -> usize {
        if self.is_whole {
            return from.saturating_add(count).min(self.rows);
        }
        let mut before = count;
        for (first, mut word) in self.words_of(from..self.rows) {
            let here = word.count_ones() as usize;
            if here > before {
                (0..before).for_each(|_| word &= word - 1);
                return first + word.trailing_zeros() as usize;
            }
            before -= here;
        }
        self.rows
    }

    /// Takes out those of the rows that are left for which this is false; it is asked in their order.
    pub fn retain(&mut self, rows: Range<usize>, mut is_kept: impl FnMut(usize) -> bool) {
        let rows = rows.start.min(self.rows)..rows.end.min(self.rows);
        self.is_whole = false;
        for index in rows.start / BITS..rows.end.div_ceil(BITS) {
            let Some(word) = self.words.get_mut(index) else { return };
            let mut left = *word & within(&rows, index);
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                if !is_kept(index * BITS + bit as usize) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// Takes rows out.
    pub fn clear(&mut self, rows: Range<usize>) {
        self.keep(rows.start, rows.len(), std::iter::repeat(0));
    }

    /// From a row on, so many stay only if their bits are set; the bits come in words, the first row lowest.
    pub fn keep(&mut self, from: usize, count: usize, bits: impl IntoIterator<Item = u64>) {
        let (mut row, end) = (from, (from + count).min(self.rows));
        self.is_whole = false;
        let (first, shift) = (from / BITS, from % BITS);
        let mut words = self.words.get_mut(first..).unwrap_or_default().iter_mut().peekable();
        for bits in bits {
            if row >= end {
                return;
            }
            let within = if end - row < BITS { (1_u64 << (end - row)) - 1 } else { u64::MAX };
            let out = !bits & within;
            words.next().into_iter().for_each(|low| *low &= !(out << shift));
            if let Some(high) = words.peek_mut().filter(|_| shift > 0) {
                **high &= !(out >> (BITS - shift));
            }
            row += BITS;
        }
    }

    /// The words of these rows, each with the row of its lowest bit; bits of other rows are not set.
    fn words_of(&self, rows: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
        let rows = rows.start.min(self.rows)..rows.end.min(self.rows);
        let words = if rows.is_empty() { 0..0 } else { rows.start / BITS..rows.end.div_ceil(BITS) };
        let first = words.start;
        let inside = self.words.get(words).unwrap_or_default();
        inside.iter().zip(first..).map(move |(word, index)| (index * BITS, *word & within(&rows, index)))
    }
}

/// The bits of a word that are among these rows.
fn within(rows: &Range<usize>, index: usize) -> u64 {
    let start = index * BITS;
    let low = u64::MAX << rows.start.saturating_sub(start).min(BITS - 1);
    let high = match rows.end.saturating_sub(start) {
        end if end < BITS => (1 << end) - 1,
        _ => u64::MAX,
    };
    low & high
}
