//! What a component is made of: fields with a kind, and how Rust types become bytes and back.
//!
//! A value is the concatenation of its fields, in their order, without padding, little-endian:
//!
//! | kind | bytes |
//! |---|---|
//! | `Bool` | 1, 0 or 1 |
//! | `I8` to `I64`, `U8` to `U64`, `F32`, `F64` | those of the number |
//! | `Text`, `Json`, `Bytes` | 4 for the length, then the text in UTF-8, or the bytes |
//! | any of them, nullable | 1, 0 or 1; behind a 1 the value |

#[cfg(feature = "arrow")]
mod arrow;
mod derive;
mod types;

use std::fmt;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::error::corrupt;

#[cfg(feature = "arrow")]
pub use self::arrow::Offsets;
pub use derive::{decode_json, decode_text, encode_json, encode_text, no_variant, width};
pub use types::{FieldType, Scalar};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FieldKind {
    /// True or false.
    Bool,
    /// A signed number of 8 bits.
    I8,
    /// A signed number of 16 bits.
    I16,
    /// A signed number of 32 bits.
    I32,
    /// A signed number of 64 bits.
    I64,
    /// An unsigned number of 8 bits.
    U8,
    /// An unsigned number of 16 bits.
    U16,
    /// An unsigned number of 32 bits.
    U32,
    /// An unsigned number of 64 bits.
    U64,
    /// A floating-point number of 32 bits.
    F32,
    /// A floating-point number of 64 bits.
    F64,
    /// Text in UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// JSON text: what has no kind of its own.
    Json,
}

impl FieldKind {
    /// How many bytes a value takes, if all take as many.
    pub const fn width(self) -> Option<usize> {
        match self {
            Self::Bool | Self::I8 | Self::U8 => Some(1),
            Self::I16 | Self::U16 => Some(2),
            Self::I32 | Self::U32 | Self::F32 => Some(4),
            Self::I64 | Self::U64 | Self::F64 => Some(8),
            Self::Text | Self::Bytes | Self::Json => None,
        }
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// A field as a Rust type declares it: an array becomes as many fields, `name_0`, `name_1` …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// The name.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it may hold nothing.
    pub nullable: bool,
    /// `Some` for an array: the number of its items.
    pub items: Option<usize>,
}

impl FieldSpec {
    /// The field of this name for a type.
    pub const fn of<Type: FieldType>(name: &'static str) -> Self {
        Self { name, kind: Type::KIND, nullable: Type::NULLABLE, items: Type::ITEMS }
    }

    /// A field that serde writes as JSON.
    pub const fn json(name: &'static str) -> Self {
        Self { name, kind: FieldKind::Json, nullable: false, items: None }
    }

    /// A field that holds text.
    pub const fn text(name: &'static str) -> Self {
        Self { name, kind: FieldKind::Text, nullable: false, items: None }
    }
}

/// A field of a component.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Field {
    /// The name: ASCII letters, digits and `_`, not beginning with a digit, at most 60; unique in its component
    /// without regard to case.
    pub name: Arc<str>,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it may hold nothing.
    pub nullable: bool,
}

impl Field {
    /// A field that always holds a value.
    pub fn new(name: impl Into<Arc<str>>, kind: FieldKind) -> Self {
        Self { name: name.into(), kind, nullable: false }
    }

