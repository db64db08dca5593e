//! Settings and parts of a chain of manifests.

use std::sync::Arc;
use std::time::Duration;

use super::clock::{SystemWallClock, WallClock};
use super::rules::check_name;
use crate::blocks::{BlockOptions, CommitId};
use crate::error::{Error, Result};
use crate::planted::Planted;
use crate::wrap::Dice;

/// Settings of [`Manifests`](super::Manifests).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ManifestOptions {
    /// Who publishes, for people; empty by default.
    pub writer: String,
    /// How often a change is tried while others publish first; 1,000 by default. Each time it is made anew on the newest
    /// manifest.
    pub attempts: u32,
    /// How often it is looked again, or written again, what became of a write without a clear answer; 8 by default.
    pub settle_attempts: u32,
    /// The longest pause between two attempts, drawn at random; 50 ms by default.
    pub pause_max: Duration,
    /// Settings of the blocks.
    pub blocks: BlockOptions,
    /// The clock; the system's by default.
    pub clock: Arc<dyn WallClock>,
    /// A seed for commit ids and pauses, for tests that must run alike each time; none by default. Two handles with the
    /// same seed take each other's commits for their own.
    pub seed: Option<u64>,
    /// Bugs on purpose.
    #[doc(hidden)]
    pub planted: Planted,
}

impl Default for ManifestOptions {
    fn default() -> Self {
        Self {
            writer: String::new(),
            attempts: 1_000,
            settle_attempts: 8,
            pause_max: Duration::from_millis(50),
            blocks: BlockOptions::default(),
            clock: Arc::new(SystemWallClock),
            seed: None,
            planted: Planted::default(),
        }
    }
}

impl ManifestOptions {
    /// Says who publishes.
    #[must_use]
    pub fn with_writer(mut self, writer: impl Into<String>) -> Self {
        self.writer = writer.into();
        self
    }

    /// Sets how often a change is tried.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how often it is looked again what became of a write.
    #[must_use]
    pub fn with_settle_attempts(mut self, settle_attempts: u32) -> Self {
        self.settle_attempts = settle_attempts;
        self
    }

    /// Sets the longest pause between two attempts.
    #[must_use]
    pub fn with_pause_max(mut self, pause_max: Duration) -> Self {
        self.pause_max = pause_max;
        self
    }

    /// Sets the settings of the blocks.
    #[must_use]
    pub fn with_blocks(mut self, blocks: BlockOptions) -> Self {
        self.blocks = blocks;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn WallClock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.attempts == 0 || self.settle_attempts == 0 {
            return Err(Error::invalid("a change takes one attempt at least"));
        }
        match self.writer.is_empty() {
            true => Ok(()),
            false => check_name(&self.writer),
        }
    }
}

/// Random numbers for commit ids and pauses.
#[derive(Debug)]
pub(super) struct Chance {
    halves: [Dice; 2],
}

impl Chance {
    pub fn new(seed: Option<u64>) -> Self {
        let halves = match seed {
            Some(seed) => [Dice::new(seed), Dice::new(!seed)],
            None => [Dice::unseeded(), Dice::unseeded()],
        };
        Self { halves }
    }

    pub fn commit(&self) -> CommitId {
        let [one, other] = &self.halves;
        let number = (u128::from(one.number()) << 64) | u128::from(other.number());
        CommitId::from_bytes(number.to_be_bytes())
    }

    /// A pause that gets longer with each attempt, up to the bound.
    pub fn pause(&self, attempt: u32, bound: Duration) -> Duration {
        let [one, _] = &self.halves;
        one.time(Duration::from_millis(1 << attempt.min(10)).min(bound))
    }
}
