//! The keys of the log's objects.

use crate::error::Result;
use crate::key::{Key, Prefix};

/// The folder of what tells where the log begins.
pub(super) const FLOOR: &str = "floor";
/// Digits of the largest number.
const DIGITS: usize = 20;

/// The place of an object in the log. Both numbers grow from one to the next, the second by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    /// The sequence number of its first record; of a fence, that of the record which comes next.
    pub first: u64,
    /// Counts the objects of the log, from 1.
    pub number: u64,
}

impl Slot {
    /// Where a log begins.
    pub(super) const START: Self = Self { first: 1, number: 1 };

    pub(super) fn name(&self) -> String {
        format!("{:020}-{:020}", self.first, self.number)
    }

    pub(super) fn key(&self, folder: &Prefix) -> Result<Key> {
        folder.key(self.name())
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let (first, number) = name.split_once('-')?;
        Some(Self { first: parse(first)?, number: parse(number)? })
    }
}

fn parse(text: &str) -> Option<u64> {
    (text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
