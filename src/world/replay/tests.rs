//! The order of a replay does not come from that of the scan.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, UInt64Array};
use arrow::datatypes::UInt64Type;

use super::by_tick;

/// Entity, tick, seq.
fn batch(rows: &[(u64, i64, u64)]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 4] = [
        ("entity", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.0)))),
        ("tick", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)))),
        ("seq", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.2)))),
        ("active", Arc::new(BooleanArray::from(vec![true; rows.len()]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn rows_of_a_tick_are_in_the_order_of_their_appends() {
    // As a format may give them, later files first.
    let rows = [(1, 5, 3), (2, 4, 3), (3, 5, 1), (4, 5, 1), (5, 4, 2)];
    let apart: Vec<_> = rows.iter().map(|row| batch(&[*row])).collect();
    for batches in [vec![batch(&rows)], vec![batch(&rows[..2]), batch(&rows[2..])], apart] {
        let found = by_tick(&batches, &batches[0].schema()).unwrap();
        let entities = |batch: &RecordBatch| batch["entity"].as_primitive::<UInt64Type>().values().to_vec();
        let found: Vec<_> =
            found.iter().map(|(tick, batches)| (*tick, batches.iter().map(entities).collect::<Vec<_>>())).collect();
        assert_eq!(found, [(4, vec![vec![5, 2]]), (5, vec![vec![3, 4, 1]])]);
    }
}
