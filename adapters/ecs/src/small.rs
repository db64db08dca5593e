//! Bytes of a value: small ones in place, large ones shared.

use std::fmt;
use std::sync::Arc;

use crate::field::Sink;

/// As many bytes are kept in place: three numbers of 64 bits, or a 3-by-2 block of 32 bits.
const INLINE_BYTES: usize = 30;

/// Bytes that are cheap to clone.
#[derive(Clone)]
pub struct SmallBytes(Held);

#[derive(Clone)]
enum Held {
    Inline {
        length: u8,
        bytes: [u8; INLINE_BYTES],
    },
    Heap(Arc<[u8]>),
    /// Still growing.
    Growing(Vec<u8>),
}

impl SmallBytes {
    /// No bytes.
    #[inline]
    pub fn new() -> Self {
        Self(Held::Inline { length: 0, bytes: [0; INLINE_BYTES] })
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Held::Inline { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Held::Heap(bytes) => bytes,
            Held::Growing(bytes) => bytes,
        }
    }

    /// The same bytes, cheap to clone whatever their length.
    #[inline]
    pub fn frozen(self) -> Self {
        match self.0 {
            Held::Growing(bytes) => Self(Held::Heap(bytes.into())),
            held => Self(held),
        }
    }
}

impl Sink for SmallBytes {
    #[inline]
    fn put(&mut self, more: &[u8]) {
        match &mut self.0 {
            Held::Inline { length, bytes } => {
                let start = usize::from(*length);
                match bytes.get_mut(start..start + more.len()) {
                    Some(free) => {
                        free.copy_from_slice(more);
                        // At most INLINE_BYTES, which fits.
                        *length += more.len() as u8;
                    }
                    None => self.0 = Held::Growing([&bytes[..start], more].concat()),
                }
            }
            Held::Heap(bytes) => self.0 = Held::Growing([bytes, more].concat()),
            Held::Growing(bytes) => bytes.extend_from_slice(more),
        }
    }
}

impl From<&[u8]> for SmallBytes {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        if bytes.len() > INLINE_BYTES {
            return Self(Held::Heap(bytes.into()));
        }
        let mut small = Self::new();
        small.put(bytes);
        small
    }
}

impl Default for SmallBytes {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for SmallBytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for SmallBytes {}

impl fmt::Debug for SmallBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_slice())
    }
}
