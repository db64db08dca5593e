//! CRC-32C, the checksum of iSCSI and of most object stores: it tells damage, not malice.

use std::fmt;

/// A CRC-32C (Castagnoli) over bytes in pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crc32c(u32);

/// The polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// Row `n` is the remainder of a byte that `n` zero bytes follow.
static TABLES: [[u32; 256]; BLOCK_BYTES] = tables();
/// Bytes that are looked up at once, each in a table of its own.
const BLOCK_BYTES: usize = 16;

const fn tables() -> [[u32; 256]; BLOCK_BYTES] {
    let mut tables = [[0; 256]; BLOCK_BYTES];
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
    while row < BLOCK_BYTES {
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
        let mut crc = !self.0;
        let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        for block in blocks {
            let mut block = *block;
            // What came before is carried by the first four bytes.
            for (byte, carried) in block.iter_mut().zip(crc.to_le_bytes()) {
                *byte ^= carried;
            }
            let rows = TABLES.iter().rev();
            crc = block.iter().zip(rows).fold(0, |crc, (byte, row)| crc ^ row[usize::from(*byte)]);
        }
        for byte in rest {
            crc = (crc >> 8) ^ TABLES[0][((crc ^ u32::from(*byte)) & 0xff) as usize];
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
