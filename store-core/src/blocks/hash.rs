//! BLAKE3 hashes and other fixed bytes, written as lower-case hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};

/// A BLAKE3 hash: 32 bytes, shown and stored as 64 lower-case hexadecimal digits.
///
/// ```
/// use worldstore_core::blocks::Hash;
///
/// # fn main() -> worldstore_core::Result<()> {
/// let hash = Hash::of(b"");
/// assert_eq!(hash.to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
/// assert_eq!(hash.to_string().parse::<Hash>()?, hash);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// A hash that was computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Hash {
    type Err = Error;

    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) unless the text is 64 lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let parsed = hex_bytes(text).map(Self);
        parsed.ok_or_else(|| Error::invalid("a hash is 64 lower-case hexadecimal digits").with("length", text.len()))
    }
}

/// A hash over pieces, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Over nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds a number: 8 bytes, little endian.
    pub fn update_number(&mut self, number: u64) {
        self.update(&number.to_le_bytes());
    }

    /// Adds a text: the number of its bytes, then these.
    pub fn update_text(&mut self, text: &str) {
        self.update_number(text.len() as u64);
        self.update(text.as_bytes());
    }

    /// The hash of everything so far.
    pub fn hash(&self) -> Hash {
        Hash(*self.0.finalize().as_bytes())
    }
}

/// The random name of one attempt to publish: 16 bytes, shown and stored as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId([u8; 16]);

impl CommitId {
    /// An id of these bytes. No two commits may share one.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl FromStr for CommitId {
    type Err = Error;

    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) unless the text is 32 lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let parsed = hex_bytes(text).map(Self);
        parsed.ok_or_else(|| Error::invalid("a commit is 32 lower-case hexadecimal digits").with("length", text.len()))
    }
}

/// The bytes of a text that is exactly two lower-case digits for each.
fn hex_bytes<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    if text.len() != 2 * LENGTH {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = (digit(*pair.first()?)? << 4) | digit(*pair.get(1)?)?;
    }
    Some(bytes)
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let text: String = nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)).collect();
    f.pad(&text)
}

/// Shown, stored and read as text.
macro_rules! as_text {
    ($type:ty, $expecting:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

as_text!(Hash, "64 lower-case hexadecimal digits");
as_text!(CommitId, "32 lower-case hexadecimal digits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_digits_of_the_right_number_are_a_hash() {
        let good = Hash::of(b"x").to_string();
        assert_eq!(good.parse::<Hash>().unwrap(), Hash::of(b"x"));
        for bad in ["", &good[1..], &good.to_uppercase(), &format!("{good}0"), &good.replace('a', "g"), &"é".repeat(32)]
        {
            assert!(bad.parse::<Hash>().is_err(), "{bad}");
        }
        assert!("0123456789abcdef0123456789abcdef".parse::<CommitId>().is_ok());
        assert!("0123456789abcdef0123456789abcdeF".parse::<CommitId>().is_err());
    }

    #[test]
    fn pieces_hash_as_the_whole() {
        let mut hasher = Hasher::new();
        hasher.update(b"one ");
        hasher.update(b"two");
        assert_eq!(hasher.hash(), Hash::of(b"one two"));
    }
}
