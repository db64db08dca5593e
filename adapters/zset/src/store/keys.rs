//! Keys one after another in one piece of memory.

use std::ops::Range;

use worldstore_core::Result;

/// Any number of byte strings in one piece of memory, so that a key costs no allocation of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    bytes: Vec<u8>,
    /// Where each one ends; it begins where the one before it ends.
    ends: Vec<usize>,
}

impl Keys {
    /// No keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// No keys, with room for so many.
    pub fn with_capacity(count: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(count) }
    }

    /// Puts a key behind the others.
    pub fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    /// Puts what the function writes behind the others, as one key.
    ///
    /// # Errors
    /// Those of the function; the keys are then as before.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        let before = self.bytes.len();
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(before);
            return Err(error);
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A key by its number; empty if there is none.
    pub fn get(&self, index: usize) -> &[u8] {
        let end = self.ends.get(index).copied().unwrap_or_default();
        self.bytes.get(self.begin(index)..end).unwrap_or_default()
    }

    /// The keys in their order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut begin = 0;
        self.ends.iter().map(move |end| {
            let key = self.bytes.get(begin..*end).unwrap_or_default();
            begin = *end;
            key
        })
    }

    /// Puts a part of other keys behind these.
    pub(crate) fn extend_from(&mut self, other: &Self, part: Range<usize>) {
        let (begin, end) = (other.begin(part.start), other.begin(part.end));
        let moved = self.bytes.len();
        self.bytes.extend_from_slice(other.bytes.get(begin..end).unwrap_or_default());
        let ends = other.ends.get(part).unwrap_or_default();
        self.ends.extend(ends.iter().map(|end| end - begin + moved));
    }

    /// How many bytes all keys have.
    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    fn begin(&self, index: usize) -> usize {
        match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(self.bytes.len()),
            None => 0,
        }
    }
}

/// The first bytes as a number: where two differ, so do the bytes, in the same order.
pub(crate) fn head(bytes: &[u8]) -> u64 {
    if let Some(first) = bytes.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; 8];
    first.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    u64::from_be_bytes(first)
}
