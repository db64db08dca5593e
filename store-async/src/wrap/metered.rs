//! Metrics: what goes through a backend is counted and timed, bodies over their whole life.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use worldstore_core::ops::*;
use worldstore_core::wrap::{Metrics, Operation, Timing};
use worldstore_core::{Error, Key, Prefix, Result};

use super::clock::{Timer, TokioClock};
use super::{into_stream, no_links};
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A backend that counts in [`Metrics`] what goes through it, and changes nothing. Above a retry it counts calls, below
/// it attempts. Listings are not drained and bodies not held.
#[derive(Debug, Clone)]
pub struct AsyncMetricsBackend {
    inner: Arc<dyn AsyncBackend>,
    engine: Engine,
}

#[derive(Debug, Clone)]
struct Engine {
    metrics: Arc<Metrics>,
    clock: Arc<dyn Timer>,
}

impl Engine {
    fn begin(&self, operation: Operation) -> Timing {
        self.metrics.begin(operation, self.clock.now())
    }

    fn end<Value>(&self, timing: Timing, answer: Result<Value>) -> Result<Value> {
        timing.finish(self.clock.now(), answer.as_ref().err().map(Error::kind));
        answer
    }

    fn end_change(&self, timing: Timing, answer: Result<Outcome>) -> Result<Outcome> {
        self.end(timing, answer).inspect(|outcome| self.metrics.ended(outcome))
    }
}

impl AsyncMetricsBackend {
    /// Counts what goes to `inner`, timed by tokio's clock.
    pub fn new(inner: Arc<dyn AsyncBackend>, metrics: Arc<Metrics>) -> Self {
        Self::with_clock(inner, metrics, Arc::new(TokioClock::default()))
    }

    /// Counts what goes to `inner`, timed by this clock.
    pub fn with_clock(inner: Arc<dyn AsyncBackend>, metrics: Arc<Metrics>, clock: Arc<dyn Timer>) -> Self {
        Self { inner, engine: Engine { metrics, clock } }
    }
}

impl fmt::Display for AsyncMetricsBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metrics({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncMetricsBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let timing = self.engine.begin(Operation::Stat);
        self.engine.end(timing, self.inner.stat(key, options).await)
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let timing = self.engine.begin(Operation::Read);
        let ReadReply { meta, range, body, .. } = match self.inner.read(key, options).await {
            Ok(reply) => reply,
            Err(error) => return self.engine.end(timing, Err(error)),
        };
        let counted = Counted { body, engine: self.engine.clone(), timing: Some(timing) };
        Ok(ReadReply::new(meta, range, into_stream(counted)))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let timing = self.engine.begin(Operation::ReadRanges);
        let parts = self.engine.end(timing, self.inner.read_ranges(key, ranges, options).await)?;
        self.engine.metrics.read(parts.iter().map(|part| part.len() as u64).sum());
        Ok(parts)
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let timing = self.engine.begin(Operation::Write);
        self.engine.metrics.wrote(body.len() as u64);
        self.engine.end_change(timing, self.inner.write(key, body, options).await)
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let timing = self.engine.begin(Operation::OpenWriter);
        let inner = self.engine.end(timing, self.inner.open_writer(key, options).await)?;
        Ok(Box::new(MetricsWriter { inner, engine: self.engine.clone() }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let timing = self.engine.begin(Operation::Settle);
        self.engine.end(timing, self.inner.settle(key, token, options).await)
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let timing = self.engine.begin(Operation::Delete);
        let answers = self.engine.end(timing, self.inner.delete(keys, options).await)?;
        for answer in &answers {
            if let Deleted::Failed(error) = answer {
                self.engine.metrics.failed(error.kind());
            }
        }
        Ok(answers)
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let timing = self.engine.begin(Operation::List);
        self.engine.end(timing, self.inner.list(prefix, options).await)
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let timing = self.engine.begin(Operation::Copy);
        self.engine.end_change(timing, self.inner.copy(from, to, options).await)
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let timing = self.engine.begin(Operation::Rename);
        self.engine.end_change(timing, self.inner.rename(from, to, options).await)
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        let timing = self.engine.begin(Operation::Check);
        self.engine.end(timing, self.inner.check(options).await)
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for AsyncMetricsBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let presign = self.inner.presign().ok_or_else(no_links)?;
        let timing = self.engine.begin(Operation::Sign);
        self.engine.end(timing, presign.sign(key, options).await)
    }
}

/// A body that is counted and timed to its end.
struct Counted {
    body: AsyncChunks,
    engine: Engine,
    /// None once it has ended.
    timing: Option<Timing>,
}

impl super::Steps for Counted {
    async fn step(&mut self) -> Option<Result<Bytes>> {
        let item = self.body.next().await;
        let ended = match &item {
            Some(Ok(chunk)) => {
                self.engine.metrics.read(chunk.len() as u64);
                return item;
            }
            Some(Err(error)) => Some(error.kind()),
            None => None,
        };
        if let Some(timing) = self.timing.take() {
            timing.finish(self.engine.clock.now(), ended);
        }
        item
    }
}

#[derive(Debug)]
struct MetricsWriter {
    inner: Box<dyn AsyncWriter>,
    engine: Engine,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for MetricsWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let timing = self.engine.begin(Operation::Append);
        self.engine.metrics.wrote(chunk.len() as u64);
        self.engine.end(timing, self.inner.write(chunk).await)
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, engine } = *self;
        let timing = engine.begin(Operation::Commit);
        engine.end_change(timing, inner.commit().await)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let Self { inner, engine } = *self;
        let timing = engine.begin(Operation::Abort);
        engine.end(timing, inner.abort().await)
    }
}
