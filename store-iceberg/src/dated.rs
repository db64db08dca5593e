//! Tables of Iceberg's format version 1 as ones of version 2: their snapshots have no sequence numbers, and get their times.

use iceberg::spec::{FormatVersion, TableMetadata};
use serde_json::{Map, Value};
use worldstore_core::{Error, ErrorKind, Result};

/// The metadata as of format version 2, in which a snapshot's sequence number is its time in milliseconds, or one more than
/// that of the one before. It stays the same when older snapshots expire. Other versions stay as they are.
///
/// # Errors
/// `Corrupt` if a snapshot has no time.
pub(crate) fn dated(metadata: TableMetadata) -> Result<TableMetadata> {
    if metadata.format_version() != FormatVersion::V1 {
        return Ok(metadata);
    }
    let odd = |source| Error::new(ErrorKind::Corrupt, "metadata of format version 1 cannot be read").caused_by(source);
    let mut whole: Map<String, Value> =
        serde_json::to_value(&metadata).and_then(serde_json::from_value).map_err(odd)?;
    let mut last = 0;
    if let Some(Value::Array(snapshots)) = whole.get_mut("snapshots") {
        snapshots.sort_by_key(time);
        for snapshot in snapshots {
            last = time(snapshot).unwrap_or(0).max(last + 1);
            if let Value::Object(fields) = snapshot {
                fields.insert("sequence-number".to_owned(), last.into());
            }
        }
    }
    whole.insert("last-sequence-number".to_owned(), last.into());
    whole.insert("format-version".to_owned(), 2.into());
    serde_json::from_value(Value::Object(whole)).map_err(odd)
}

fn time(snapshot: &Value) -> Option<i64> {
    snapshot.get("timestamp-ms").and_then(Value::as_i64)
}
