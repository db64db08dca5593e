//! Verdicts on files with given bounds.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum};
use worldstore_core::table::CompareOp::*;

use super::*;

fn columns(data_type: DataType) -> Vec<Column> {
    let field = Arc::new(Field::new("c", data_type, true));
    vec![Column { id: 1, field: Arc::clone(&field), stored: field, mapped: Vec::new(), initial: None }]
}

/// A file of ten rows.
fn file(bounds: Option<(Datum, Datum)>, nulls: Option<u64>, nans: Option<u64>) -> DataFile {
    let mut file = DataFileBuilder::default();
    file.content(DataContentType::Data).file_path("f".to_owned()).file_format(DataFileFormat::Parquet);
    file.record_count(10).file_size_in_bytes(1);
    if let Some((lower, upper)) = bounds {
        file.lower_bounds(HashMap::from([(1, lower)])).upper_bounds(HashMap::from([(1, upper)]));
    }
    file.null_value_counts(nulls.map(|nulls| (1, nulls)).into_iter().collect());
    file.nan_value_counts(nans.map(|nans| (1, nans)).into_iter().collect());
    file.build().unwrap()
}

#[track_caller]
fn check(file: &DataFile, data_type: DataType, predicate: Predicate, expected: bool) {
    assert_eq!(may_match(&predicate, &columns(data_type), &|column| of_file(file, column)), expected, "{predicate:?}");
}

fn compared(op: CompareOp, value: impl Into<Scalar>) -> Predicate {
    Predicate::compare("c", op, value)
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

#[test]
fn integers() {
    let found = file(Some((Datum::long(10), Datum::long(20))), Some(0), None);
    for (op, value, expected) in [
        (Eq, 9_i64, false),
        (Eq, 10, true),
        (Eq, 20, true),
        (Eq, 21, false),
        (NotEq, 10, true),
        (Lt, 10, false),
        (Lt, 11, true),
        (LtEq, 9, false),
        (LtEq, 10, true),
        (Gt, 20, false),
        (Gt, 19, true),
        (GtEq, 21, false),
        (GtEq, 20, true),
    ] {
        check(&found, DataType::Int64, compared(op, value), expected);
        check(&found, DataType::UInt64, compared(op, value as f64), expected);
        check(&found, DataType::UInt64, compared(op, value as u64), expected);
    }
    check(&found, DataType::UInt64, compared(Lt, u64::MAX), true);
    check(&found, DataType::UInt64, compared(Gt, u64::MAX), false);
    let single = file(Some((Datum::int(7), Datum::int(7))), Some(3), None);
    check(&single, DataType::UInt8, compared(NotEq, 7_i64), false);
    check(&single, DataType::UInt8, not(compared(Eq, 7_i64)), false);
    check(&single, DataType::UInt8, not(compared(NotEq, 7_i64)), true);
}

#[test]
fn what_is_not_known_may_match() {
    let unknown = file(None, None, None);
    for predicate in [
        compared(Eq, 1_i64),
        not(compared(Eq, 1_i64)),
        Predicate::IsNull("c".to_owned()),
        Predicate::IsNotNull("c".to_owned()),
        Predicate::eq("another", 1_i64),
    ] {
        check(&unknown, DataType::Int64, predicate, true);
    }
    // A type that is not compared with this constant is not judged.
    check(&file(Some((Datum::date(1), Datum::date(2))), Some(0), None), DataType::Date32, compared(Eq, 9_i64), true);
}

#[test]
fn nulls() {
    let (none, some, all) = (file(None, Some(0), None), file(None, Some(4), None), file(None, Some(10), None));
    let (null, filled) = (Predicate::IsNull("c".to_owned()), Predicate::IsNotNull("c".to_owned()));
    for (file, is_null, is_filled) in [(&none, false, true), (&some, true, true), (&all, true, false)] {
        check(file, DataType::Int64, null.clone(), is_null);
        check(file, DataType::Int64, not(filled.clone()), is_null);
        check(file, DataType::Int64, filled.clone(), is_filled);
        check(file, DataType::Int64, not(null.clone()), is_filled);
    }
    // Unknown stays unknown, negated or not.
    check(&all, DataType::Int64, compared(Eq, 1_i64), false);
    check(&all, DataType::Int64, not(compared(Eq, 1_i64)), false);
    check(&all, DataType::Int64, Predicate::Or(vec![compared(Eq, 1_i64), null]), true);
}

#[test]
fn floats() {
    let bounds = || Some((Datum::double(0.0), Datum::double(2.0)));
    let (known, nan, unknown) =
        (file(bounds(), Some(0), Some(0)), file(bounds(), Some(0), Some(1)), file(bounds(), Some(0), None));
    for (file, expected) in [(&known, false), (&nan, true), (&unknown, true)] {
        check(file, DataType::Float64, compared(Gt, 2.0), expected);
        check(file, DataType::Float64, compared(Lt, -1.0), expected);
        check(file, DataType::Float64, compared(Eq, f64::NAN), expected);
        check(file, DataType::Float64, compared(GtEq, 3_i64), expected);
    }
    // The lower bound may stand for -0.0, which is less than 0.0.
    check(&known, DataType::Float64, compared(Lt, 0.0), true);
    check(&known, DataType::Float64, compared(Lt, -0.0), false);
    let upper = file(Some((Datum::float(-2.0), Datum::float(-0.0))), Some(0), Some(0));
    check(&upper, DataType::Float32, compared(Eq, 0.0), true);
}

#[test]
fn texts_times_and_booleans() {
    let texts = file(Some((Datum::string("b"), Datum::string("d"))), Some(0), None);
    for (value, expected) in [("a", false), ("azzz", false), ("b", true), ("c", true), ("d", true), ("da", false)] {
        check(&texts, DataType::LargeUtf8, compared(Eq, value), expected);
    }
    let times = file(Some((Datum::timestamptz_micros(5_000), Datum::timestamptz_micros(9_000))), Some(0), None);
    let time = DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, Some("UTC".into()));
    check(&times, time.clone(), compared(Lt, Scalar::TimestampMicros(5_000)), false);
    check(&times, time.clone(), compared(LtEq, Scalar::TimestampMicros(5_000)), true);
    check(&times, time, compared(Eq, Scalar::TimestampMicros(9_001)), false);
    let truths = file(Some((Datum::bool(true), Datum::bool(true))), Some(2), None);
    check(&truths, DataType::Boolean, compared(Eq, false), false);
    check(&truths, DataType::Boolean, compared(Eq, true), true);
}

#[test]
fn combinations() {
    let found = file(Some((Datum::long(10), Datum::long(20))), Some(0), None);
    let (inside, outside) = (|| compared(Eq, 15_i64), || compared(Eq, 25_i64));
    let check = |predicate, expected| check(&found, DataType::Int64, predicate, expected);
    check(Predicate::And(vec![]), true);
    check(not(Predicate::And(vec![])), false);
    check(Predicate::Or(vec![]), false);
    check(not(Predicate::Or(vec![])), true);
    check(Predicate::And(vec![inside(), outside()]), false);
    check(Predicate::Or(vec![inside(), outside()]), true);
    check(not(Predicate::And(vec![inside(), outside()])), true);
    check(not(Predicate::Or(vec![compared(GtEq, 10_i64), outside()])), false);
}
