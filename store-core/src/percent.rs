//! Percent escapes, as URIs and partition paths have them: `%` and two hexadecimal digits for a byte.

use crate::error::{Error, Result};

/// Undoes percent escapes. Everything else stays as it is, `+` too.
///
/// ```
/// # fn main() -> worldstore_core::Result<()> {
/// assert_eq!(worldstore_core::percent::decode("New%20York%2fQueens")?, "New York/Queens");
/// assert!(worldstore_core::percent::decode("5%").is_err());
/// # Ok(()) }
/// ```
///
/// # Errors
/// `Invalid` for a `%` without two hexadecimal digits behind it, and if the bytes are no UTF-8. The error does not repeat
/// the text, which may be a password.
pub fn decode(text: &str) -> Result<String> {
    decoded(text, |_| Err(Error::invalid("percent sign is not followed by two hexadecimal digits")))
}

/// Undoes percent escapes as Hive and Spark do: a `%` that begins no escape stands for itself.
///
/// # Errors
/// `Invalid` if the bytes are no UTF-8.
pub fn decode_loosely(text: &str) -> Result<String> {
    decoded(text, |bytes| {
        bytes.push(b'%');
        Ok(())
    })
}

/// Writes everything but ASCII letters, digits, `-`, `.`, `_`, `~`, `=` and `/` as percent escapes: a path for a URI.
///
/// ```
/// assert_eq!(worldstore_core::percent::encode_path("New York/a=5%"), "New%20York/a=5%25");
/// ```
pub fn encode_path(text: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~=/".contains(byte);
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match is_plain(&byte) {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Where the first `%` is that is not followed by two hexadecimal digits, in bytes.
pub fn wrong_escape(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_wrong = |at: &usize| bytes[*at] == b'%' && escaped(&bytes[at + 1..]).is_none();
    (0..bytes.len()).find(is_wrong)
}

fn decoded(text: &str, stray: impl Fn(&mut Vec<u8>) -> Result<()>) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, escaped(after)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'%', None) => stray(&mut bytes)?,
            (plain, _) => bytes.push(*plain),
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid("percent escapes are no UTF-8"))
}

/// The byte that two hexadecimal digits at the beginning mean.
fn escaped(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits.first_chunk::<2>()?.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

#[cfg(test)]
mod tests;
