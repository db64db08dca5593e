//! Buffers as lists of numbers.

use worldstore_core::Result;
use zerocopy::FromBytes;

use crate::Entity;
use crate::error::corrupt;

/// Little-endian numbers of 32 bits.
pub fn u32s(bytes: &[u8]) -> Vec<u32> {
    let number = |part: &[u8]| part.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
    match <[u32]>::ref_from_bytes(bytes) {
        Ok(numbers) if cfg!(target_endian = "little") => numbers.to_vec(),
        _ => bytes.chunks_exact(4).map(number).collect(),
    }
}

/// Little-endian numbers of 64 bits.
pub fn u64s(bytes: &[u8]) -> Vec<u64> {
    let number = |part: &[u8]| part.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    match <[u64]>::ref_from_bytes(bytes) {
        Ok(numbers) if cfg!(target_endian = "little") => numbers.to_vec(),
        _ => bytes.chunks_exact(8).map(number).collect(),
    }
}

/// Entities.
pub fn entities(bytes: &[u8]) -> Result<Vec<Entity>> {
    let entity = |bits| Entity::from_bits(bits).map_err(|source| corrupt("a number is no entity").caused_by(source));
    u64s(bytes).into_iter().map(entity).collect()
}

/// Whether a bit is set.
pub fn bit(bits: &[u8], place: usize) -> bool {
    bits.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
}
