//! What is taken back where no log tells the rest of it: rows that were committed to some tables and not published. Whether
//! the other tables lack rows of the same step nobody knows.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use arrow::datatypes::DataType;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::Result;
use worldstore_core::table::{CompactOptions, DescribeOptions, Predicate, TableInfo, TableName, base};

use crate::state::{State, Version};

/// Takes rows that were given numbers above `published`, and of which the log has no record, out of the tables, and says how
/// many they were.
pub(crate) async fn withdraw(
    tables: &dyn AsyncTableBackend,
    state: &mut State,
    published: u64,
) -> Result<BTreeMap<TableName, u64>> {
    let mut withdrawn = BTreeMap::new();
    let State { tables: known, journal, .. } = state;
    for (name, table) in known {
        let seq = table.schema.column_with_name(base::SEQ).map(|(_, field)| field.data_type());
        if table.watermark <= published || seq != Some(&DataType::UInt64) {
            continue;
        }
        // What others have written has no number, or one of its own.
        let beyond = match journal {
            Some(journal) => journal.places.gaps(published + 1, table.watermark),
            None => vec![published + 1..=table.watermark],
        };
        if beyond.is_empty() {
            continue;
        }
        let (rows, info) = take(tables, name, &beyond).await.map_err(|error| error.with("table", name))?;
        let (version, watermark, rows_left, schema) = (info.version, table.watermark, info.rows, info.schema);
        table.note(Version { version, first: watermark, watermark, rows: rows_left, schema }, false);
        if rows > 0 {
            tracing::warn!(target: "worldstore", table = %name, rows, published, "rows that were not published were taken back, their log is gone");
            withdrawn.insert(name.clone(), rows);
        }
    }
    Ok(withdrawn)
}

async fn take(
    tables: &dyn AsyncTableBackend,
    name: &TableName,
    numbers: &[RangeInclusive<u64>],
) -> Result<(u64, TableInfo)> {
    let among = |range: &RangeInclusive<u64>| {
        Predicate::And(vec![Predicate::ge(base::SEQ, *range.start()), Predicate::le(base::SEQ, *range.end())])
    };
    let drop = Predicate::Or(numbers.iter().map(among).collect());
    let dropped = tables.compact(name, &CompactOptions::default().with_drop(drop)).await?.dropped_rows;
    Ok((dropped, tables.describe(name, &DescribeOptions::default()).await?))
}
