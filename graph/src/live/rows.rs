//! Results as rows with the number of times that they occur.

use std::collections::HashMap;

use worldstore_core::Result;
use worldstore_cypher_runtime::Value;

use crate::execute::QueryResult;
use crate::interpret::value;

/// Rows, and how often each occurs.
pub(super) type Rows = HashMap<Vec<Value>, i64>;

/// Rows that came, or went where the number is negative.
pub(super) type Changes = Vec<(Vec<Value>, i64)>;

/// The rows of a result.
pub(super) fn rows_of(result: &QueryResult) -> Result<Rows> {
    let mut rows = Rows::new();
    for batch in &result.batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| value(column, row)).collect::<Result<Vec<_>>>()?;
            *rows.entry(cells).or_insert(0) += 1;
        }
    }
    Ok(rows)
}

/// What has to be added to the rows before to make of them the rows after.
pub(super) fn difference(before: &Rows, after: &Rows) -> Changes {
    let mut changes = Vec::new();
    for (row, count) in before {
        let diff = after.get(row).copied().unwrap_or(0) - count;
        if diff != 0 {
            changes.push((row.clone(), diff));
        }
    }
    let new = after.iter().filter(|(row, _)| !before.contains_key(*row));
    changes.extend(new.map(|(row, count)| (row.clone(), *count)));
    // What goes comes before what takes its place.
    changes.sort_by_key(|(_, diff)| *diff);
    changes
}

/// Adds changes to rows.
pub(super) fn apply(rows: &mut Rows, changes: &[(Vec<Value>, i64)]) {
    for (row, diff) in changes {
        let count = rows.entry(row.clone()).or_insert(0);
        *count += diff;
        if *count == 0 {
            rows.remove(row);
        }
    }
}
