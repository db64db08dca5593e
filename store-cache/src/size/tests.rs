//! Slices count their rows and hold no more; what is shared counts once.

#![allow(clippy::unwrap_used)]

use std::slice::from_ref;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Int64Array, Int64Builder, ListArray, RecordBatch, StringArray,
    StringViewArray, StructArray,
};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type};

use super::{held, of_rows, own, usual};

fn numbers(rows: usize) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(0..rows as i64))
}

/// Columns that are cut in different ways.
fn batch(rows: usize) -> RecordBatch {
    let text = |number: usize| format!("a text that is too long to lie in its view: {number}");
    let lists = (0..rows).map(|number| Some(vec![Some(number as i64); 4]));
    let words: DictionaryArray<Int32Type> = (0..rows).map(|number| ["x", "y"][number % 2]).collect();
    let parts = StructArray::from(vec![(Arc::new(Field::new("n", DataType::Int64, false)), numbers(rows))]);
    let columns: [(&str, ArrayRef); 7] = [
        ("numbers", numbers(rows)),
        ("flags", Arc::new((0..rows).map(|number| (number % 3 > 0).then_some(true)).collect::<BooleanArray>())),
        ("texts", Arc::new(StringArray::from_iter_values((0..rows).map(text)))),
        ("views", Arc::new(StringViewArray::from_iter_values((0..rows).map(text)))),
        ("lists", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))),
        ("words", Arc::new(words)),
        ("parts", Arc::new(parts)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn slices_take_together_what_the_whole_takes() {
    let whole = batch(4_096);
    let pieces: Vec<RecordBatch> = (0..64).map(|piece| whole.slice(piece * 64, 64)).collect();
    let rows: usize = pieces.iter().map(of_rows).sum();
    // Where the values of a column begin is told once more for each slice, and so is a dictionary.
    assert!((of_rows(&whole)..of_rows(&whole) * 9 / 8).contains(&rows), "{rows} for {}", of_rows(&whole));
    for piece in pieces {
        assert!(piece.get_array_memory_size() > 8 * usual(from_ref(&piece)), "a slice holds the whole");
        let owned = own(piece.clone());
        assert_eq!(owned, piece);
        assert!(held(from_ref(&owned)) <= usual(from_ref(&owned)));
        for (before, after) in whole.columns().iter().zip(owned.columns()) {
            assert!(after.get_buffer_memory_size() < before.get_buffer_memory_size() / 4, "{}", after.data_type());
        }
    }
}

#[test]
fn whole_batches_stay_as_they_are() {
    let whole = batch(4_096);
    let owned = own(whole.clone());
    assert!(whole.columns().iter().zip(owned.columns()).all(|(before, after)| Arc::ptr_eq(before, after)));
    assert_eq!(held(from_ref(&whole)), whole.get_array_memory_size());
}

#[test]
fn room_that_was_never_filled_is_not_held() {
    let mut builder = Int64Builder::with_capacity(1_024);
    builder.append_value(7);
    let batch = RecordBatch::try_from_iter([("n", Arc::new(builder.finish()) as ArrayRef)]).unwrap();
    assert!(held(from_ref(&batch)) > 1_024 * 8);
    let owned = own(batch.clone());
    assert_eq!(owned, batch);
    assert!(held(from_ref(&owned)) < 1_024);
}

#[test]
fn a_buffer_that_columns_share_counts_once() {
    let buffer = Buffer::from_vec((0..1_024_i64).collect::<Vec<_>>());
    let column = |part: usize| Int64Array::new(ScalarBuffer::new(buffer.clone(), part * 256, 256), None);
    let columns = ["a", "b", "c", "d"].into_iter().enumerate();
    let batch = RecordBatch::try_from_iter(columns.map(|(part, name)| (name, Arc::new(column(part)) as ArrayRef)));
    let batch = batch.unwrap();
    assert!(batch.get_array_memory_size() > 4 * 8_192);
    assert!((8_192..10_240).contains(&held(from_ref(&batch))), "{}", held(from_ref(&batch)));
    let owned = own(batch.clone());
    assert!(batch.columns().iter().zip(owned.columns()).all(|(before, after)| Arc::ptr_eq(before, after)));
}
