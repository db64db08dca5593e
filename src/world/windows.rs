//! Cutting history into windows of whole ticks, so that memory holds one at a time.

use std::ops::RangeInclusive;

/// Windows over ticks in ascending order, each of at most `rows_max` rows or of a single tick.
pub(super) fn windows(ticks: impl IntoIterator<Item = (i64, u64)>, rows_max: u64) -> Vec<RangeInclusive<i64>> {
    let mut windows: Vec<RangeInclusive<i64>> = Vec::new();
    let mut rows_open = 0;
    for (tick, rows) in ticks {
        match windows.last_mut() {
            Some(window) if rows_open + rows <= rows_max => {
                *window = *window.start()..=tick;
                rows_open += rows;
            }
            _ => {
                windows.push(tick..=tick);
                rows_open = rows;
            }
        }
    }
    windows
}

#[cfg(test)]
mod tests;
