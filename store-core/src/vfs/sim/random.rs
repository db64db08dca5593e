//! Numbers that look random and are the same each time, so that what a test met can be met again.

/// A generator of numbers from a seed: SplitMix64, as published by Steele, Lea and Flood (OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts at a seed. Every seed is as good as another.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Starts at a seed and what it is for, so that one use does not shift another.
    pub fn of(seed: u64, uses: &[u64]) -> Self {
        let mut random = Self(seed);
        for one in uses {
            random = Self(random.number() ^ one.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        }
        random
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    /// A number below a limit; 0 if the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.number()) * u128::from(limit);
        (wide >> 64) as u64
    }

    /// As [`below`](Self::below), for indexes.
    pub fn index(&mut self, limit: usize) -> usize {
        self.below(limit as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// So many bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.number().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}
