//! Keys of every kind are numbered, and found again.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};

use super::{NOWHERE, Nodes, Places, texts};

fn nodes(keys: ArrayRef) -> Option<Nodes> {
    let data_type = keys.data_type().clone();
    Nodes::new(&data_type, &[RecordBatch::try_from_iter([("key", keys)]).unwrap()]).unwrap()
}

#[test]
fn keys_near_each_other_and_far_from_each_other() {
    for keys in [vec![7, 5, 9], vec![7, i64::MIN, i64::MAX]] {
        let nodes = nodes(Arc::new(Int64Array::from(keys.clone()))).unwrap();
        let asked = Int64Array::from(vec![Some(keys[2]), None, Some(keys[0]), Some(8), Some(i64::MAX - 1)]);
        let places = nodes.places(&asked).unwrap().unwrap();
        assert_eq!(places, [2, NOWHERE, 0, NOWHERE, NOWHERE]);
    }
}

#[test]
fn other_widths_are_the_same_numbers_and_texts_are_not() {
    let nodes = nodes(Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))).unwrap();
    assert_eq!(nodes.count(), 2);
    assert_eq!(nodes.places(&Int32Array::from(vec![3, 1, 2])).unwrap().unwrap(), [1, 0, NOWHERE]);
    assert_eq!(nodes.places(&StringArray::from(vec!["1"])).unwrap(), None);
}

#[test]
fn texts_are_keys_and_floats_are_none() {
    let texts = nodes(Arc::new(StringArray::from(vec!["b", "a"]))).unwrap();
    assert_eq!(texts.places(&StringArray::from(vec!["a", "c"])).unwrap().unwrap(), [1, NOWHERE]);
    assert!(nodes(Arc::new(Float64Array::from(vec![1.0]))).is_none());
}

#[test]
fn texts_that_one_array_does_not_hold_are_none() {
    let keys = ["ab", "", "c"];
    assert!(texts(&keys, 2).is_none());
    let Some(Places::Texts(places)) = texts(&keys, 3) else { panic!("three bytes hold them") };
    assert_eq!(places.len(), 3);
}

#[test]
fn a_key_that_is_there_twice_is_none() {
    assert!(nodes(Arc::new(Int64Array::from(vec![1, 2, 1]))).is_none());
    assert!(nodes(Arc::new(Int64Array::from(vec![1, i64::MAX, 1]))).is_none());
    assert!(nodes(Arc::new(StringArray::from(vec!["a", "a"]))).is_none());
}
