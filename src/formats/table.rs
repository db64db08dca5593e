//! A table of a backend as a table of a format, in its states.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::datatypes::{DataType, Schema};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::{DescribeOptions, HistoryOptions, TableName, base};
use worldstore_core::{Error, Result};
use worldstore_datafusion::{BackendTables, Moment, PinnedTable, TableSelection, TableSnapshot, TableSource};

/// Fixes a state of a table; none if it has no states of the kind that is asked.
pub(super) async fn pin(
    tables: &Arc<dyn AsyncTableBackend>,
    name: &TableName,
    at: Option<&Moment>,
) -> Result<Option<Arc<dyn PinnedTable>>> {
    let selection = TableSelection::table(name.as_str());
    let selection = match at {
        None => selection,
        Some(Moment::Time(time)) => selection.with_at(version(version_at(tables, name, *time).await?)),
        Some(Moment::Snapshot(text)) => match TableSnapshot::parse(text) {
            Some(TableSnapshot::Version(number)) => selection.with_at(version(number)),
            _ => return Ok(None),
        },
        Some(moment) => {
            let schema = tables.describe(name, &DescribeOptions::default()).await?.schema;
            match has_column(&schema, moment) {
                true => selection.with_at(moment.clone()),
                false => return Ok(None),
            }
        }
    };
    BackendTables::new(Arc::clone(tables)).pin(&selection).await.map(Some)
}

fn version(number: u64) -> Moment {
    Moment::Snapshot(TableSnapshot::Version(number).to_string())
}

/// Whether rows tell the moment that is asked.
fn has_column(schema: &Schema, moment: &Moment) -> bool {
    let (name, kind) = match moment {
        Moment::Tick(_) => (base::TICK, DataType::Int64),
        Moment::Sequence(_) => (base::SEQ, DataType::UInt64),
        _ => return false,
    };
    schema.field_with_name(name).is_ok_and(|field| *field.data_type() == kind)
}

/// The newest version that was committed at this time or before.
async fn version_at(tables: &Arc<dyn AsyncTableBackend>, name: &TableName, time: SystemTime) -> Result<u64> {
    let asked_ms = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let asked_ms = i64::try_from(asked_ms).unwrap_or(i64::MAX);
    let history = tables.history(name, &HistoryOptions::default()).await?;
    let before = history.iter().filter(|version| version.committed_ms <= asked_ms);
    let found = before.max_by_key(|version| version.version).map(|version| version.version);
    found.ok_or_else(|| Error::not_found("the table has no version of this time, or not any more"))
}
