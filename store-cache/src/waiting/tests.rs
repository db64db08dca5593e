//! What waits in a log.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use bytes::Bytes;
use worldstore_core::table::TableName;
use worldstore_core::wal::{Record, RecordKind};
use worldstore_core::{Error, ErrorKind, Result};

use super::Waiting;
use crate::record::{APPEND, Draft, Rows, direct_kind, fresh, fresh_kind};
use crate::ticks::Ticks;

/// An append of so many rows to each table.
fn append(number: u64, seq: u64, tables: &[(&str, i64)]) -> Result<Record> {
    let part = |(table, rows): &(&str, i64)| {
        let column = Arc::new(Int64Array::from_iter_values(0..*rows));
        let batch = RecordBatch::try_from_iter([("n", column as _)]);
        let batch = batch.map_err(|source| Error::unexpected("test").caused_by(source))?;
        let (table, schema) = (TableName::new(table)?, batch.schema());
        Ok(Rows { table, schema, batches: vec![batch], ticks: Ticks::ALL })
    };
    let parts = tables.iter().map(part).collect::<Result<Vec<_>>>()?;
    Ok(Record { seq: number, kind: APPEND, payload: Draft::new(&parts)?.number(seq) })
}

fn told(waiting: &Waiting) -> Vec<(&str, u64)> {
    waiting.tables.iter().map(|(table, rows)| (table.as_str(), *rows)).collect()
}

#[test]
fn appends_above_what_is_published_wait() -> Result<()> {
    let records = || Ok::<_, Error>([append(4, 7, &[("a", 1)])?, append(5, 9, &[("a", 2), ("b", 3)])?]);
    let read = |published| Waiting::read(records()?.map(Ok), published);
    let all = read(6)?;
    assert_eq!((all.records, all.appends, all.last_seq, all.rows()), (2, 2, Some(9), 6));
    assert_eq!(told(&all), [("a", 3), ("b", 3)]);
    let one = read(7)?;
    assert_eq!((one.records, one.appends, one.rows()), (2, 1, 5));
    let none = read(9)?;
    assert_eq!((none.records, none.appends, none.last_seq, none.rows()), (2, 0, None, 0));
    Ok(())
}

#[test]
fn rows_of_an_older_table_of_that_name_do_not_wait() -> Result<()> {
    let table = TableName::new("a")?;
    let again = Record { seq: 2, kind: fresh_kind()?, payload: fresh(&table)? };
    let records = [append(1, 1, &[("a", 5), ("b", 1)])?, again, append(3, 2, &[("a", 2)])?];
    assert_eq!(told(&Waiting::read(records.map(Ok), 0)?), [("a", 2), ("b", 1)]);
    Ok(())
}

#[test]
fn rows_of_a_direct_append_wait_only_where_they_are_logged() -> Result<()> {
    let note = Record { seq: 2, kind: direct_kind()?, payload: Draft::direct(&TableName::new("a")?)?.number(2) };
    let records = [append(1, 1, &[("a", 5)])?, note, append(3, 3, &[("a", 2)])?];
    assert_eq!(told(&Waiting::read(records.clone().map(Ok), 0)?), [("a", 7)]);
    let after_all = append(4, 2, &[("a", 1)])?;
    assert_eq!(told(&Waiting::read(records.into_iter().chain([after_all]).map(Ok), 0)?), [("a", 8)]);
    Ok(())
}

#[test]
fn what_is_no_record_of_a_cache_is_told() -> Result<()> {
    let foreign = Record { seq: 3, kind: RecordKind::new(9)?, payload: Bytes::new() };
    let damaged = Record { seq: 4, kind: APPEND, payload: Bytes::from_static(&[1, 2]) };
    for record in [foreign, damaged] {
        let number = record.seq.to_string();
        let error = Waiting::read([Ok(record)], 0).err();
        assert_eq!(error.as_ref().map(Error::kind), Some(ErrorKind::Corrupt));
        assert!(error.is_some_and(|error| error.context().any(|(key, value)| key == "record" && value == number)));
    }
    Ok(())
}
