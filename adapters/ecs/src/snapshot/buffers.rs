//! Buffers as lists of numbers.

use worldstore_core::Result;

use crate::Entity;
use crate::error::corrupt;

/// Little-endian numbers of 32 bits.
pub fn u32s(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number)).collect()
}

/// Little-endian numbers of 64 bits.
pub fn u64s(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks().0.iter().map(|number| u64::from_le_bytes(*number)).collect()
}

/// Entities.
pub fn entities(bytes: &[u8]) -> Result<Vec<Entity>> {
    let numbers = bytes.as_chunks().0.iter().map(|number| u64::from_le_bytes(*number));
    let entities = Entity::all_from_bits(numbers);
    entities.map_err(|source| corrupt("a number is no entity").caused_by(source))
}

/// Whether a bit is set.
pub fn bit(bits: &[u8], place: usize) -> bool {
    bits.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
}
