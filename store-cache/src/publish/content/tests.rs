//! What changes the hash of a table, and what does not; and that it stays what it is.

use std::collections::HashMap;
use std::sync::Arc;

use super::*;

fn schema(fields: Vec<Field>) -> Schema {
    Schema::new(fields)
}

fn hash(schema: &Schema) -> Hash {
    content_of(&TableName::new("t").unwrap(), schema, 7, 3)
}

#[test]
fn each_part_counts_and_metadata_does_not() {
    let one = Field::new("a", DataType::Int64, false);
    let base = hash(&schema(vec![one.clone()]));
    let others = [
        hash(&schema(vec![one.clone().with_nullable(true)])),
        hash(&schema(vec![one.clone().with_name("b")])),
        hash(&schema(vec![one.clone().with_data_type(DataType::UInt64)])),
        hash(&schema(vec![one.clone(), Field::new("b", DataType::Int64, false)])),
        content_of(&TableName::new("u").unwrap(), &schema(vec![one.clone()]), 7, 3),
        content_of(&TableName::new("t").unwrap(), &schema(vec![one.clone()]), 8, 3),
        content_of(&TableName::new("t").unwrap(), &schema(vec![one.clone()]), 7, 2),
    ];
    assert!(others.iter().all(|other| *other != base));
    let labelled = one.with_metadata(HashMap::from([("unit".to_owned(), "m".to_owned())]));
    assert_eq!(hash(&schema(vec![labelled])), base);
}

#[test]
fn types_that_differ_are_written_differently() {
    let item = |data_type| Arc::new(Field::new("item", data_type, true));
    let types = [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Timestamp(TimeUnit::Second, None),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        DataType::Timestamp(TimeUnit::Nanosecond, Some("+01:00".into())),
        DataType::List(item(DataType::Int8)),
        DataType::List(item(DataType::Int16)),
        DataType::LargeList(item(DataType::Int8)),
        DataType::FixedSizeList(item(DataType::Int8), 2),
        DataType::FixedSizeList(item(DataType::Int8), 3),
        DataType::Struct(Fields::from(vec![Field::new("x", DataType::Int8, true)])),
        DataType::Struct(Fields::from(vec![Field::new("y", DataType::Int8, true)])),
        DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)),
        DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8)),
        DataType::Decimal128(10, 2),
        DataType::Decimal128(10, 3),
        DataType::Decimal256(10, 2),
        DataType::FixedSizeBinary(16),
        DataType::Binary,
        DataType::Interval(IntervalUnit::DayTime),
    ];
    let written: Vec<String> = types
        .iter()
        .map(|data_type| {
            let mut out = String::new();
            kind(&mut out, data_type);
            out
        })
        .collect();
    for (place, text) in written.iter().enumerate() {
        assert!(!text.is_empty() && !written[..place].contains(text), "{text}");
    }
}

/// Stored manifests are compared with it: it must never change without another first line.
#[test]
fn it_stays_what_it_is() {
    let fields = vec![
        Field::new("n", DataType::Int64, false),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
    ];
    let mut columns = String::new();
    super::fields(&mut columns, &Fields::from(fields.clone()));
    assert_eq!(columns, "1:n!i64;2:at?timestamp_us(3:UTC);");
    let mut bytes = b"worldstore table 1\n".to_vec();
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(b"t");
    bytes.extend(2_u64.to_le_bytes());
    bytes.extend((columns.len() as u64).to_le_bytes());
    bytes.extend(columns.as_bytes());
    bytes.extend(7_u64.to_le_bytes());
    bytes.extend(3_u64.to_le_bytes());
    assert_eq!(hash(&schema(fields)), Hash::of(&bytes));
}
