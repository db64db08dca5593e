//! Values come back bit for bit.

#![allow(clippy::unwrap_used)]

use rusqlite::Connection;

use super::{column_type, from_sql, to_sql};
use crate::field::{Field, FieldKind, FieldValue};

/// Stores a value in a column of its field, reads it back, and encodes it.
fn round_trip(field: &Field, value: FieldValue<'_>) -> Vec<u8> {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&format!("CREATE TABLE t (x {})", column_type(field.kind).unwrap())).unwrap();
    connection.execute("INSERT INTO t VALUES (?1)", [to_sql(value)]).unwrap();
    let mut statement = connection.prepare("SELECT x FROM t").unwrap();
    let mut rows = statement.query([]).unwrap();
    let row = rows.next().unwrap().unwrap();
    let mut bytes = Vec::new();
    from_sql(field, row.get_ref(0).unwrap()).unwrap().encode(field, &mut bytes).unwrap();
    bytes
}

fn check(kind: FieldKind, value: FieldValue<'_>) {
    let field = Field::new("x", kind);
    let mut bytes = Vec::new();
    value.encode(&field, &mut bytes).unwrap();
    assert_eq!(round_trip(&field, value), bytes, "{kind}: {value:?}");
    let field = field.nullable();
    assert_eq!(round_trip(&field, value), [&[1], &bytes[..]].concat(), "{kind}, nullable: {value:?}");
    assert_eq!(round_trip(&field, FieldValue::Null), [0], "{kind}: null");
}

#[test]
fn values_come_back_bit_for_bit() {
    check(FieldKind::Bool, FieldValue::Bool(true));
    check(FieldKind::I8, FieldValue::I64(-128));
    check(FieldKind::I64, FieldValue::I64(i64::MIN));
    check(FieldKind::U8, FieldValue::U64(255));
    for number in [0, i64::MAX as u64, 1 << 63, u64::MAX] {
        check(FieldKind::U64, FieldValue::U64(number));
    }
    let odd = f64::from_bits(0xfff8_0000_dead_beef);
    for number in [0.0, -0.0, 1.0, -3.0, 0.1, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, odd] {
        check(FieldKind::F64, FieldValue::F64(number));
    }
    let odd = f32::from_bits(0xffc0_beef);
    for number in [0.0, -0.0, 1.0, 0.1, f32::MIN_POSITIVE, f32::from_bits(1), f32::NEG_INFINITY, f32::NAN, odd] {
        check(FieldKind::F32, FieldValue::F32(number));
    }
    for text in ["", "a", "ä\0ö", "12", "1e3"] {
        check(FieldKind::Text, FieldValue::Text(text));
        check(FieldKind::Json, FieldValue::Text(text));
        check(FieldKind::Bytes, FieldValue::Bytes(text.as_bytes()));
    }
}

#[test]
fn what_others_wrote_is_told() {
    let refused =
        |kind, value: rusqlite::types::ValueRef<'_>| from_sql(&Field::new("x", kind), value).unwrap_err().to_string();
    use rusqlite::types::ValueRef;
    assert!(refused(FieldKind::U8, ValueRef::Integer(-1)).starts_with("corrupt"));
    assert!(refused(FieldKind::Bool, ValueRef::Integer(2)).starts_with("corrupt"));
    assert!(refused(FieldKind::F64, ValueRef::Blob(b"abc")).starts_with("corrupt"));
    assert!(refused(FieldKind::I64, ValueRef::Null).starts_with("corrupt"));
}
