//! Deadlines. There is no sync twin: a thread that hangs in a call cannot be made to return, a future can be dropped.

use std::fmt;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::{Either, select};
use worldstore_core::ops::*;
use worldstore_core::wrap::{Operation, TimeoutOptions};
use worldstore_core::{Error, ErrorKind, Key, Prefix, Result};

use super::clock::{Timer, TokioClock};
use super::{Steps, into_stream, no_links};
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A backend whose calls are given up at a deadline. Below a retry it bounds attempts, above it calls.
///
/// What was given up is dropped. A read is then [`Unavailable`](ErrorKind::Unavailable). A change may or may not have
/// happened, so it is [`Outcome::Unknown`], and the keys of a delete fail with
/// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown).
///
/// The sync side has no such wrapper: `AsyncBackendAdapter` around this one, around `SyncBackendAdapter`, is a sync
/// backend with deadlines. A sync call that is given up still holds its thread of the blocking pool until it returns.
#[derive(Debug, Clone)]
pub struct AsyncTimeoutBackend {
    inner: Arc<dyn AsyncBackend>,
    engine: Engine,
}

#[derive(Debug, Clone)]
struct Engine {
    options: TimeoutOptions,
    clock: Arc<dyn Timer>,
}

impl Engine {
    /// What the work answers; none at the deadline.
    async fn until<Value: Send>(
        &self,
        deadline: Option<Duration>,
        work: impl Future<Output = Value> + Send,
    ) -> Option<Value> {
        let Some(deadline) = deadline else { return Some(work.await) };
        // The work is polled first: what is done is never given up.
        match select(pin!(work), self.clock.sleep(deadline)).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    }

    /// A call that changes nothing, or nothing that counts.
    async fn look<Value: Send>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<Value>> + Send,
    ) -> Result<Value> {
        match self.until(self.options.call, work).await {
            Some(answer) => answer,
            None => Err(late(operation, self.options.call)),
        }
    }

    async fn change(&self, work: impl Future<Output = Result<Outcome>> + Send) -> Result<Outcome> {
        self.until(self.options.call, work).await.unwrap_or(Ok(Outcome::Unknown))
    }
}

fn late(operation: Operation, deadline: Option<Duration>) -> Error {
    let error = Error::new(ErrorKind::Unavailable, "no answer before the deadline").during(operation.as_str());
    error.with("deadline_ms", deadline.unwrap_or_default().as_millis())
}

impl AsyncTimeoutBackend {
    /// Gives up calls of `inner`, by tokio's clock.
    pub fn new(inner: Arc<dyn AsyncBackend>, options: TimeoutOptions) -> Self {
        Self::with_clock(inner, options, Arc::new(TokioClock::default()))
    }

    /// Gives up calls of `inner`, by this clock.
    pub fn with_clock(inner: Arc<dyn AsyncBackend>, options: TimeoutOptions, clock: Arc<dyn Timer>) -> Self {
        Self { inner, engine: Engine { options, clock } }
    }
}

impl fmt::Display for AsyncTimeoutBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timeout({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncTimeoutBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.engine.look(Operation::Stat, self.inner.stat(key, options)).await
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let reply = self.engine.look(Operation::Read, self.inner.read(key, options)).await?;
        let body = Body { body: Some(reply.body), engine: self.engine.clone() };
        Ok(ReadReply::new(reply.meta, reply.range, into_stream(body)))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        self.engine.look(Operation::ReadRanges, self.inner.read_ranges(key, ranges, options)).await
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.engine.change(self.inner.write(key, body, options)).await
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let inner = self.engine.look(Operation::OpenWriter, self.inner.open_writer(key, options)).await?;
        Ok(Box::new(TimeoutWriter { inner: Some(inner), engine: self.engine.clone() }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        self.engine.look(Operation::Settle, self.inner.settle(key, token, options)).await
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let unknown = |_| {
            let message = "no answer before the deadline";
            Deleted::Failed(Error::new(ErrorKind::OutcomeUnknown, message).during(Operation::Delete.as_str()))
        };
        let given_up = || Ok(keys.iter().map(unknown).collect());
        let answer = self.engine.until(self.engine.options.call, self.inner.delete(keys, options)).await;
        answer.unwrap_or_else(given_up)
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.engine.look(Operation::List, self.inner.list(prefix, options)).await
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.engine.change(self.inner.copy(from, to, options)).await
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.engine.change(self.inner.rename(from, to, options)).await
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        self.engine.look(Operation::Check, self.inner.check(options)).await
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for AsyncTimeoutBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let presign = self.inner.presign().ok_or_else(no_links)?;
        self.engine.look(Operation::Sign, presign.sign(key, options)).await
    }
}

/// A body whose chunks have a deadline.
struct Body {
    /// None once it has ended.
    body: Option<AsyncChunks>,
    engine: Engine,
}

impl Steps for Body {
    async fn step(&mut self) -> Option<Result<Bytes>> {
        let deadline = self.engine.options.chunk;
        match self.engine.until(deadline, self.body.as_mut()?.next()).await {
            Some(item) => item,
            None => {
                self.body = None;
                Some(Err(late(Operation::Read, deadline)))
            }
        }
    }
}

#[derive(Debug)]
struct TimeoutWriter {
    /// None once an append was given up: how much of it arrived is not known.
    inner: Option<Box<dyn AsyncWriter>>,
    engine: Engine,
}

impl TimeoutWriter {
    fn take(&mut self) -> Result<Box<dyn AsyncWriter>> {
        let interrupted = || Error::new(ErrorKind::Poisoned, "an earlier write was given up, begin the object again");
        self.inner.take().ok_or_else(interrupted)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for TimeoutWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let mut inner = self.take()?;
        let deadline = self.engine.options.call;
        match self.engine.until(deadline, inner.write(chunk)).await {
            Some(answer) => {
                self.inner = Some(inner);
                answer
            }
            None => Err(late(Operation::Append, deadline)),
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<Outcome> {
        let inner = self.take()?;
        self.engine.change(inner.commit()).await
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        let inner = self.take()?;
        self.engine.look(Operation::Abort, inner.abort()).await
    }
}
