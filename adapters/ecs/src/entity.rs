//! Ids of entities: an index, how often the index was used before, and the shard it belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};
use worldstore_core::{Error, Result};

const INDEX_BITS: u32 = 32;
const GENERATION_BITS: u32 = 20;
const SHARD_BITS: u32 = 11;

/// An entity: what components are attached to.
///
/// An id is never given out twice. The index of a destroyed entity is used again, with the next generation; an index
/// whose generations are used up is retired. Packed into 63 bits, so that it fits a signed column:
///
/// ```text
/// bit 63   62 … 52     51 … 32       31 … 0
///     0    shard       generation    index
/// ```
///
/// Ids are sorted by shard, then generation, then index.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    zerocopy::Immutable,
    zerocopy::IntoBytes,
)]
#[serde(try_from = "u64", into = "u64")]
#[repr(transparent)]
pub struct Entity(u64);

impl Entity {
    /// Indexes below are reserved: alive from the beginning, in generation 0, and never destroyed.
    pub const RESERVED: u32 = 1_000;
    /// The greatest generation.
    pub const GENERATION_MAX: u32 = (1 << GENERATION_BITS) - 1;
    /// The greatest shard.
    pub const SHARD_MAX: u16 = (1 << SHARD_BITS) - 1;
    /// Holds what is there once per world; see [`Entities::set_singleton`](crate::Entities::set_singleton).
    pub const WORLD: Self = Self(0);
    /// Reserved for what tells the time.
    pub const CLOCK: Self = Self(1);
    /// Reserved for what decides what runs.
    pub const SCHEDULER: Self = Self(2);

    /// Puts an id together.
    ///
    /// # Errors
    /// `Invalid` if the shard or the generation is too great.
    pub fn new(shard: u16, index: u32, generation: u32) -> Result<Self> {
        if shard > Self::SHARD_MAX || generation > Self::GENERATION_MAX {
            let error = Error::invalid("there is no such entity id");
            return Err(error.with("shard", shard).with("index", index).with("generation", generation));
        }
        Ok(Self::pack(shard, index, generation))
    }

    /// Puts an id together of parts that are known to be in range.
    pub(crate) fn pack(shard: u16, index: u32, generation: u32) -> Self {
        Self(
            u64::from(shard) << (INDEX_BITS + GENERATION_BITS) | u64::from(generation) << INDEX_BITS | u64::from(index),
        )
    }

    /// Unpacks an id that [`to_bits`](Self::to_bits) gave.
    ///
    /// # Errors
    /// `Invalid` if the highest bit is set.
    pub fn from_bits(bits: u64) -> Result<Self> {
        match bits >> (INDEX_BITS + GENERATION_BITS + SHARD_BITS) {
            0 => Ok(Self(bits)),
            _ => Err(Error::invalid("an entity id has 63 bits").with("bits", bits)),
        }
    }

    /// Unpacks many ids. One look at all of them together is as good as one at each.
    ///
    /// # Errors
    /// `Invalid` if the highest bit of one is set.
    #[cfg(feature = "arrow")]
    pub(crate) fn all_from_bits(all: impl Iterator<Item = u64> + Clone) -> Result<Vec<Self>> {
        Self::from_bits(all.clone().fold(0, |bits, one| bits | one))?;
        Ok(all.map(Self).collect())
    }

    /// The id as 63 bits.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The shard that gave the id.
    pub fn shard(self) -> u16 {
        (self.0 >> (INDEX_BITS + GENERATION_BITS)) as u16
    }

    /// The index in its shard.
    pub fn index(self) -> u32 {
        self.0 as u32
    }

    /// How many entities had the index before.
    pub fn generation(self) -> u32 {
        (self.0 >> INDEX_BITS) as u32 & Self::GENERATION_MAX
    }

    /// True for an id that is alive from the beginning and stays so.
    pub fn is_reserved(self) -> bool {
        self.index() < Self::RESERVED
    }
}

impl fmt::Display for Entity {
    /// `shard.index` and, behind a `v`, the generation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}v{}", self.shard(), self.index(), self.generation())
    }
}

impl From<Entity> for u64 {
    fn from(entity: Entity) -> Self {
        entity.0
    }
}

impl TryFrom<u64> for Entity {
    type Error = Error;

    fn try_from(bits: u64) -> Result<Self> {
        Self::from_bits(bits)
    }
}

#[cfg(test)]
mod tests;
