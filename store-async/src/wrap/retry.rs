//! Retry: calls that failed for a while are made again, if that does no harm.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use worldstore_core::ops::*;
use worldstore_core::wrap::{Attempts, Dice, Next, Repeat, Rest, RetryOptions, RetryPolicy, WriteSteps};
use worldstore_core::{Capability, Error, Key, Prefix, Result, Retry};

use super::clock::{Timer, TokioClock};
use super::{into_stream, no_links};
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

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
pub struct AsyncRetryBackend {
    inner: Arc<dyn AsyncBackend>,
    engine: Arc<Engine>,
}

#[derive(Debug)]
struct Engine {
    policy: RetryPolicy,
    capability: Capability,
    clock: Arc<dyn Timer>,
}

impl AsyncRetryBackend {
    /// Tries calls of `inner` again, by tokio's clock.
    pub fn new(inner: Arc<dyn AsyncBackend>, options: RetryOptions) -> Self {
        Self::with_clock(inner, options, Arc::new(TokioClock::default()), Dice::unseeded())
    }

    /// Tries calls of `inner` again, by this clock and with this jitter.
    pub fn with_clock(
        inner: Arc<dyn AsyncBackend>,
        options: RetryOptions,
        clock: Arc<dyn Timer>,
        jitter: Dice,
    ) -> Self {
        let (policy, capability) = (RetryPolicy::new(options, jitter), inner.info().capability);
        Self { inner, engine: Arc::new(Engine { policy, capability, clock }) }
    }

    async fn again<Value, Reply>(&self, repeat: Repeat, mut attempt: impl FnMut() -> Reply + Send) -> Result<Value>
    where
        Reply: Future<Output = Result<Value>> + Send,
        Value: Send,
    {
        let mut attempts = self.engine.begin();
        loop {
            match attempt().await {
                Err(error) => self.engine.pause(&mut attempts, repeat, error).await?,
                answer => return answer,
            }
        }
    }

    /// A change that is not repeated once it may have happened.
    async fn change<Reply>(&self, attempt: impl FnMut() -> Reply + Send) -> Result<Outcome>
    where
        Reply: Future<Output = Result<Outcome>> + Send,
    {
        match self.again(Repeat::IfUnchanged, attempt).await {
            Err(error) if error.retry() == Retry::AfterReadBack => Ok(Outcome::Unknown),
            answer => answer,
        }
    }

    async fn settle_named(&self, key: &Key, token: &WriteToken) -> Result<Settled> {
        let options = SettleOptions::default();
        self.again(Repeat::Harmless, || self.inner.settle(key, token, &options)).await
    }

