//! Retry: calls that failed for a while are made again, if that does no harm.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::{Backend, Presign, Writer};
use crate::capability::Capability;
use crate::error::{Error, Result, Retry};
use crate::key::{Key, Prefix};
use crate::ops::*;

use super::clock::{Clock, SystemClock};
use super::dice::Dice;
use super::no_links;
use super::retry_policy::{Attempts, Next, Repeat, Rest, RetryOptions, RetryPolicy, WriteSteps};

/// A backend that tries again what failed for a while, with full jitter, bounds on attempts and time, and the pause that
/// the service asks for.
///
/// - Reads, listings and checks are repeated after every passing failure.
/// - Changes are repeated only after failures that changed nothing. What was given up on the way may still run, and a
///   repetition would let it undo what the caller writes afterwards.
/// - A write whose reply is lost is settled by a [`WriteToken`], which the wrapper adds itself where the backend keeps
///   tokens. One with a condition is repeated if its token is not there: only one of both attempts can meet it. Every
///   other stays [`Outcome::Unknown`].
/// - A copy, a rename and a delete are never repeated after a lost reply.
/// - Of a writer only the opening is repeated; a commit whose reply is lost is settled by its token.
/// - A body that breaks goes on where it broke, in the same state of the object; without versions it fails.
///
/// A key of a repeated delete that is no longer there is [`Deleted::Gone`]: an earlier attempt may have deleted it.
#[derive(Debug, Clone)]
pub struct RetryBackend {
    inner: Arc<dyn Backend>,
    engine: Arc<Engine>,
}

#[derive(Debug)]
struct Engine {
    policy: RetryPolicy,
    capability: Capability,
    clock: Arc<dyn Clock>,
}

impl RetryBackend {
    /// Tries calls of `inner` again, by the system's clock.
    pub fn new(inner: Arc<dyn Backend>, options: RetryOptions) -> Self {
        Self::with_clock(inner, options, Arc::new(SystemClock::default()), Dice::unseeded())
    }

    /// Tries calls of `inner` again, by this clock and with this jitter.
    pub fn with_clock(inner: Arc<dyn Backend>, options: RetryOptions, clock: Arc<dyn Clock>, jitter: Dice) -> Self {
        let (policy, capability) = (RetryPolicy::new(options, jitter), inner.info().capability);
        Self { inner, engine: Arc::new(Engine { policy, capability, clock }) }
    }

    fn again<Value>(&self, repeat: Repeat, mut attempt: impl FnMut() -> Result<Value>) -> Result<Value> {
        let mut attempts = self.engine.begin();
        loop {
            match attempt() {
                Err(error) => self.engine.pause(&mut attempts, repeat, error)?,
                answer => return answer,
            }
        }
    }

    /// A change that is not repeated once it may have happened.
    fn change(&self, attempt: impl FnMut() -> Result<Outcome>) -> Result<Outcome> {
        match self.again(Repeat::IfUnchanged, attempt) {
            Err(error) if error.retry() == Retry::AfterReadBack => Ok(Outcome::Unknown),
            answer => answer,
        }
    }

    fn settle_named(&self, key: &Key, token: &WriteToken) -> Result<Settled> {
        let options = SettleOptions::default();
        self.again(Repeat::Harmless, || self.inner.settle(key, token, &options))
    }

    /// Deletes without a condition: keys that failed for a while are tried again, and only those.
    fn delete_all(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let mut attempts = self.engine.begin();
        let mut answers = self.again(Repeat::IfUnchanged, || self.inner.delete(keys, options))?;
        loop {
            let Some((places, error)) = failed_for_a_while(&answers) else { return Ok(answers) };
            if self.engine.pause(&mut attempts, Repeat::IfUnchanged, error).is_err() {
                return Ok(answers);
            }
            let again: Vec<Key> = places.iter().filter_map(|place| keys.get(*place).cloned()).collect();
            let later = match self.again(Repeat::IfUnchanged, || self.inner.delete(&again, options)) {
                Ok(later) => later,
                // The answers so far still hold, unless these keys may be gone by now.
                Err(error) if error.retry() != Retry::AfterReadBack => return Ok(answers),
                Err(error) => {
                    places.iter().for_each(|place| answers[*place] = Deleted::Failed(like(&error)));
                    return Ok(answers);
                }
            };
            for (place, answer) in places.into_iter().zip(later) {
                answers[place] = if matches!(answer, Deleted::Missing) { Deleted::Gone } else { answer };
            }
        }
    }
}

/// The places of keys that can be tried again, and an error that stands for them.
fn failed_for_a_while(answers: &[Deleted]) -> Option<(Vec<usize>, Error)> {
    let may_pass = |answer: &Deleted| matches!(answer, Deleted::Failed(error) if error.retry() == Retry::Later);
    let places: Vec<usize> = (0..answers.len()).filter(|place| may_pass(&answers[*place])).collect();
    let Deleted::Failed(first) = &answers[*places.first()?] else { return None };
    Some((places, first.retry_after().into_iter().fold(like(first), Error::with_retry_after)))
}

