//! When each row of a column was last written.

/// A tick for each row. As long as all rows have the same, it is kept once.
#[derive(Debug, Clone, Default)]
pub struct Stamps {
    /// The tick of all rows, while `rows` is empty.
    all: u64,
    rows: Vec<u64>,
}

impl Stamps {
    /// The tick of a row.
    #[inline]
    pub fn get(&self, row: usize) -> u64 {
        self.rows.get(row).copied().unwrap_or(self.all)
    }

    /// Adds a row to the rows that are there.
    #[inline]
    pub fn push(&mut self, rows: usize, tick: u64) {
        if self.rows.is_empty() {
            if rows == 0 {
                self.all = tick;
            }
            if self.all == tick {
                return;
            }
            self.rows = vec![self.all; rows];
        }
        self.rows.push(tick);
    }

    /// Adds many rows to the rows that are there.
    pub fn push_many(&mut self, rows: usize, more: usize, tick: u64) {
        if more > 0 {
            self.push(rows, tick);
            if !self.rows.is_empty() {
                self.rows.resize(rows + more, tick);
            }
        }
    }

    /// Notes that one of the rows was written. How many there are is asked only if it matters.
    #[inline]
    pub fn set(&mut self, row: usize, rows: impl FnOnce() -> usize, tick: u64) {
        if self.rows.is_empty() {
            if self.all == tick {
                return;
            }
            self.rows = vec![self.all; rows()];
        }
        if let Some(stamp) = self.rows.get_mut(row) {
            *stamp = tick;
        }
    }

    /// Notes that all rows were written.
    #[inline]
    pub fn set_all(&mut self, tick: u64) {
        self.all = tick;
        self.rows.clear();
    }

    /// Removes a row; the last one takes its place.
    #[inline]
    pub fn swap_remove(&mut self, row: usize) {
        if row < self.rows.len() {
            self.rows.swap_remove(row);
        }
    }

    /// True if a row may have been written since a tick.
    pub fn any_since(&self, since: u64) -> bool {
        if self.rows.is_empty() { self.all > since } else { self.rows.iter().any(|stamp| *stamp > since) }
    }
}