    /// Deletes without a condition: keys that failed for a while are tried again, and only those.
    async fn delete_all(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let mut attempts = self.engine.begin();
        let mut answers = self.again(Repeat::IfUnchanged, || self.inner.delete(keys, options)).await?;
        loop {
            let Some((places, error)) = failed_for_a_while(&answers) else { return Ok(answers) };
            if self.engine.pause(&mut attempts, Repeat::IfUnchanged, error).await.is_err() {
                return Ok(answers);
            }
            let again: Vec<Key> = places.iter().filter_map(|place| keys.get(*place).cloned()).collect();
            let later = match self.again(Repeat::IfUnchanged, || self.inner.delete(&again, options)).await {
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
    async fn pause(&self, attempts: &mut Attempts, repeat: Repeat, error: Error) -> Result<()> {
        match self.policy.pause(attempts, repeat, &error, self.clock.now()) {
            Some(pause) => {
                self.clock.sleep(pause).await;
                Ok(())
            }
            None => Err(attempts.explain(error)),
        }
    }
}

impl fmt::Display for AsyncRetryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncRetryBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.again(Repeat::Harmless, || self.inner.stat(key, options)).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let reply = self.again(Repeat::Harmless, || self.inner.read(key, options)).await?;
        let ReadReply { meta, range, body, .. } = reply;
        let (rest, attempts) = (Rest::new(&meta, &range), self.engine.begin());
        let body = Body { backend: self.clone(), key: key.clone(), rest, attempts, body: Some(body) };
        Ok(ReadReply::new(meta, range, into_stream(body)))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.again(Repeat::Harmless, || self.inner.read_ranges(key, ranges, options)).await
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let Engine { policy, capability, clock } = &*self.engine;
        let options = policy.name(options, capability)?;
        let mut steps = WriteSteps::new(policy, &options, clock.now());
        let answer = self.inner.write(key, body.clone(), &options).await;
        let mut next = steps.answered(answer, clock.now());
        loop {
            next = match next {
                Next::Done(answer) => return answer,
                Next::Again(pause) => {
                    clock.sleep(pause).await;
                    let answer = self.inner.write(key, body.clone(), &options).await;
                    steps.answered(answer, clock.now())
                }
                Next::Settle(token) => {
                    let settled = self.settle_named(key, &token).await;
                    steps.settled(settled, clock.now())
                }
            }
        }
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let options = self.engine.policy.name(options, &self.engine.capability)?;
        let inner = self.again(Repeat::Harmless, || self.inner.open_writer(key, &options)).await?;
        Ok(Box::new(Settling { inner, backend: self.clone(), key: key.clone(), token: options.token }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.again(Repeat::Harmless, || self.inner.settle(key, token, options)).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        match options.condition {
            Condition::None => self.delete_all(keys, options).await,
            _ => self.again(Repeat::IfUnchanged, || self.inner.delete(keys, options)).await,
        }
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.again(Repeat::Harmless, || self.inner.list(prefix, options)).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.change(|| self.inner.copy(from, to, options)).await
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.change(|| self.inner.rename(from, to, options)).await
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.again(Repeat::Harmless, || self.inner.check(options)).await
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for AsyncRetryBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let presign = self.inner.presign().ok_or_else(no_links)?;
        self.again(Repeat::Harmless, || presign.sign(key, options)).await
    }
}

/// A body that goes on where it broke.
struct Body {
    backend: AsyncRetryBackend,
    key: Key,
    rest: Rest,
    /// Those since the last chunk.
    attempts: Attempts,
    /// None once it has ended.
    body: Option<AsyncChunks>,
}

impl super::Steps for Body {
    async fn step(&mut self) -> Option<Result<Bytes>> {
        self.next_chunk().await
    }
}

impl Body {
    async fn next_chunk(&mut self) -> Option<Result<Bytes>> {
        loop {
            let error = match self.body.as_mut()?.next().await {
                Some(Ok(chunk)) => {
                    self.rest.took(chunk.len());
                    self.attempts = self.backend.engine.begin();
                    return Some(Ok(chunk));
                }
                Some(Err(error)) => error,
                None => self.rest.missing()?,
            };
            self.body = None;
            match self.resume(error).await {
                Ok(body) => self.body = Some(body),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    async fn resume(&mut self, mut error: Error) -> Result<AsyncChunks> {
        let Some(options) = self.rest.options() else { return Err(error) };
        loop {
            self.backend.engine.pause(&mut self.attempts, Repeat::Harmless, error).await?;
            match self.backend.inner.read(&self.key, &options).await {
                Ok(reply) => return self.rest.continued_by(&reply.range).map(|()| reply.body),
                Err(failed) => error = failed,
            }
        }
    }
}

/// A writer whose commit is settled by its token if its reply is lost.
#[derive(Debug)]
struct Settling {
    inner: Box<dyn AsyncWriter>,
    backend: AsyncRetryBackend,
    key: Key,
    token: Option<WriteToken>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for Settling {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.inner.write(chunk).await
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, backend, key, token } = *self;
        let answer = inner.commit().await;
        let lost = match &answer {
            Ok(outcome) => *outcome == Outcome::Unknown,
            Err(error) => error.retry() == Retry::AfterReadBack,
        };
        match token {
            Some(token) if lost => match backend.settle_named(&key, &token).await {
                Ok(Settled::Applied(meta)) => Ok(Outcome::Applied(meta)),
                _ => Ok(Outcome::Unknown),
            },
            _ => answer,
        }
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}
