//! Bytes of fields, from types and from values by kind.

use worldstore_core::ErrorKind;

use super::{Field, FieldKind, FieldType, FieldValue};
use crate::Entity;

fn bytes(value: &impl FieldType) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out);
    out
}

#[test]
fn a_value_has_the_same_bytes_from_its_type_and_by_its_kind() {
    let mut out = Vec::new();
    FieldValue::Text("été").encode(&Field::new("name", FieldKind::Text), &mut out).unwrap();
    assert_eq!(out, bytes(&"été".to_owned()));
    assert_eq!(
        FieldValue::decode(&Field::new("name", FieldKind::Text), &mut &out[..]).unwrap(),
        FieldValue::Text("été")
    );
    let field = Field::new("near", FieldKind::I16).nullable();
    for (value, typed) in [(FieldValue::Null, None), (FieldValue::I64(-2), Some(-2_i16))] {
        let mut out = Vec::new();
        value.encode(&field, &mut out).unwrap();
        assert_eq!(out, bytes(&typed));
        assert_eq!(Option::<i16>::decode(&mut &out[..]).unwrap(), typed);
        assert_eq!(FieldValue::decode(&field, &mut &out[..]).unwrap(), value);
    }
}

#[test]
fn numbers_out_of_range_and_other_kinds_are_refused() {
    for value in [FieldValue::I64(128), FieldValue::U64(1), FieldValue::Null, FieldValue::Text("1")] {
        let error = value.encode(&Field::new("small", FieldKind::I8), &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn bytes_that_are_no_value_are_corrupt() {
    let kinds = [ErrorKind::Corrupt; 6];
    let seen = [
        bool::decode(&mut &[2][..]).unwrap_err().kind(),
        char::decode(&mut &0xD800_u32.to_le_bytes()[..]).unwrap_err().kind(),
        Entity::decode(&mut &u64::MAX.to_le_bytes()[..]).unwrap_err().kind(),
        String::decode(&mut &[1, 0, 0, 0, 0xFF][..]).unwrap_err().kind(),
        Vec::<u8>::decode(&mut &[255, 255, 255, 255, 0][..]).unwrap_err().kind(),
        <[u32; 2]>::decode(&mut &[0; 7][..]).unwrap_err().kind(),
    ];
    assert_eq!(seen, kinds);
}
