//! Tables of Iceberg's format version 1 as ones of version 2: their snapshots have no sequence numbers, and get their times.

use std::collections::HashMap;

use iceberg::spec::{FormatVersion, Snapshot, TableMetadata};
use serde_json::{Map, Value};
use worldstore_core::{Error, ErrorKind, Result};

/// The metadata as of format version 2, in which a snapshot's sequence number is its time in milliseconds, and no less than
/// those of the snapshots before it. Of equal times the last one has it, and those before it less: so a number stays the
/// same when older snapshots expire. Other versions of the format stay as they are.
///
/// # Errors
/// `Corrupt` if what comes out of it cannot be read.
pub(crate) fn dated(metadata: TableMetadata) -> Result<TableMetadata> {
    if metadata.format_version() != FormatVersion::V1 {
        return Ok(metadata);
    }
    let odd = |source| Error::new(ErrorKind::Corrupt, "metadata of format version 1 cannot be read").caused_by(source);
    let mut whole: Map<String, Value> =
        serde_json::to_value(&metadata).and_then(serde_json::from_value).map_err(odd)?;
    let mut last = 0;
    if let Some(Value::Array(snapshots)) = whole.get_mut("snapshots") {
        let places: HashMap<i64, Place> =
            metadata.snapshots().map(|snapshot| (snapshot.snapshot_id(), Place::of(snapshot, &metadata))).collect();
        let place = |snapshot: &Value| {
            let id = snapshot.get("snapshot-id").and_then(Value::as_i64);
            id.and_then(|id| places.get(&id)).copied().unwrap_or_default()
        };
        snapshots.sort_by_key(place);
        last = snapshots.last().map_or(0, |newest| place(newest).time);
        let mut next = i64::MAX;
        for snapshot in snapshots.iter_mut().rev() {
            next = place(snapshot).time.min(next.saturating_sub(1));
            if let Value::Object(fields) = snapshot {
                fields.insert("sequence-number".to_owned(), next.into());
            }
        }
    }
    whole.insert("last-sequence-number".to_owned(), last.into());
    whole.insert("format-version".to_owned(), 2.into());
    serde_json::from_value(Value::Object(whole)).map_err(odd)
}

/// Where a snapshot stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Place {
    /// The greatest of its time and those of the snapshots before it: clocks of several writers differ.
    time: i64,
    /// So many are before it, as far as they are kept.
    before: usize,
    id: i64,
}

impl Place {
    fn of(snapshot: &Snapshot, metadata: &TableMetadata) -> Self {
        let mut place = Self { time: snapshot.timestamp_ms(), before: 0, id: snapshot.snapshot_id() };
        let parent = |id: Option<i64>| metadata.snapshot_by_id(id?);
        let mut earlier = parent(snapshot.parent_snapshot_id());
        // Damaged metadata could go round in circles.
        while let Some(one) = earlier.filter(|_| place.before < metadata.snapshots().len()) {
            (place.time, place.before) = (place.time.max(one.timestamp_ms()), place.before + 1);
            earlier = parent(one.parent_snapshot_id());
        }
        place
    }
}

#[cfg(test)]
mod tests;
