//! Hashing of short keys: a multiplication for each eight bytes, with a seed that nobody outside knows.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map from keys, for tables that are asked for whole keys only.
pub(super) type Points<V> = HashMap<super::key::Key, V, Seeded>;

/// The odd part of the golden ratio in 64 bits: its multiples are spread evenly.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Makes hashers with one seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(SPREAD))
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding(self.0)
    }
}

/// Folds what it gets into 64 bits.
#[derive(Debug)]
pub(super) struct Folding(u64);

impl Folding {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(SPREAD);
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.fold(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.fold(crate::store::keys::head(rest));
        }
    }

    fn write_usize(&mut self, value: usize) {
        self.0 = self.0.rotate_left(23) ^ value as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