/// An error that stands for another one.
fn like(error: &Error) -> Error {
    Error::new(error.kind(), error.message().to_owned()).retry_as(error.retry())
}

impl Engine {
    fn begin(&self) -> Attempts {
        self.policy.begin(self.clock.now())
    }

    /// Waits for the next attempt, or gives the error back if there is to be none.
    fn pause(&self, attempts: &mut Attempts, repeat: Repeat, error: Error) -> Result<()> {
        match self.policy.pause(attempts, repeat, &error, self.clock.now()) {
            Some(pause) => {
                self.clock.sleep(pause);
                Ok(())
            }
            None => Err(attempts.explain(error)),
        }
    }
}

impl fmt::Display for RetryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for RetryBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.again(Repeat::Harmless, || self.inner.stat(key, options))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let reply = self.again(Repeat::Harmless, || self.inner.read(key, options))?;
        let ReadReply { meta, range, body, .. } = reply;
        let (rest, attempts) = (Rest::new(&meta, &range), self.engine.begin());
        let body = Body { backend: self.clone(), key: key.clone(), rest, attempts, body: Some(body) };
        let mut body = body;
        Ok(ReadReply::new(meta, range, Box::new(std::iter::from_fn(move || body.step()))))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.again(Repeat::Harmless, || self.inner.read_ranges(key, ranges, options))
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let Engine { policy, capability, clock } = &*self.engine;
        let options = policy.name(options, capability)?;
        let mut steps = WriteSteps::new(policy, &options, clock.now());
        let answer = self.inner.write(key, body.clone(), &options);
        let mut next = steps.answered(answer, clock.now());
        loop {
            next = match next {
                Next::Done(answer) => return answer,
                Next::Again(pause) => {
                    clock.sleep(pause);
                    let answer = self.inner.write(key, body.clone(), &options);
                    steps.answered(answer, clock.now())
                }
                Next::Settle(token) => {
                    let settled = self.settle_named(key, &token);
                    steps.settled(settled, clock.now())
                }
            }
        }
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        let options = self.engine.policy.name(options, &self.engine.capability)?;
        let inner = self.again(Repeat::Harmless, || self.inner.open_writer(key, &options))?;
        Ok(Box::new(Settling { inner, backend: self.clone(), key: key.clone(), token: options.token }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.again(Repeat::Harmless, || self.inner.settle(key, token, options))
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        match options.condition {
            Condition::None => self.delete_all(keys, options),
            _ => self.again(Repeat::IfUnchanged, || self.inner.delete(keys, options)),
        }
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.again(Repeat::Harmless, || self.inner.list(prefix, options))
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.change(|| self.inner.copy(from, to, options))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.change(|| self.inner.rename(from, to, options))
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.again(Repeat::Harmless, || self.inner.check(options))
    }

    fn presign(&self) -> Option<&dyn Presign> {
        self.inner.presign().map(|_| self as &dyn Presign)
    }
}

impl Presign for RetryBackend {
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let presign = self.inner.presign().ok_or_else(no_links)?;
        self.again(Repeat::Harmless, || presign.sign(key, options))
    }
}

/// A body that goes on where it broke.
struct Body {
    backend: RetryBackend,
    key: Key,
    rest: Rest,
    /// Those since the last chunk.
    attempts: Attempts,
    /// None once it has ended.
    body: Option<Chunks>,
}

impl Body {
    fn step(&mut self) -> Option<Result<Bytes>> {
        loop {
            let error = match self.body.as_mut()?.next() {
                Some(Ok(chunk)) => {
                    self.rest.took(chunk.len());
                    self.attempts = self.backend.engine.begin();
                    return Some(Ok(chunk));
                }
                Some(Err(error)) => error,
                None => self.rest.missing()?,
            };
            self.body = None;
            match self.resume(error) {
                Ok(body) => self.body = Some(body),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn resume(&mut self, mut error: Error) -> Result<Chunks> {
        let Some(options) = self.rest.options() else { return Err(error) };
        loop {
            self.backend.engine.pause(&mut self.attempts, Repeat::Harmless, error)?;
            match self.backend.inner.read(&self.key, &options) {
                Ok(reply) => return self.rest.continued_by(&reply.range).map(|()| reply.body),
                Err(failed) => error = failed,
            }
        }
    }
}

/// A writer whose commit is settled by its token if its reply is lost.
#[derive(Debug)]
struct Settling {
    inner: Box<dyn Writer>,
    backend: RetryBackend,
    key: Key,
    token: Option<WriteToken>,
}

#[deny(clippy::missing_trait_methods)]
impl Writer for Settling {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.inner.write(chunk)
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, backend, key, token } = *self;
        let answer = inner.commit();
        let lost = match &answer {
            Ok(outcome) => *outcome == Outcome::Unknown,
            Err(error) => error.retry() == Retry::AfterReadBack,
        };
        match token {
            Some(token) if lost => match backend.settle_named(&key, &token) {
                Ok(Settled::Applied(meta)) => Ok(Outcome::Applied(meta)),
                _ => Ok(Outcome::Unknown),
            },
            _ => answer,
        }
    }

    fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort()
    }
}
