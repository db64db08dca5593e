//! Numbers of snapshots that have none.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use iceberg::spec::TableMetadata;
use serde_json::{Value, json};

use super::dated;

/// Snapshots by id, parent and time.
fn metadata(snapshots: &[(i64, Option<i64>, i64)]) -> TableMetadata {
    let snapshot = |(id, parent, time): &(i64, Option<i64>, i64)| {
        json!({"snapshot-id": id, "parent-snapshot-id": parent, "timestamp-ms": time, "manifest-list": format!("m{id}"),
               "summary": {"operation": "append"}})
    };
    let schema = json!({"type": "struct", "schema-id": 0, "fields": []});
    let whole: Value = json!({
        "format-version": 1, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": "place", "last-updated-ms": 9,
        "last-column-id": 0, "schema": schema, "partition-spec": [], "properties": {},
        "current-snapshot-id": snapshots.last().map_or(-1, |newest| newest.0),
        "snapshots": snapshots.iter().map(snapshot).collect::<Vec<_>>(),
    });
    serde_json::from_value(whole).unwrap()
}

fn numbers(snapshots: &[(i64, Option<i64>, i64)]) -> BTreeMap<i64, i64> {
    let dated = dated(metadata(snapshots)).unwrap();
    let numbers = dated.snapshots().map(|snapshot| (snapshot.snapshot_id(), snapshot.sequence_number()));
    numbers.collect()
}

#[test]
fn a_number_is_a_time_and_stays_when_older_ones_expire() {
    assert_eq!(numbers(&[]), [].into());
    assert_eq!(numbers(&[(1, None, 500), (2, Some(1), 700)]), [(1, 500), (2, 700)].into());
    // Two of one transaction, and whatever order they are read in.
    let equal = [(9, None, 500), (4, Some(9), 700), (7, Some(4), 700), (8, Some(7), 701)];
    for _ in 0..20 {
        assert_eq!(numbers(&equal), [(9, 500), (4, 699), (7, 700), (8, 701)].into());
    }
    assert_eq!(numbers(&equal[2..]), [(7, 700), (8, 701)].into());
    assert_eq!(numbers(&equal[3..]), [(8, 701)].into());
    // The clock of a later writer was behind.
    assert_eq!(numbers(&[(1, None, 900), (2, Some(1), 800), (3, Some(2), 950)]), [(1, 899), (2, 900), (3, 950)].into());
}
