//! When to try again, and how long to wait before: decisions without I/O, for the sync and the async wrapper.

use std::ops::Range;
use std::time::Duration;

use crate::capability::Capability;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ops::*;

use super::dice::{Dice, Tokens};

/// How often and how long a call is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryOptions {
    /// Attempts of one call, the first included. 5 by default.
    pub attempts_max: u32,
    /// The longest pause before the second attempt; it doubles with each further one. 100 ms by default.
    pub pause_base: Duration,
    /// No pause is longer, unless the service asks for it. 10 s by default.
    pub pause_max: Duration,
    /// No attempt begins later than this after the first. 60 s by default.
    pub elapsed_max: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            attempts_max: 5,
            pause_base: Duration::from_millis(100),
            pause_max: Duration::from_secs(10),
            elapsed_max: Duration::from_secs(60),
        }
    }
}

impl RetryOptions {
    /// Sets the number of attempts.
    #[must_use]
    pub fn with_attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = attempts;
        self
    }

    /// Sets the longest pause before the second attempt, and before any.
    #[must_use]
    pub fn with_pauses(mut self, base: Duration, max: Duration) -> Self {
        (self.pause_base, self.pause_max) = (base, max);
        self
    }

    /// Sets the time within which attempts begin.
    #[must_use]
    pub fn with_elapsed_max(mut self, elapsed: Duration) -> Self {
        self.elapsed_max = elapsed;
        self
    }
}

/// Whether a call does no harm when it is made twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It does none: reads, listings.
    Harmless,
    /// It may: only a failure that surely changed nothing allows another attempt. So it is with every change, also one
    /// without a condition: what was given up may still run, and undo what was written after it.
    IfUnchanged,
}

impl Repeat {
    fn allows(self, error: &Error) -> bool {
        match error.retry() {
            Retry::Later => true,
            Retry::AfterReadBack => self == Self::Harmless,
            Retry::Never => false,
        }
    }
}

/// The decisions: full jitter, a bound on attempts and one on time, and the pause that the service asks for.
#[derive(Debug)]
pub struct RetryPolicy {
    options: RetryOptions,
    jitter: Dice,
    tokens: Tokens,
}

/// The attempts of one call so far.
#[derive(Debug, Clone, Copy)]
pub struct Attempts {
    began: Duration,
    made: u32,
}

impl RetryPolicy {
    /// A policy with this jitter.
    pub fn new(options: RetryOptions, jitter: Dice) -> Self {
        Self { options, jitter, tokens: Tokens::default() }
    }

    /// Begins a call.
    pub fn begin(&self, now: Duration) -> Attempts {
        Attempts { began: now, made: 0 }
    }

    /// The pause before the next attempt; none if there is to be no other.
    pub fn pause(&self, attempts: &mut Attempts, repeat: Repeat, error: &Error, now: Duration) -> Option<Duration> {
        attempts.made += 1;
        if !repeat.allows(error) || attempts.made >= self.options.attempts_max {
            return None;
        }
        let doubled = self.options.pause_base.saturating_mul(1_u32.checked_shl(attempts.made - 1).unwrap_or(u32::MAX));
        let pause = self.jitter.time(doubled.min(self.options.pause_max));
        let pause = pause.max(error.retry_after().unwrap_or_default());
        let next = now.saturating_add(pause).saturating_sub(attempts.began);
        (next <= self.options.elapsed_max).then_some(pause)
    }

    /// Adds a token to a write, by which it is found again if its reply is lost, where the backend keeps tokens.
    ///
    /// # Errors
    /// None for these tokens.
    pub fn name(&self, options: &WriteOptions, capability: &Capability) -> Result<WriteOptions> {
        let mut options = options.clone();
        if capability.write_tokens && options.token.is_none() {
            options.token = Some(self.tokens.make()?);
        }
        Ok(options)
    }
}

impl Attempts {
    /// Notes on an error after how many attempts it was given up.
    pub fn explain(&self, error: Error) -> Error {
        match self.made {
            0 | 1 => error,
            made => error.with("attempts", made),
        }
    }
}

/// What a write has to do next.
#[derive(Debug)]
pub enum Next {
    /// Return this.
    Done(Result<Outcome>),
    /// Wait, then write again and tell [`WriteSteps::answered`].
    Again(Duration),
    /// Read back what became of this token, and tell [`WriteSteps::settled`].
    Settle(WriteToken),
}

/// A write with its attempts, until it is known what became of it.
#[derive(Debug)]
pub struct WriteSteps<'policy> {
    policy: &'policy RetryPolicy,
    attempts: Attempts,
    condition: Condition,
    token: Option<WriteToken>,
    /// An attempt may have taken effect.
    in_doubt: bool,
    /// An attempt has failed.
    failed: bool,
    /// The last answer was a rejection.
    rejected: bool,
}

