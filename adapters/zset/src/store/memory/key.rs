//! A key of a map in memory: short ones lie in the node of the map itself, so that a search follows no pointers.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The longest key that needs no memory of its own. With it a key has 32 bytes.
const INLINE_BYTES_MAX: usize = 30;

/// Bytes that are compared and hashed as slices are.
#[derive(Clone)]
pub(super) enum Key {
    Inline(u8, [u8; INLINE_BYTES_MAX]),
    Boxed(Box<[u8]>),
}

impl Key {
    /// A copy of the bytes.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut inline = [0; INLINE_BYTES_MAX];
        match (u8::try_from(bytes.len()), inline.get_mut(..bytes.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(bytes);
                Self::Inline(length, inline)
            }
            _ => Self::Boxed(bytes.into()),
        }
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Inline(length, inline) => inline.get(..usize::from(*length)).unwrap_or_default(),
            Self::Boxed(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().fmt(f)
    }
}

#[cfg(test)]
mod tests;
