//! The canonical form of names and types, byte by byte: what the hashes are taken over.
//!
//! Nothing here depends on how Arrow or Rust print a type. All numbers are little-endian; `text` is the length in bytes
//! as u32, then UTF-8.
//!
//! ```text
//! table id      BLAKE3 of
//!   text  "worldstore archetype table 1"
//!   u32   number of components
//!   each component, sorted by the bytes of its name:
//!     text  name, small letters
//!     u32   generation
//! fingerprint   BLAKE3 of
//!   text  "worldstore archetype columns 1"
//!   u32   number of columns
//!   each column, sorted by the bytes of its stable id:
//!     text  stable id (prefix included)
//!     type
//! ```
//! The name of the table is `a`, the number of components in decimal, `_`, and the first 8 bytes of the hash as 16 hex
//! digits. Of the fingerprint all 32 bytes are kept.
//!
//! A `type` is one byte, and what belongs to it:
//!
//! | byte | type | then |
//! |---|---|---|
//! | `01` | Boolean | |
//! | `10` `11` `12` `13` | Int8, Int16, Int32, Int64 | |
//! | `18` `19` `1a` `1b` | UInt8, UInt16, UInt32, UInt64 | |
//! | `21` `22` `23` | Float16, Float32, Float64 | |
//! | `30` `31` `32` | Utf8, LargeUtf8, Utf8View | |
//! | `38` `39` `3a` | Binary, LargeBinary, BinaryView | |
//! | `3b` | FixedSizeBinary | width i32 |
//! | `40` `41` | Date32, Date64 | |
//! | `42` `43` | Time32, Time64 | unit |
//! | `44` | Timestamp without a zone | unit |
//! | `45` | Timestamp with one | unit, text zone |
//! | `46` | Duration | unit |
//! | `50` `51` | Decimal128, Decimal256 | precision u8, scale i8 |
//! | `60` `61` | List, LargeList | field |
//! | `62` | FixedSizeList | length i32, field |
//! | `63` | Struct | number u32, fields in their order |
//! | `64` `65` | Map; with sorted keys | field of the entries |
//! | `66` | Dictionary | type of the keys, type of the values |
//!
//! A unit is one byte: `00` seconds, `01` milliseconds, `02` microseconds, `03` nanoseconds. An inner field is its name
//! as text, `01` if it may be null and `00` if not, and its type. Other types have no canonical form.

use arrow::datatypes::{DataType, Field, TimeUnit};
use worldstore_core::{Error, Result};

/// What the hash of a table id begins with.
const TABLE: &str = "worldstore archetype table 1";
/// What a fingerprint begins with.
const COLUMNS: &str = "worldstore archetype columns 1";

/// The bytes that a table id is a hash of: names and generations in any order.
pub fn table_bytes<'name>(components: impl IntoIterator<Item = (&'name str, u32)>) -> Vec<u8> {
    let mut components: Vec<(&str, u32)> = components.into_iter().collect();
    components.sort_unstable();
    let mut bytes = Vec::new();
    text(TABLE, &mut bytes);
    bytes.extend((components.len() as u32).to_le_bytes());
    for (name, generation) in components {
        text(name, &mut bytes);
        bytes.extend(generation.to_le_bytes());
    }
    bytes
}

/// The name of the table of these components.
pub fn table_id<'name>(components: impl IntoIterator<Item = (&'name str, u32)>) -> String {
    let components: Vec<(&str, u32)> = components.into_iter().collect();
    let count = components.len();
    let hash = blake3::hash(&table_bytes(components));
    let hex = hash.to_hex();
    format!("a{count}_{}", hex.as_str().chars().take(16).collect::<String>())
}

/// The bytes that a fingerprint is a hash of: stable ids and types in any order.
///
/// # Errors
/// `Unsupported` for a type without a canonical form.
pub fn columns_bytes<'a>(columns: impl IntoIterator<Item = (String, &'a DataType)>) -> Result<Vec<u8>> {
    let mut columns: Vec<(String, &DataType)> = columns.into_iter().collect();
    columns.sort_by(|one, other| one.0.as_bytes().cmp(other.0.as_bytes()));
    let mut bytes = Vec::new();
    text(COLUMNS, &mut bytes);
    bytes.extend((columns.len() as u32).to_le_bytes());
    for (id, data_type) in columns {
        text(&id, &mut bytes);
        encode(data_type, &mut bytes)?;
    }
    Ok(bytes)
}

