//! Values at the edge of what can be stored, and what lies beside the rows in their arrays.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Fields, Int32Type, Schema, TimeUnit};
use worldstore_core::ErrorKind;

use super::*;
use crate::state::Columns;

fn rows(values: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter([("c", values)]).unwrap()
}

fn tried(rows: &RecordBatch) -> Result<Vec<RecordBatch>> {
    let columns = Columns::of_arrow(rows.schema_ref()).unwrap().columns;
    let schema = Arc::new(Schema::new(columns.iter().map(|column| Arc::clone(&column.stored)).collect::<Vec<_>>()));
    let (checked, stored) = (check(&columns, rows), stored(&columns, &schema, rows));
    assert_eq!(checked.is_ok(), stored.is_ok(), "what is checked is what is stored: {checked:?} {stored:?}");
    checked?;
    stored
}

/// Is refused, and says which row.
fn refused(values: ArrayRef, row: usize) {
    let error = tried(&rows(values)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let told = |key: &str| error.context().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned());
    assert_eq!((told("column").as_deref(), told("row")), (Some("c"), Some(row.to_string())), "{error}");
}

fn list(values: ArrayRef, lengths: &[usize]) -> ArrayRef {
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths.iter().copied()), values, None))
}

#[test]
fn what_is_out_of_range_is_refused_with_its_row() {
    let above = i64::MAX as u64 + 1;
    refused(Arc::new(UInt64Array::from(vec![1, 2, above, 3, u64::MAX])), 2);
    refused(list(Arc::new(UInt64Array::from(vec![1, 2, above, 3])), &[0, 2, 0, 2]), 3);
    refused(Arc::new(TimestampSecondArray::from(vec![0, i64::MAX])), 1);
    refused(Arc::new(TimestampMillisecondArray::from(vec![i64::MIN])), 0);
    let digits = Decimal128Array::from(vec![99_999, -99_999, 100_000]);
    refused(Arc::new(digits.with_precision_and_scale(5, 2).unwrap()), 2);
    refused(Arc::new(Time64MicrosecondArray::from(vec![86_399_999_999, 86_400_000_000])), 1);
    refused(Arc::new(Time32SecondArray::from(vec![-1])), 0);
    let part = Decimal128Array::from(vec![1, 10]).with_precision_and_scale(1, 0).unwrap();
    let fields = Fields::from(vec![Field::new("d", part.data_type().clone(), true)]);
    refused(Arc::new(StructArray::new(fields, vec![Arc::new(part)], None)), 1);
}

#[test]
fn what_fits_is_stored() {
    let fine: [ArrayRef; 4] = [
        Arc::new(UInt64Array::from(vec![Some(i64::MAX as u64), None, Some(0)])),
        Arc::new(TimestampSecondArray::from(vec![i64::MAX / 1_000_000, i64::MIN / 1_000_000])),
        Arc::new(Decimal128Array::from(vec![99_999, -99_999]).with_precision_and_scale(5, 2).unwrap()),
        Arc::new(Time32SecondArray::from(vec![0, 86_399])),
    ];
    for values in fine {
        assert_eq!(tried(&rows(values.clone())).unwrap()[0].num_rows(), values.len());
    }
    assert!(is_sure_type(&DataType::Timestamp(TimeUnit::Microsecond, None), true));
}

/// A slice of an array, and a null in it, may have anything behind them.
#[test]
fn what_is_no_value_does_not_count() {
    let hidden = UInt64Array::new(vec![u64::MAX, 1].into(), Some(vec![false, true].into()));
    let stored = tried(&rows(Arc::new(hidden))).unwrap();
    assert_eq!(stored[0].column(0).as_primitive::<arrow::datatypes::Int64Type>().value(1), 1);

    let lists = list(Arc::new(UInt64Array::from(vec![u64::MAX, 1, 2, u64::MAX])), &[1, 1, 1, 1]);
    let stored = tried(&rows(lists.slice(1, 2))).unwrap();
    assert_eq!(stored.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
}

#[test]
fn a_null_in_a_dictionary_is_one() {
    let values = Arc::new(StringArray::from(vec![Some("a"), None]));
    let hidden = DictionaryArray::<Int32Type>::new(Int32Array::from(vec![0, 1]), values);
    let strict = Arc::new(Schema::new(vec![Field::new("c", hidden.data_type().clone(), false)]));
    let rows = RecordBatch::try_new(strict, vec![Arc::new(hidden)]).unwrap();
    let error = tried(&rows).unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("row: 1"), "{error}");
}

#[test]
fn what_lies_behind_a_null_struct_refuses_no_row() {
    let above = i64::MAX as u64 + 1;
    let digits = Decimal128Array::from(vec![1, 100_000, 2]).with_precision_and_scale(5, 2).unwrap();
    let parts: Vec<(&str, ArrayRef)> = vec![
        ("big", Arc::new(UInt64Array::from(vec![1, above, 2]))),
        ("digits", Arc::new(digits)),
        ("time", Arc::new(Time64MicrosecondArray::from(vec![1, -1, 2]))),
    ];
    let fields: Fields = parts.iter().map(|(name, part)| Field::new(*name, part.data_type().clone(), false)).collect();
    let parts: Vec<ArrayRef> = parts.into_iter().map(|(_, part)| part).collect();
    let with = |valid: Vec<bool>| StructArray::new(fields.clone(), parts.clone(), Some(valid.into()));
    let stored = tried(&rows(Arc::new(with(vec![true, false, true])))).unwrap();
    assert!(stored[0].column(0).is_null(1) && stored[0].column(0).is_valid(2));
    // Inside of another struct that is null there, too.
    let inner = with(vec![true, true, true]);
    let outer_fields = Fields::from(vec![Field::new("inner", inner.data_type().clone(), true)]);
    let outer = StructArray::new(outer_fields, vec![Arc::new(inner)], Some(vec![true, false, true].into()));
    tried(&rows(Arc::new(outer))).unwrap();
    refused(Arc::new(with(vec![true, true, true])), 1);
}
