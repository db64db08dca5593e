//! The bytes that the kit writes, and how it shows the bytes that it reads.

use bytes::Bytes;

/// Longer contents are shown by length and checksum.
const SHOWN_BYTES_MAX: usize = 48;

/// The content of an object or of a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// A text.
    Text(&'static str),
    /// A stretch of one long sequence without visible period: a byte that is out of place shows.
    Stretch {
        /// The place of the first byte in the sequence.
        from: u64,
        /// Bytes.
        length: usize,
    },
}

impl Body {
    /// The bytes.
    pub fn bytes(&self) -> Bytes {
        match self {
            Self::Text(text) => Bytes::from_static(text.as_bytes()),
            Self::Stretch { from, length } => (*from..*from + *length as u64).map(byte_at).collect(),
        }
    }

    /// The number of bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Stretch { length, .. } => *length as u64,
        }
    }

    /// As [`digest`] shows it.
    pub fn digest(&self) -> String {
        digest(&self.bytes())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

/// The byte at a place of the sequence: the top byte of a multiplicative hash.
fn byte_at(place: u64) -> u8 {
    (place.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
}

/// Short text as it is, everything else as length and checksum (64-bit FNV-1a).
pub fn digest(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len() <= SHOWN_BYTES_MAX => format!("{text:?}"),
        _ => format!("{} bytes, checksum {:016x}", bytes.len(), checksum(bytes)),
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}
