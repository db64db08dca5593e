//! Random numbers from a seed: the same seed, the same numbers.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::Result;
use crate::ops::WriteToken;

/// Random numbers that several threads may draw. Not for secrets.
///
/// The generator is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug)]
pub struct Dice {
    state: AtomicU64,
}

impl Dice {
    /// Dice that always fall alike for one seed.
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// Dice that fall differently each time. The seed is that of the standard library's hash maps, which the system
    /// gives, so that no dependency is needed.
    pub fn unseeded() -> Self {
        Self::new(RandomState::new().build_hasher().finish())
    }

    /// Any number.
    pub fn number(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to 1, 1 excluded.
    pub fn fraction(&self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability, from 0 to 1.
    pub fn hits(&self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// A number below the bound; 0 if the bound is 0.
    pub fn below(&self, bound: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(bound)) >> 64) as u64
    }

    /// A time from zero to the bound.
    pub fn time(&self, bound: Duration) -> Duration {
        Duration::try_from_secs_f64(bound.as_secs_f64() * self.fraction()).unwrap_or(bound)
    }
}

/// A maker of [`WriteToken`]s of 128 random bits.
#[derive(Debug)]
pub struct Tokens {
    halves: [Dice; 2],
}

impl Default for Tokens {
    fn default() -> Self {
        Self { halves: [Dice::unseeded(), Dice::unseeded()] }
    }
}

impl Tokens {
    /// A token that no other write has.
    ///
    /// # Errors
    /// None for these tokens: the check is that of every token.
    pub fn make(&self) -> Result<WriteToken> {
        let [one, other] = &self.halves;
        WriteToken::new(format!("{:016x}{:016x}", one.number(), other.number()))
    }
}
