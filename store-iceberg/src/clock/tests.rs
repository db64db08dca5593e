//! Tables whose times are ahead of the clock.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

const MINUTES: i64 = 60_000;

/// A table of one snapshot, whose own time is that of its metadata or an hour before.
fn state(updated: i64, committed: i64) -> State {
    let whole = json!({
        "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": "test://root/t",
        "last-sequence-number": 1, "last-updated-ms": updated, "last-column-id": 0, "current-schema-id": 0,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": []}], "default-spec-id": 0, "last-partition-id": 999,
        "partition-specs": [{"spec-id": 0, "fields": []}], "default-sort-order-id": 0,
        "sort-orders": [{"order-id": 0, "fields": []}], "properties": {}, "current-snapshot-id": 7,
        "snapshots": [{"snapshot-id": 7, "sequence-number": 1, "timestamp-ms": committed, "manifest-list": "m",
                       "summary": {"operation": "append"}, "schema-id": 0}],
        "snapshot-log": [{"snapshot-id": 7, "timestamp-ms": committed}],
        "metadata-log": [{"metadata-file": "test://root/t/0.metadata.json", "timestamp-ms": committed}],
    });
    State::new(serde_json::from_value(whole).unwrap(), "test://root/t/1.metadata.json".to_owned()).unwrap()
}

fn with_property(builder: TableMetadataBuilder) -> iceberg::Result<TableMetadataBuilder> {
    builder.set_properties([("a".to_owned(), "b".to_owned())].into())
}

#[test]
fn a_change_without_a_snapshot_can_be_read_whatever_the_clock() {
    let now = now_ms();
    for (updated, committed) in [
        (now - 10 * MINUTES, now - 70 * MINUTES),
        (now + 10 * MINUTES, now - 50 * MINUTES),
        (now + 10 * MINUTES, now + 10 * MINUTES),
        (now + 600_000 * MINUTES, now + 600_000 * MINUTES),
    ] {
        let state = state(updated, committed);
        let (metadata, changes) = changed(&state, with_property).unwrap();
        check_readable(&metadata).unwrap();
        assert_eq!((metadata.properties()["a"].as_str(), changes.len()), ("b", 1));
        assert!(metadata.last_updated_ms() >= updated.max(now), "{updated} is followed");
        assert!(metadata.last_updated_ms() < updated.max(now) + 10 * MINUTES);
        let logged: Vec<_> = metadata.metadata_log().iter().map(|entry| entry.timestamp_ms).collect();
        assert_eq!(logged, [committed, updated]);
        assert_eq!(metadata.history().iter().map(|entry| entry.timestamp_ms).collect::<Vec<_>>(), [committed]);
    }
}

#[test]
fn metadata_that_nobody_could_read_is_noticed() {
    let now = now_ms();
    let state = state(now + 10 * MINUTES, now - 50 * MINUTES);
    // What Iceberg's own types make of it.
    let builder = state.metadata.clone().into_builder(Some(state.pointer.clone()));
    let built = with_property(builder).unwrap().build().unwrap().metadata;
    assert!(check_readable(&built).is_err());
    check_readable(&state.metadata).unwrap();
}
