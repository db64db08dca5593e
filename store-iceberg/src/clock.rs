//! Changes under a clock that is behind the table: another host's was ahead, or this one was set back.
//!
//! Iceberg's own types give a change without a snapshot the time of the clock, and neither build nor read metadata that is
//! older than its logs. So it is built with all times of the table as much earlier, which are then put back.

use std::time::SystemTime;

use iceberg::TableUpdate;
use iceberg::spec::{TableMetadata, TableMetadataBuilder};
use serde_json::Value;
use worldstore_core::{Error, Result};

use crate::error::from_iceberg;
use crate::state::State;

/// Metadata after a change, and what of it is new. Its time is not before that of the state which is changed.
///
/// # Errors
/// Those of the change.
pub(crate) fn changed(
    base: &State,
    change: impl FnOnce(TableMetadataBuilder) -> iceberg::Result<TableMetadataBuilder>,
) -> Result<(TableMetadata, Vec<TableUpdate>)> {
    let ahead = base.metadata.last_updated_ms().saturating_sub(now_ms()).max(0);
    let begun = moved(base.metadata.clone(), -ahead)?.into_builder(Some(base.pointer.clone()));
    let built = change(begun).and_then(TableMetadataBuilder::build).map_err(from_iceberg)?;
    Ok((moved(built.metadata, ahead)?, built.changes))
}

/// Checks that metadata can be read once it is written: nobody could open the table any more.
///
/// # Errors
/// `Unexpected` if it cannot.
pub(crate) fn check_readable(metadata: &TableMetadata) -> Result<()> {
    let read = serde_json::to_vec(metadata).and_then(|text| serde_json::from_slice::<TableMetadata>(&text));
    let odd = |source| Error::unexpected("the new metadata could not be read, it was not written").caused_by(source);
    read.map(drop).map_err(odd)
}

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The same with its own time and those of its logs so much later.
fn moved(metadata: TableMetadata, by: i64) -> Result<TableMetadata> {
    if by == 0 {
        return Ok(metadata);
    }
    let odd = |source| Error::unexpected("the times of the table cannot be changed").caused_by(source);
    let mut whole = serde_json::to_value(&metadata).map_err(odd)?;
    put_off(whole.get_mut("last-updated-ms"), by);
    for log in ["snapshot-log", "metadata-log"] {
        for entry in whole.get_mut(log).and_then(Value::as_array_mut).into_iter().flatten() {
            put_off(entry.get_mut("timestamp-ms"), by);
        }
    }
    serde_json::from_value(whole).map_err(odd)
}

fn put_off(time: Option<&mut Value>, by: i64) {
    if let Some(time) = time
        && let Some(before) = time.as_i64()
    {
        *time = before.saturating_add(by).into();
    }
}

#[cfg(test)]
mod tests;
