//! Payloads, and hostile bytes in their place.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Int64Type};
use bytes::Bytes;
use worldstore_core::table::TableName;
use worldstore_core::{ErrorKind, Result};

use super::{Draft, Rows, fresh, read_append, read_fresh};
use crate::ticks::Ticks;

fn rows(table: &str) -> Result<Rows> {
    let text: DictionaryArray<Int32Type> = ["x", "y", "x"].into_iter().collect();
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
    let columns: [(&str, ArrayRef); 4] = [
        ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("text", Arc::new(StringArray::from(vec!["one", "", "three"]))),
        ("kind", Arc::new(text)),
        ("lists", Arc::new(lists)),
    ];
    let batch = RecordBatch::try_from_iter(columns).map_err(|source| super::corrupt("test").caused_by(source))?;
    Ok(Rows {
        table: TableName::new(table)?,
        schema: batch.schema(),
        batches: vec![batch.clone(), batch.slice(1, 2)],
        ticks: Ticks::ALL,
    })
}

fn payload() -> Result<Bytes> {
    let mut draft = Draft::new(&[rows("left")?, rows("right")?])?;
    draft.number(5);
    Ok(draft.number(9))
}

/// Reads everything there is.
fn read(payload: Bytes) -> Result<usize> {
    let append = read_append(payload)?;
    append
        .parts
        .iter()
        .try_fold(0, |rows, part| Ok(rows + part.batches()?.iter().map(RecordBatch::num_rows).sum::<usize>()))
}

#[test]
fn rows_come_back() -> Result<()> {
    let append = read_append(payload()?)?;
    assert_eq!(append.seq, 9, "the number given last");
    let names: Vec<_> = append.parts.iter().map(|part| part.table.as_str()).collect();
    assert_eq!(names, ["left", "right"]);
    for part in &append.parts {
        assert_eq!(part.batches()?, rows("left")?.batches);
    }
    let table = TableName::new("left")?;
    assert_eq!(read_fresh(fresh(&table)?)?, table);
    Ok(())
}

#[test]
fn whatever_is_cut_or_added_is_told() -> Result<()> {
    let whole = payload()?;
    for bytes in 0..whole.len() {
        let kind = read(whole.slice(..bytes)).map_err(|error| error.kind());
        assert_eq!(kind, Err(ErrorKind::Corrupt), "{bytes} bytes");
    }
    let mut longer = whole.to_vec();
    longer.push(0);
    assert_eq!(read(longer.into()).map_err(|error| error.kind()), Err(ErrorKind::Corrupt));
    let mut later = whole.to_vec();
    later[0] = 2;
    assert_eq!(read(later.into()).map_err(|error| error.kind()), Err(ErrorKind::Unsupported));
    Ok(())
}

/// Any byte may be anything: an error or some rows, and neither a panic nor memory for what is not there.
#[test]
fn hostile_bytes_are_read_or_refused() -> Result<()> {
    let whole = payload()?;
    let mut refused = 0;
    for at in 0..whole.len() {
        for value in [0, 1, 0x7F, 0x80, 0xFF] {
            let mut hostile = whole.to_vec();
            hostile[at] = value;
            match read(hostile.into()) {
                Ok(rows) => assert!(rows <= 1 << 20, "byte {at} as {value} makes {rows} rows"),
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{error:?}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > whole.len() / 2, "{refused} of {}", 5 * whole.len());
    Ok(())
}
