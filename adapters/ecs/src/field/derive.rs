//! What the derive macro calls.

use serde::Serialize;
use serde::de::DeserializeOwned;
use worldstore_core::{Error, Result};

use super::{FieldSpec, Sink, put_counted, take_counted, take_text};
use crate::error::corrupt;

/// Writes a value as JSON text.
///
/// # Errors
/// `Invalid` if serde does not.
pub fn encode_json(value: &impl Serialize, out: &mut impl Sink) -> Result<()> {
    let text = serde_json::to_vec(value).map_err(|source| Error::invalid("not written as JSON").caused_by(source))?;
    put_counted(&text, out);
    Ok(())
}

/// Reads a value from JSON text.
///
/// # Errors
/// `Corrupt` if serde does not.
pub fn decode_json<Value: DeserializeOwned>(input: &mut &[u8]) -> Result<Value> {
    let text = take_counted(input)?;
    serde_json::from_slice(text).map_err(|source| corrupt("not read from JSON").caused_by(source))
}

/// Writes text.
pub fn encode_text(text: &str, out: &mut impl Sink) {
    put_counted(text.as_bytes(), out);
}

/// Reads text.
///
/// # Errors
/// `Corrupt` if it is none.
pub fn decode_text<'a>(input: &mut &'a [u8]) -> Result<&'a str> {
    take_text(input)
}

/// A name that no variant has.
pub fn no_variant(name: &str) -> Error {
    corrupt("the type has no such variant").with("variant", name.escape_debug())
}

/// How many bytes the fields take; `usize::MAX` if that differs, or if not all bits of them are values.
pub const fn width(fields: &[FieldSpec]) -> usize {
    let (mut place, mut sum) = (0, 0);
    while place < fields.len() {
        let field = fields[place];
        let items = match field.items {
            Some(items) => items,
            None => 1,
        };
        match field.kind.width() {
            Some(width) if !field.nullable => sum += width * items,
            _ => return usize::MAX,
        }
        place += 1;
    }
    sum
}
