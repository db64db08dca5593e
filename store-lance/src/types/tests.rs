//! Columns that a table may have, and those that it may not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, Schema, TimeUnit};
use worldstore_core::ErrorKind;

use super::check_columns;

fn check(name: &str, data_type: DataType) -> worldstore_core::Result<()> {
    check_columns(&Schema::new(vec![Field::new(name, data_type, true)]))
}

#[test]
fn names_that_are_no_paths_are_held() {
    for name in ["n", "a b", "c\"d", "SELECT", "é"] {
        check(name, DataType::Int64).unwrap();
    }
    for name in ["", "a.b", "a`b"] {
        let error = check(name, DataType::Int64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
    }
}

#[test]
fn types_are_held_unchanged_or_refused() {
    let item = |data_type| Arc::new(Field::new("item", data_type, true));
    let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    for data_type in [DataType::UInt8, DataType::LargeUtf8, DataType::Null, time, DataType::List(item(DataType::Utf8))]
    {
        check("n", data_type).unwrap();
    }
    let key = Field::new("key", DataType::Utf8, false);
    let entries = DataType::Struct(vec![key, Field::new("value", DataType::Int64, true)].into());
    let map = DataType::Map(Arc::new(Field::new("entries", entries, false)), false);
    let nested = DataType::List(item(map.clone()));
    let offset = DataType::Timestamp(TimeUnit::Second, Some("+02:00".into()));
    let words = DataType::FixedSizeList(item(DataType::Utf8), 2);
    let days = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Date32));
    let empty = [DataType::FixedSizeBinary(0), DataType::FixedSizeList(item(DataType::Int64), 0)];
    let empty = empty.into_iter().chain([DataType::Struct(Fields::empty()), DataType::List(item(offset.clone()))]);
    let plain = [map, nested, offset, words, days, DataType::Utf8View, DataType::Interval(IntervalUnit::MonthDayNano)];
    for data_type in plain.into_iter().chain(empty) {
        let error = check("n", data_type.clone()).expect_err(&data_type.to_string());
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("column: n"), "{error}");
    }
}
