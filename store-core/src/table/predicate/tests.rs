//! Predicates on small batches, checked value by value.

use std::sync::Arc;

use arrow::array::Int32Array;
use arrow::datatypes::{Field, Schema};

use super::*;
use crate::ErrorKind;

fn batch() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("i", DataType::Int32, true),
        Field::new("u", DataType::UInt64, false),
        Field::new("f", DataType::Float64, true),
        Field::new("s", DataType::Utf8, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![Some(-1), Some(5), None])),
        Arc::new(UInt64Array::from(vec![0, u64::MAX, 7])),
        Arc::new(Float64Array::from(vec![Some(0.5), Some(5.0), None])),
        Arc::new(StringArray::from(vec![Some("a"), None, Some("c")])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

fn check(predicate: &Predicate, expected: [Option<bool>; 3]) {
    let result = predicate.evaluate(&batch()).unwrap();
    assert_eq!(result.iter().collect::<Vec<_>>(), expected, "{predicate:?}");
}

#[test]
fn compares_across_number_types() {
    check(&Predicate::eq("i", 5_i64), [Some(false), Some(true), None]);
    check(&Predicate::eq("u", u64::MAX), [Some(false), Some(true), Some(false)]);
    check(&Predicate::ge("u", -1_i64), [Some(true); 3]);
    check(&Predicate::le("i", 4.5), [Some(true), Some(false), None]);
    check(&Predicate::eq("f", 5_i64), [Some(false), Some(true), None]);
    check(&Predicate::eq("i", 1_i64 << 40), [Some(false), Some(false), None]);
}

#[test]
fn knows_three_values() {
    let unknown = Predicate::eq("s", "a");
    check(&unknown, [Some(true), None, Some(false)]);
    check(&Predicate::Not(Box::new(unknown.clone())), [Some(false), None, Some(true)]);
    check(&Predicate::Or(vec![unknown.clone(), Predicate::IsNull("s".into())]), [Some(true), Some(true), Some(false)]);
    check(&Predicate::And(vec![unknown, Predicate::IsNotNull("s".into())]), [Some(true), Some(false), Some(false)]);
    check(&Predicate::And(vec![]), [Some(true); 3]);
    check(&Predicate::Or(vec![]), [Some(false); 3]);
}

#[test]
fn refuses_what_does_not_compare() {
    for predicate in [Predicate::eq("s", 1_i64), Predicate::eq("i", "x"), Predicate::eq("nope", 1_i64)] {
        assert_eq!(predicate.evaluate(&batch()).unwrap_err().kind(), ErrorKind::Invalid, "{predicate:?}");
    }
}

#[test]
fn nanoseconds_are_not_cut_to_the_unit_of_the_constant() {
    let at = arrow::array::TimestampNanosecondArray::from(vec![Some(1_999), Some(2_000), Some(-500), None]);
    let batch = RecordBatch::try_from_iter_with_nullable([("at", Arc::new(at) as ArrayRef, true)]).unwrap();
    let check = |op, micros, expected: [bool; 3]| {
        let predicate = Predicate::Compare { column: "at".to_owned(), op, value: Scalar::TimestampMicros(micros) };
        let expected: Vec<_> = expected.into_iter().map(Some).chain([None]).collect();
        assert_eq!(predicate.evaluate(&batch).unwrap().iter().collect::<Vec<_>>(), expected, "{predicate:?}");
    };
    check(CompareOp::LtEq, 1, [false, false, true]);
    check(CompareOp::Gt, 1, [true, true, false]);
    check(CompareOp::Eq, 0, [false; 3]);
    check(CompareOp::Lt, 0, [false, false, true]);
    // Beyond all nanoseconds.
    check(CompareOp::Lt, i64::MAX, [true; 3]);
    check(CompareOp::LtEq, i64::MIN, [false; 3]);
}
