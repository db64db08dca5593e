//! Which call fails, and how: dice with a seed, for the sync and the async wrapper.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

use super::dice::Dice;
use super::operation::{Class, Operation};

/// How likely each fault of a class of operations is: probabilities from 0 to 1, all 0 by default.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Odds {
    /// The call fails before the backend hears of it.
    pub error: f64,
    /// The backend does it and the reply is lost: a read fails, a change is [`Outcome::Unknown`](crate::Outcome).
    pub lost_reply: f64,
    /// A body ends or breaks before its end. Of class [`Class::Read`] only.
    pub short_read: f64,
    /// The writer dies just before its commit, which fails; nothing is published. Of class [`Class::Commit`] only.
    pub torn: f64,
    /// The call takes longer, by a time up to `latency_max`.
    pub latency: f64,
    /// The longest such time.
    pub latency_max: Duration,
}

impl Odds {
    /// Sets how likely an error is.
    #[must_use]
    pub fn with_error(mut self, probability: f64) -> Self {
        self.error = probability;
        self
    }

    /// Sets how likely a lost reply is.
    #[must_use]
    pub fn with_lost_reply(mut self, probability: f64) -> Self {
        self.lost_reply = probability;
        self
    }

    /// Sets how likely a short read is.
    #[must_use]
    pub fn with_short_read(mut self, probability: f64) -> Self {
        self.short_read = probability;
        self
    }

    /// Sets how likely a torn write is.
    #[must_use]
    pub fn with_torn(mut self, probability: f64) -> Self {
        self.torn = probability;
        self
    }

    /// Sets how likely latency is, and its longest time.
    #[must_use]
    pub fn with_latency(mut self, probability: f64, max: Duration) -> Self {
        (self.latency, self.latency_max) = (probability, max);
        self
    }
}

/// The odds of every class, and the seed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct FaultOptions {
    /// The same seed and the same calls in the same order: the same faults.
    pub seed: u64,
    odds: [Odds; Class::ALL.len()],
}

impl FaultOptions {
    /// No faults, with this seed for those that are added.
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Sets the odds of one class.
    #[must_use]
    pub fn with(mut self, class: Class, odds: Odds) -> Self {
        self.odds[class as usize] = odds;
        self
    }

    /// Sets the odds of every class.
    #[must_use]
    pub fn everywhere(mut self, odds: Odds) -> Self {
        self.odds = [odds; Class::ALL.len()];
        self
    }
}

/// What is to happen to a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fate {
    /// How long to wait first.
    pub latency: Option<Duration>,
    /// What goes wrong then.
    pub fault: Fault,
    /// After which part of its bytes a body is cut, from 0 to 1, and whether with an error or silently.
    pub cut: Option<(f64, Ending)>,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The backend must not be called.
    Error,
    /// The reply of the backend must be withheld.
    LostReply,
    /// The writer must be dropped instead of being committed.
    Torn,
}

/// How a body is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With an error.
    Error,
    /// As if it were complete.
    Silent,
}

/// Dice that decide on calls.
#[derive(Debug)]
pub struct FaultPlan {
    options: FaultOptions,
    dice: Dice,
}

impl FaultPlan {
    /// A plan by these odds.
    pub fn new(options: FaultOptions) -> Self {
        Self { options, dice: Dice::new(options.seed) }
    }

    /// Decides on a call. Every call draws as often, so that odds do not shift what befalls others.
    pub fn roll(&self, operation: Operation) -> Fate {
        let odds = self.options.odds[operation.class() as usize];
        let [latency, error, lost, torn, short, silent] = std::array::from_fn(|_| self.dice.fraction());
        let (time, place) = (self.dice.time(odds.latency_max), self.dice.fraction());
        let fault = match operation {
            _ if error < odds.error => Fault::Error,
            Operation::Commit if torn < odds.torn => Fault::Torn,
            _ if lost < odds.lost_reply => Fault::LostReply,
            _ => Fault::None,
        };
        let ending = if silent < 0.5 { Ending::Silent } else { Ending::Error };
        Fate {
            latency: (latency < odds.latency).then_some(time),
            fault,
            cut: (short < odds.short_read).then_some((place, ending)),
        }
    }
}

/// The error of a fault.
pub fn injected(operation: Operation, message: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, message).during(operation.as_str())
}
