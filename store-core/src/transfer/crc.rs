//! CRC-32C, the checksum of iSCSI and of most object stores: it tells damage, not malice.

use std::fmt;

/// A CRC-32C (Castagnoli) over bytes in pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crc32c(u32);

/// The polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// Row `n` is the remainder of a byte that `n` zero bytes follow.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { (rest >> 1) ^ POLYNOMIAL } else { rest >> 1 };
            bit += 1;
        }
        tables[0][byte] = rest;
        byte += 1;
    }
    let mut row = 1;
    while row < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[row - 1][byte];
            tables[row][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        row += 1;
    }
    tables
}

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
        let at = |row: usize, byte: u32| TABLES[row][(byte & 0xff) as usize];
        let mut crc = !self.0;
        let (words, rest) = bytes.as_chunks::<8>();
        for [a, b, c, d, e, f, g, h] in words {
            let low = crc ^ u32::from_le_bytes([*a, *b, *c, *d]);
            crc = at(7, low)
                ^ at(6, low >> 8)
                ^ at(5, low >> 16)
                ^ at(4, low >> 24)
                ^ at(3, u32::from(*e))
                ^ at(2, u32::from(*f))
                ^ at(1, u32::from(*g))
                ^ at(0, u32::from(*h));
        }
        for byte in rest {
            crc = (crc >> 8) ^ at(0, crc ^ u32::from(*byte));
        }
        self.0 = !crc;
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
