//! The encoding of rows: bytes that sort as the values do, and that end by themselves.
//!
//! Values are written through serde. Comparing two encodings byte by byte gives what the derived `Ord` of the values
//! gives, and no encoding is the beginning of another of the same type. So encodings can be put one after another as the
//! key of an ordered map: all rows of a join key lie side by side.
//!
//! | value | bytes |
//! |---|---|
//! | integer of any width, `char` | one byte for sign and length (`0x80 + n`, negative `0x7f - n`), then `n` bytes, most significant first; negative ones complemented |
//! | `bool` | `0` or `1` |
//! | `f32`, `f64` | 4 or 8 bytes, in the order of `total_cmp` |
//! | text, bytes | as they are, `0` as `0 255`; at the end `0 0` |
//! | option | `0`, or `1` and the value |
//! | sequence, map | `1` before every element or entry, `0` at the end |
//! | tuple, struct | the fields one after another, in the order of declaration |
//! | enum | the number of the variant as an integer, then its fields |
//! | [`Desc`] | the encoding inside with every bit flipped, which turns the order around |
//!
//! Each value has one encoding: integers that are longer than needed are refused when read. Values nested deeper than
//! 128 levels are refused on both sides. Types that need a self-describing format (untagged and tagged enums, flattened
//! fields) cannot be read: a circuit with an operator that would keep them is refused, as far as that can be seen without
//! a value. Fields that are skipped on some values only are refused when they are written. Integers of all widths share
//! one encoding, so a field can become wider; PostgreSQL wants its column to be altered then.

mod decoder;
mod desc;
mod encoder;
mod failure;

pub use desc::Desc;
pub(crate) use failure::Failure;

use serde::Serialize;
use serde::de::DeserializeOwned;
use worldstore_core::Result;

/// The deepest nesting of values.
const DEPTH_MAX: u32 = 128;

/// Encodes a value.
///
/// # Errors
/// `Invalid` if the type cannot be encoded (see the module) or is nested too deeply.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(24);
    encode_into(value, &mut bytes)?;
    Ok(bytes)
}

/// Encodes a value behind what is already in `bytes`.
///
/// # Errors
/// As [`encode`]; `bytes` may then hold a part of the value.
pub fn encode_into<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) -> Result<()> {
    value.serialize(&mut encoder::Encoder::new(bytes)).map_err(failure::Failure::on_write)
}

/// Decodes a value from all of `bytes`.
///
/// # Errors
/// `Corrupt` if the bytes are no encoding of the type, or go on after it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let (value, rest) = decode_prefix(bytes)?;
    match rest.is_empty() {
        true => Ok(value),
        false => Err(failure::Failure::new("bytes follow the value").on_read().with("count", rest.len())),
    }
}

/// Decodes a value from the beginning of `bytes` and gives what follows it.
///
/// # Errors
/// `Corrupt` if the bytes do not begin with an encoding of the type.
pub fn decode_prefix<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8])> {
    let mut decoder = decoder::Decoder::new(bytes);
    let value = T::deserialize(&mut decoder).map_err(failure::Failure::on_read)?;
    Ok((value, decoder.rest()))
}

#[cfg(test)]
mod tests;