/// The canonical form of a type.
///
/// # Errors
/// `Unsupported` if it has none.
pub fn type_bytes(data_type: &DataType) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    encode(data_type, &mut bytes)?;
    Ok(bytes)
}

/// Checks that a type has a canonical form.
pub(crate) fn check(data_type: &DataType) -> Result<()> {
    type_bytes(data_type).map(|_| ())
}

fn encode(data_type: &DataType, to: &mut Vec<u8>) -> Result<()> {
    if let Some(byte) = plain(data_type) {
        to.push(byte);
        return Ok(());
    }
    match data_type {
        DataType::FixedSizeBinary(width) => {
            to.push(0x3b);
            to.extend(width.to_le_bytes());
        }
        DataType::Time32(of) => to.extend([0x42, unit(of)]),
        DataType::Time64(of) => to.extend([0x43, unit(of)]),
        DataType::Timestamp(of, None) => to.extend([0x44, unit(of)]),
        DataType::Timestamp(of, Some(zone)) => {
            to.extend([0x45, unit(of)]);
            text(zone, to);
        }
        DataType::Duration(of) => to.extend([0x46, unit(of)]),
        DataType::Decimal128(precision, scale) => to.extend([0x50, *precision, scale.to_le_bytes()[0]]),
        DataType::Decimal256(precision, scale) => to.extend([0x51, *precision, scale.to_le_bytes()[0]]),
        nested => return encode_nested(nested, to),
    }
    Ok(())
}

fn encode_nested(data_type: &DataType, to: &mut Vec<u8>) -> Result<()> {
    match data_type {
        DataType::List(item) => {
            to.push(0x60);
            field(item, to)
        }
        DataType::LargeList(item) => {
            to.push(0x61);
            field(item, to)
        }
        DataType::FixedSizeList(item, length) => {
            to.push(0x62);
            to.extend(length.to_le_bytes());
            field(item, to)
        }
        DataType::Struct(fields) => {
            to.push(0x63);
            to.extend((fields.len() as u32).to_le_bytes());
            fields.iter().try_for_each(|inner| field(inner, to))
        }
        DataType::Map(entries, sorted) => {
            to.push(if *sorted { 0x65 } else { 0x64 });
            field(entries, to)
        }
        DataType::Dictionary(keys, values) => {
            to.push(0x66);
            encode(keys, to)?;
            encode(values, to)
        }
        other => Err(Error::unsupported("type has no canonical form, tables cannot hold it").with("type", other)),
    }
}

/// The byte of a type that is nothing but that.
fn plain(data_type: &DataType) -> Option<u8> {
    Some(match data_type {
        DataType::Boolean => 0x01,
        DataType::Int8 => 0x10,
        DataType::Int16 => 0x11,
        DataType::Int32 => 0x12,
        DataType::Int64 => 0x13,
        DataType::UInt8 => 0x18,
        DataType::UInt16 => 0x19,
        DataType::UInt32 => 0x1a,
        DataType::UInt64 => 0x1b,
        DataType::Float16 => 0x21,
        DataType::Float32 => 0x22,
        DataType::Float64 => 0x23,
        DataType::Utf8 => 0x30,
        DataType::LargeUtf8 => 0x31,
        DataType::Utf8View => 0x32,
        DataType::Binary => 0x38,
        DataType::LargeBinary => 0x39,
        DataType::BinaryView => 0x3a,
        DataType::Date32 => 0x40,
        DataType::Date64 => 0x41,
        _ => return None,
    })
}

fn unit(unit: &TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    }
}

fn field(field: &Field, to: &mut Vec<u8>) -> Result<()> {
    text(field.name(), to);
    to.push(u8::from(field.is_nullable()));
    encode(field.data_type(), to)
}

fn text(text: &str, to: &mut Vec<u8>) {
    to.extend((text.len() as u32).to_le_bytes());
    to.extend(text.as_bytes());
}

#[cfg(test)]
mod tests;
