//! CRC-32C, the checksum of iSCSI and of most object stores: it tells damage, not malice.

use std::fmt;

/// A CRC-32C (Castagnoli) over bytes in pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crc32c(u32);

impl Crc32c {
    /// Of no bytes.
    pub fn new() -> Self {
        Self(0)
    }

    /// The checksum with this value: one that was stored.
    pub fn from_value(value: u32) -> Self {
        Self(value)
    }

    /// Of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut crc = Self::new();
        crc.update(bytes);
        crc
    }

    /// Appends bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0 = crc32c::crc32c_append(self.0, bytes);
    }

    /// The value.
    pub fn value(&self) -> u32 {
        self.0
    }
}

impl Default for Crc32c {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Crc32c {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for Crc32c {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crc32c({self})")
    }
}

#[cfg(test)]
mod tests;
