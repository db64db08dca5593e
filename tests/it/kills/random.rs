//! Numbers that look random and are the same each time, so that what a test met can be met again.

use std::time::Duration;

/// A generator of numbers from a seed: SplitMix64, as published by Steele, Lea and Flood (OOPSLA 2014).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Starts at what it is for, so that one use does not shift another.
    pub fn of(uses: &[u64]) -> Self {
        uses.iter().fold(Self(0), |mut random, one| Self(random.number() ^ one.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(limit)) >> 64) as u64
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A time below so many milliseconds.
    pub fn time(&mut self, milliseconds: u64) -> Duration {
        Duration::from_micros(self.below(1_000 * milliseconds))
    }
}