impl<'policy> WriteSteps<'policy> {
    /// Begins a write.
    pub fn new(policy: &'policy RetryPolicy, options: &WriteOptions, now: Duration) -> Self {
        let (attempts, condition, token) = (policy.begin(now), options.condition.clone(), options.token.clone());
        Self { policy, attempts, condition, token, in_doubt: false, failed: false, rejected: false }
    }

    /// Decides on the answer to an attempt.
    pub fn answered(&mut self, answer: Result<Outcome>, now: Duration) -> Next {
        self.rejected = matches!(answer, Ok(Outcome::Rejected));
        match answer {
            // It may be an earlier attempt of our own that the condition has met.
            Ok(Outcome::Rejected) if self.failed => match self.token.clone() {
                Some(token) => Next::Settle(token),
                None if self.in_doubt => Next::Done(Ok(Outcome::Unknown)),
                None => Next::Done(Ok(Outcome::Rejected)),
            },
            Ok(Outcome::Unknown) => self.doubt(),
            Err(error) if error.retry() == Retry::AfterReadBack => self.doubt(),
            Ok(outcome) => Next::Done(Ok(outcome)),
            Err(error) => {
                self.failed = true;
                match self.policy.pause(&mut self.attempts, Repeat::IfUnchanged, &error, now) {
                    Some(pause) => Next::Again(pause),
                    None if self.in_doubt => Next::Done(Ok(Outcome::Unknown)),
                    None => Next::Done(Err(self.attempts.explain(error))),
                }
            }
        }
    }

    /// Decides on what was read back.
    pub fn settled(&mut self, settled: Result<Settled>, now: Duration) -> Next {
        let unchanged = match (settled, &self.condition) {
            (Ok(Settled::Applied(meta)), _) => return Next::Done(Ok(Outcome::Applied(meta))),
            (Err(_), _) => return Next::Done(Ok(Outcome::Unknown)),
            (Ok(_), _) if self.rejected && self.in_doubt => return Next::Done(Ok(Outcome::Unknown)),
            (Ok(_), _) if self.rejected => return Next::Done(Ok(Outcome::Rejected)),
            (Ok(Settled::Absent), Condition::IfAbsent) => true,
            // Still the state that was to be replaced.
            (Ok(Settled::Other(meta)), Condition::IfMatch(version)) => meta.version.as_ref() == Some(version),
            (Ok(_), _) => false,
        };
        match unchanged {
            true => self.again(now),
            // Ours and then another's, or only another's: nobody can tell. Without a condition ours may still arrive,
            // over whatever is written from now on.
            false => Next::Done(Ok(Outcome::Unknown)),
        }
    }

    fn doubt(&mut self) -> Next {
        (self.in_doubt, self.failed) = (true, true);
        match self.token.clone() {
            Some(token) => Next::Settle(token),
            None => Next::Done(Ok(Outcome::Unknown)),
        }
    }

    fn again(&mut self, now: Duration) -> Next {
        let unknown = Error::new(ErrorKind::OutcomeUnknown, "the reply was lost");
        match self.policy.pause(&mut self.attempts, Repeat::Harmless, &unknown, now) {
            Some(pause) => Next::Again(pause),
            None => Next::Done(Ok(Outcome::Unknown)),
        }
    }
}

/// What is left of a body, and how to go on reading it if it breaks.
#[derive(Debug)]
pub struct Rest {
    left: Range<u64>,
    version: Option<Version>,
}

impl Rest {
    /// The whole body of a reply.
    pub fn new(meta: &ObjectMeta, range: &Range<u64>) -> Self {
        Self { left: range.clone(), version: meta.version.clone() }
    }

    /// Notes the bytes that have arrived.
    pub fn took(&mut self, bytes: usize) {
        self.left.start = (self.left.start + bytes as u64).min(self.left.end);
    }

    /// The error of a body that ends before everything has arrived; none if it has.
    pub fn missing(&self) -> Option<Error> {
        (!self.left.is_empty()).then(|| {
            let error = Error::new(ErrorKind::Unavailable, "body ended early");
            error.with("bytes_missing", self.left.end - self.left.start)
        })
    }

    /// Checks that a reply goes on where the body broke.
    ///
    /// # Errors
    /// `Unexpected` if the backend answers with another range than it was asked for.
    pub fn continued_by(&self, range: &Range<u64>) -> Result<()> {
        match *range == self.left {
            true => Ok(()),
            false => Err(Error::unexpected("the backend answered with another range than it was asked for")
                .with("expected", format!("{:?}", self.left))
                .with("found", format!("{range:?}"))),
        }
    }

    /// How to read on: the same state from where it broke. None without a version, for it could be another state.
    pub fn options(&self) -> Option<ReadOptions> {
        let version = self.version.clone()?;
        Some(ReadOptions::default().with_range(ReadRange::Bounded(self.left.clone())).with_version(version))
    }
}
