//! Numbers as differences to the one before, packed by blocks.
//!
//! The layout: <https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC>.

use worldstore_core::Result;

use super::damaged;

/// Gives so many numbers, in their order.
///
/// # Errors
/// `Corrupt` if there are fewer.
pub(super) fn unpack(bytes: &[u8], count: usize, mut put: impl FnMut(i64)) -> Result<()> {
    let mut reader = Reader { bytes };
    let (block, parts, total) = (reader.varint()?, reader.varint()?, reader.varint()?);
    let mut value = reader.zigzag()?;
    let per_part =
        block.checked_div(parts).and_then(|values| usize::try_from(values).ok()).filter(|values| *values > 0);
    let per_part = per_part.ok_or_else(|| damaged("blocks of differences are empty"))?;
    if total < count as u64 {
        return Err(damaged("a page has fewer values than it claims"));
    }
    if count == 0 {
        return Ok(());
    }
    put(value);
    let mut left = count - 1;
    while left > 0 {
        let lowest = reader.zigzag()?;
        let widths = reader.take(usize::try_from(parts).unwrap_or(usize::MAX))?;
        for width in widths.iter().copied().map(usize::from) {
            let here = per_part.min(left);
            let packed = reader.packed(width, per_part, here)?;
            for index in 0..here {
                let difference = bits(packed, index * width, width) as i64;
                value = value.wrapping_add(lowest).wrapping_add(difference);
                put(value);
            }
            left -= here;
            if left == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// The number of so many bits that begins at one; what lies beyond the bytes is zero.
fn bits(bytes: &[u8], from: usize, width: usize) -> u64 {
    let mut word = [0; 16];
    match bytes.get(from / 8..from / 8 + 16) {
        Some(all) => word.copy_from_slice(all),
        None => word.iter_mut().zip(bytes.get(from / 8..).unwrap_or_default()).for_each(|(to, byte)| *to = *byte),
    }
    let mask = ((1_u128 << width) - 1) as u64;
    (u128::from_le_bytes(word) >> (from % 8)) as u64 & mask
}

struct Reader<'bytes> {
    bytes: &'bytes [u8],
}

impl<'bytes> Reader<'bytes> {
    fn take(&mut self, count: usize) -> Result<&'bytes [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(ended)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().ok_or_else(ended)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ended())
    }

    fn zigzag(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A part of a block in which so many numbers have a width; of them, so many have to be there.
    fn packed(&mut self, width: usize, numbers: usize, needed: usize) -> Result<&'bytes [u8]> {
        if width > 64 {
            return Err(damaged("differences are too wide"));
        }
        let stored = numbers.saturating_mul(width).div_ceil(8).min(self.bytes.len());
        match needed.saturating_mul(width).div_ceil(8) <= stored {
            true => self.take(stored),
            false => Err(ended()),
        }
    }
}

fn ended() -> worldstore_core::Error {
    damaged("differences end too early")
}
