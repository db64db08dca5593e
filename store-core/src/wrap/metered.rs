//! Metrics: what goes through a backend is counted and timed, bodies over their whole life.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::{Backend, Presign, Writer};
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

use super::clock::{Clock, SystemClock};
use super::metrics::{Metrics, Timing};
use super::no_links;
use super::operation::Operation;

/// A backend that counts in [`Metrics`] what goes through it, and changes nothing. Above a retry it counts calls, below
/// it attempts. Listings are not drained and bodies not held.
#[derive(Debug, Clone)]
pub struct MetricsBackend {
    inner: Arc<dyn Backend>,
    engine: Engine,
}

#[derive(Debug, Clone)]
struct Engine {
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
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

impl MetricsBackend {
    /// Counts what goes to `inner`, timed by the system's clock.
    pub fn new(inner: Arc<dyn Backend>, metrics: Arc<Metrics>) -> Self {
        Self::with_clock(inner, metrics, Arc::new(SystemClock::default()))
    }

    /// Counts what goes to `inner`, timed by this clock.
    pub fn with_clock(inner: Arc<dyn Backend>, metrics: Arc<Metrics>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, engine: Engine { metrics, clock } }
    }
}

impl fmt::Display for MetricsBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metrics({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for MetricsBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let timing = self.engine.begin(Operation::Stat);
        self.engine.end(timing, self.inner.stat(key, options))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let timing = self.engine.begin(Operation::Read);
        let ReadReply { meta, range, body, .. } = match self.inner.read(key, options) {
            Ok(reply) => reply,
            Err(error) => return self.engine.end(timing, Err(error)),
        };
        let counted = Counted { body, engine: self.engine.clone(), timing: Some(timing) };
        Ok(ReadReply::new(meta, range, Box::new(counted)))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let timing = self.engine.begin(Operation::ReadRanges);
        let parts = self.engine.end(timing, self.inner.read_ranges(key, ranges, options))?;
        self.engine.metrics.read(parts.iter().map(|part| part.len() as u64).sum());
        Ok(parts)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let timing = self.engine.begin(Operation::Write);
        self.engine.metrics.wrote(body.len() as u64);
        self.engine.end_change(timing, self.inner.write(key, body, options))
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        let timing = self.engine.begin(Operation::OpenWriter);
        let inner = self.engine.end(timing, self.inner.open_writer(key, options))?;
        Ok(Box::new(MetricsWriter { inner, engine: self.engine.clone() }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let timing = self.engine.begin(Operation::Settle);
        self.engine.end(timing, self.inner.settle(key, token, options))
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let timing = self.engine.begin(Operation::Delete);
        let answers = self.engine.end(timing, self.inner.delete(keys, options))?;
        for answer in &answers {
            if let Deleted::Failed(error) = answer {
                self.engine.metrics.failed(error.kind());
            }
        }
        Ok(answers)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let timing = self.engine.begin(Operation::List);
        self.engine.end(timing, self.inner.list(prefix, options))
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let timing = self.engine.begin(Operation::Copy);
        self.engine.end_change(timing, self.inner.copy(from, to, options))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let timing = self.engine.begin(Operation::Rename);
        self.engine.end_change(timing, self.inner.rename(from, to, options))
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        let timing = self.engine.begin(Operation::Check);
        self.engine.end(timing, self.inner.check(options))
    }

    fn presign(&self) -> Option<&dyn Presign> {
        self.inner.presign().map(|_| self as &dyn Presign)
    }
}

impl Presign for MetricsBackend {
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let presign = self.inner.presign().ok_or_else(no_links)?;
        let timing = self.engine.begin(Operation::Sign);
        self.engine.end(timing, presign.sign(key, options))
    }
}

/// A body that is counted and timed to its end.
struct Counted {
    body: Chunks,
    engine: Engine,
    /// None once it has ended.
    timing: Option<Timing>,
}

impl Iterator for Counted {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.body.next();
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
    inner: Box<dyn Writer>,
    engine: Engine,
}

#[deny(clippy::missing_trait_methods)]
impl Writer for MetricsWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        let timing = self.engine.begin(Operation::Append);
        self.engine.metrics.wrote(chunk.len() as u64);
        self.engine.end(timing, self.inner.write(chunk))
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, engine } = *self;
        let timing = engine.begin(Operation::Commit);
        engine.end_change(timing, inner.commit())
    }

    fn abort(self: Box<Self>) -> Result<()> {
        let Self { inner, engine } = *self;
        let timing = engine.begin(Operation::Abort);
        engine.end(timing, inner.abort())
    }
}