    /// The same field, but it may hold nothing.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// How many bytes a value takes, if all take as many.
    pub fn width(&self) -> Option<usize> {
        if self.nullable { None } else { self.kind.width() }
    }
}

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum FieldValue<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number of a signed kind.
    I64(i64),
    /// A number of an unsigned kind.
    U64(u64),
    /// A floating-point number of 32 bits.
    F32(f32),
    /// A floating-point number of 64 bits.
    F64(f64),
    /// Text, or JSON text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> FieldValue<'a> {
    /// Reads the value of a field, checked.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are no value of that field.
    pub fn decode(field: &Field, input: &mut &'a [u8]) -> Result<Self> {
        if field.nullable && !bool::decode(input)? {
            return Ok(Self::Null);
        }
        Ok(match field.kind {
            FieldKind::Bool => Self::Bool(bool::decode(input)?),
            FieldKind::I8 => Self::I64(i8::decode(input)?.into()),
            FieldKind::I16 => Self::I64(i16::decode(input)?.into()),
            FieldKind::I32 => Self::I64(i32::decode(input)?.into()),
            FieldKind::I64 => Self::I64(i64::decode(input)?),
            FieldKind::U8 => Self::U64(u8::decode(input)?.into()),
            FieldKind::U16 => Self::U64(u16::decode(input)?.into()),
            FieldKind::U32 => Self::U64(u32::decode(input)?.into()),
            FieldKind::U64 => Self::U64(u64::decode(input)?),
            FieldKind::F32 => Self::F32(f32::decode(input)?),
            FieldKind::F64 => Self::F64(f64::decode(input)?),
            FieldKind::Bytes => Self::Bytes(take_counted(input)?),
            FieldKind::Text | FieldKind::Json => Self::Text(take_text(input)?),
        })
    }

    /// Writes the value as that of a field.
    ///
    /// # Errors
    /// `Invalid` if the field does not hold such values, or the number is out of its range.
    pub fn encode(self, field: &Field, out: &mut impl Sink) -> Result<()> {
        let wrong = || {
            let error = Error::invalid("the value does not fit the field");
            error.with("field", &field.name).with("kind", field.kind).with("value", format!("{self:?}"))
        };
        if field.nullable {
            out.put(&[u8::from(self != Self::Null)]);
            if self == Self::Null {
                return Ok(());
            }
        }
        macro_rules! number {
            ($value:expr, $type:ty) => {
                <$type>::try_from($value).map_err(|_| wrong())?.encode(out)
            };
        }
        match (field.kind, self) {
            (FieldKind::Bool, Self::Bool(value)) => value.encode(out),
            (FieldKind::I8, Self::I64(value)) => number!(value, i8),
            (FieldKind::I16, Self::I64(value)) => number!(value, i16),
            (FieldKind::I32, Self::I64(value)) => number!(value, i32),
            (FieldKind::I64, Self::I64(value)) => value.encode(out),
            (FieldKind::U8, Self::U64(value)) => number!(value, u8),
            (FieldKind::U16, Self::U64(value)) => number!(value, u16),
            (FieldKind::U32, Self::U64(value)) => number!(value, u32),
            (FieldKind::U64, Self::U64(value)) => value.encode(out),
            (FieldKind::F32, Self::F32(value)) => value.encode(out),
            (FieldKind::F64, Self::F64(value)) => value.encode(out),
            (FieldKind::Bytes, Self::Bytes(value)) => put_counted(value, out),
            (FieldKind::Text | FieldKind::Json, Self::Text(value)) => put_counted(value.as_bytes(), out),
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

/// Where the bytes of values go.
pub trait Sink {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Takes so many bytes from the input.
#[inline]
pub(crate) fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(count).ok_or_else(too_short)?;
    *input = rest;
    Ok(taken)
}

#[cold]
fn too_short() -> Error {
    corrupt("a value ends too early")
}

/// Takes bytes with their length in front.
pub(crate) fn take_counted<'a>(input: &mut &'a [u8]) -> Result<&'a [u8]> {
    let count = u32::decode(input)?;
    take(input, count as usize)
}

/// Takes a text with its length in front.
pub(crate) fn take_text<'a>(input: &mut &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(take_counted(input)?).map_err(|source| corrupt("a text is not UTF-8").caused_by(source))
}

/// Puts bytes with their length in front. A longer value than 4 GiB is refused where values are made.
pub(crate) fn put_counted(bytes: &[u8], out: &mut impl Sink) {
    out.put(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.put(bytes);
}

#[cfg(test)]
mod tests;
