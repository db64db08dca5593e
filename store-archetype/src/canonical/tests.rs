//! Vectors that pin the canonical form: a change of any of them moves tables, and is a new format.

use std::sync::Arc;

use arrow::datatypes::Fields;

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn inner(name: &str, data_type: DataType, nullable: bool) -> Arc<Field> {
    Arc::new(Field::new(name, data_type, nullable))
}

#[test]
fn every_type_has_its_bytes() {
    use DataType::*;
    let item = || inner("item", Int8, true);
    let entries = Struct(Fields::from(vec![inner("k", Utf8, false), inner("v", Boolean, true)]));
    let item_hex = "04000000" /* 4 */.to_owned() + "6974656d" /* item */ + "01" + "10";
    let entries_hex =
        "0100000065".to_owned() + "00" + "6302000000" + "010000006b" + "00" + "30" + "0100000076" + "0101";
    let vectors = [
        (Boolean, "01".to_owned()),
        (Int8, "10".into()),
        (Int16, "11".into()),
        (Int32, "12".into()),
        (Int64, "13".into()),
        (UInt8, "18".into()),
        (UInt16, "19".into()),
        (UInt32, "1a".into()),
        (UInt64, "1b".into()),
        (Float16, "21".into()),
        (Float32, "22".into()),
        (Float64, "23".into()),
        (Utf8, "30".into()),
        (LargeUtf8, "31".into()),
        (Utf8View, "32".into()),
        (Binary, "38".into()),
        (LargeBinary, "39".into()),
        (BinaryView, "3a".into()),
        (FixedSizeBinary(16), "3b10000000".into()),
        (Date32, "40".into()),
        (Date64, "41".into()),
        (Time32(TimeUnit::Second), "4200".into()),
        (Time64(TimeUnit::Nanosecond), "4303".into()),
        (Timestamp(TimeUnit::Microsecond, None), "4402".into()),
        (Timestamp(TimeUnit::Millisecond, Some("UTC".into())), "450103000000555443".into()),
        (Duration(TimeUnit::Second), "4600".into()),
        (Decimal128(38, -1), "5026ff".into()),
        (Decimal256(76, 2), "514c02".into()),
        (List(item()), format!("60{item_hex}")),
        (LargeList(item()), format!("61{item_hex}")),
        (FixedSizeList(item(), 3), format!("6203000000{item_hex}")),
        (Struct(Fields::from(vec![item()])), format!("6301000000{item_hex}")),
        (Map(inner("e", entries.clone(), false), false), format!("64{entries_hex}")),
        (Map(inner("e", entries, false), true), format!("65{entries_hex}")),
        (Dictionary(Box::new(UInt32), Box::new(Utf8)), "661a30".into()),
    ];
    for (data_type, expected) in &vectors {
        assert_eq!(hex(&type_bytes(data_type).unwrap()), *expected, "{data_type}");
    }
    for (at, one) in vectors.iter().enumerate() {
        assert!(vectors[..at].iter().all(|other| other.1 != one.1), "{} is not the only one of its bytes", one.0);
    }
    for data_type in [Null, Interval(arrow::datatypes::IntervalUnit::DayTime), ListView(item())] {
        assert_eq!(type_bytes(&data_type).unwrap_err().kind(), worldstore_core::ErrorKind::Unsupported);
    }
}

#[test]
fn the_table_id_is_pinned() {
    let bytes = table_bytes([("velocity", 1), ("position", 2)]);
    let expected = "1c000000".to_owned()
        + &hex(b"worldstore archetype table 1")
        + "02000000"
        + "08000000"
        + &hex(b"position")
        + "02000000"
        + "08000000"
        + &hex(b"velocity")
        + "01000000";
    assert_eq!(hex(&bytes), expected);
    assert_eq!(table_id([("position", 1)]), "a1_e8e5451d6b392896");
    assert_eq!(table_id([("position", 1), ("velocity", 1)]), "a2_633c61292f65ffb4");
    assert_eq!(table_id([("velocity", 1), ("position", 1)]), "a2_633c61292f65ffb4");
    assert_eq!(table_id([("velocity", 1), ("position", 2)]), "a2_98a57f9bef119c2b");
}

#[test]
fn the_columns_are_pinned() {
    let (x, name) = (DataType::Float64, DataType::Utf8);
    let one = columns_bytes([("position__x".to_owned(), &x), ("label__name".to_owned(), &name)]).unwrap();
    let other = columns_bytes([("label__name".to_owned(), &name), ("position__x".to_owned(), &x)]).unwrap();
    let text = |text: &str| hex(&(text.len() as u32).to_le_bytes()) + &hex(text.as_bytes());
    let expected =
        text("worldstore archetype columns 1") + "02000000" + &text("label__name") + "30" + &text("position__x") + "23";
    assert_eq!(hex(&one), expected);
    assert_eq!(one, other);
    assert_eq!(
        blake3::hash(&one).to_hex().as_str(),
        "70947640140dc84c9f17a7ab6b8ef6f88b98977305174e3f4677c911898057db"
    );
}
