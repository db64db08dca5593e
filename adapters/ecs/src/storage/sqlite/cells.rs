//! Fields as SQLite's values and back, bit for bit.
//!
//! | kind | stored as |
//! |---|---|
//! | `Bool`, `I8` to `I64`, `U8` to `U32` | `INTEGER` |
//! | `U64` | `INTEGER`; above 2⁶³ − 1 a `BLOB` of 8 bytes, big-endian, which SQLite sorts behind all numbers |
//! | `F32`, `F64` | `REAL`; NaN and −0, which SQLite would change, a `BLOB` of their 4 or 8 bytes, big-endian |
//! | `Text`, `Json` | `TEXT` |
//! | `Bytes` | `BLOB` |

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use worldstore_core::{Error, Result};

use crate::error::corrupt;
use crate::field::{Field, FieldKind, FieldValue};

/// The type that a column is declared with.
pub(super) fn column_type(kind: FieldKind) -> Result<&'static str> {
    Ok(match kind {
        FieldKind::Bool
        | FieldKind::I8
        | FieldKind::I16
        | FieldKind::I32
        | FieldKind::I64
        | FieldKind::U8
        | FieldKind::U16
        | FieldKind::U32
        | FieldKind::U64 => "INTEGER",
        FieldKind::F32 | FieldKind::F64 => "REAL",
        FieldKind::Text | FieldKind::Json => "TEXT",
        FieldKind::Bytes => "BLOB",
    })
}

/// A field's value as it is stored.
pub(super) fn to_sql<'a>(value: FieldValue<'a>) -> ToSqlOutput<'a> {
    let owned = |value: Value| ToSqlOutput::Owned(value);
    let blob = |bytes: &[u8]| ToSqlOutput::Owned(Value::Blob(bytes.to_vec()));
    match value {
        FieldValue::Null => owned(Value::Null),
        FieldValue::Bool(value) => owned(Value::Integer(value.into())),
        FieldValue::I64(value) => owned(Value::Integer(value)),
        FieldValue::U64(value) => match i64::try_from(value) {
            Ok(value) => owned(Value::Integer(value)),
            Err(_) => blob(&value.to_be_bytes()),
        },
        FieldValue::F32(value) if value.is_nan() || is_minus_zero(value.into()) => blob(&value.to_bits().to_be_bytes()),
        FieldValue::F32(value) => owned(Value::Real(value.into())),
        FieldValue::F64(value) if value.is_nan() || is_minus_zero(value) => blob(&value.to_bits().to_be_bytes()),
        FieldValue::F64(value) => owned(Value::Real(value)),
        FieldValue::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
        FieldValue::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
    }
}

fn is_minus_zero(value: f64) -> bool {
    value == 0.0 && value.is_sign_negative()
}

/// A stored value as that of a field.
pub(super) fn from_sql<'a>(field: &Field, value: ValueRef<'a>) -> Result<FieldValue<'a>> {
    use FieldKind as Kind;
    let wrong = || foreign(field);
    Ok(match (field.kind, value) {
        (_, ValueRef::Null) if field.nullable => FieldValue::Null,
        (Kind::Bool, ValueRef::Integer(number @ 0..=1)) => FieldValue::Bool(number == 1),
        (Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64, ValueRef::Integer(number)) => FieldValue::I64(number),
        (Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64, ValueRef::Integer(number)) => {
            FieldValue::U64(u64::try_from(number).map_err(|_| wrong())?)
        }
        (Kind::U64, ValueRef::Blob(bytes)) => FieldValue::U64(u64::from_be_bytes(sized(field, bytes)?)),
        (Kind::F32, ValueRef::Real(number)) => FieldValue::F32(number as f32),
        (Kind::F32, ValueRef::Blob(bytes)) => FieldValue::F32(f32::from_bits(u32::from_be_bytes(sized(field, bytes)?))),
        (Kind::F64, ValueRef::Real(number)) => FieldValue::F64(number),
        (Kind::F64, ValueRef::Blob(bytes)) => FieldValue::F64(f64::from_bits(u64::from_be_bytes(sized(field, bytes)?))),
        (Kind::Text | Kind::Json, ValueRef::Text(text)) => {
            FieldValue::Text(std::str::from_utf8(text).map_err(|source| wrong().caused_by(source))?)
        }
        (Kind::Bytes, ValueRef::Blob(bytes)) => FieldValue::Bytes(bytes),
        _ => return Err(wrong()),
    })
}

fn sized<const SIZE: usize>(field: &Field, bytes: &[u8]) -> Result<[u8; SIZE]> {
    bytes.try_into().map_err(|_| foreign(field))
}

/// A row that another program has written in a way that we never do.
fn foreign(field: &Field) -> Error {
    corrupt("a column holds what is no value of its field").with("field", &field.name).with("kind", field.kind)
}

#[cfg(test)]
mod tests;
