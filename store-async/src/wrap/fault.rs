//! Faults on purpose: for tests of what stands above.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use worldstore_core::ops::*;
use worldstore_core::wrap::{Ending, Fate, Fault, FaultOptions, FaultPlan, Operation, injected};
use worldstore_core::{Error, ErrorKind, Key, Prefix, Result};

use super::clock::{Timer, TokioClock};
use super::{into_stream, no_links};
use crate::backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};

/// A backend that fails on purpose: errors, lost replies, short reads, torn writes and latency, by [`FaultOptions`].
///
/// Injected errors are [`Unavailable`](ErrorKind::Unavailable). A change whose reply is lost has happened and answers
/// [`Outcome::Unknown`] (rejections are not lost: nothing has happened); the keys of a delete fail with [`OutcomeUnknown`](ErrorKind::OutcomeUnknown).
#[derive(Debug, Clone)]
pub struct AsyncFaultBackend {
    inner: Arc<dyn AsyncBackend>,
    engine: Arc<Engine>,
}

#[derive(Debug)]
struct Engine {
    plan: FaultPlan,
    clock: Arc<dyn Timer>,
}

impl Engine {
    /// Decides on a call, waits if it is to be late, and fails if it is to fail before it is made.
    async fn begin(&self, operation: Operation) -> Result<Fate> {
        let fate = self.plan.roll(operation);
        if let Some(latency) = fate.latency {
            self.clock.sleep(latency).await;
        }
        match fate.fault {
            Fault::Error => Err(injected(operation, "injected failure before the call")),
            _ => Ok(fate),
        }
    }
}

/// The answer to a read, unless it is to be lost.
fn reply<Value>(fate: Fate, operation: Operation, value: Value) -> Result<Value> {
    match fate.fault {
        Fault::LostReply => Err(injected(operation, "injected loss of the reply")),
        _ => Ok(value),
    }
}

/// The answer to a change, unless it took effect and that is to be lost.
fn outcome(fate: Fate, outcome: Outcome) -> Outcome {
    match (fate.fault, outcome) {
        (Fault::LostReply, Outcome::Applied(_)) => Outcome::Unknown,
        (_, outcome) => outcome,
    }
}

impl AsyncFaultBackend {
    /// Lets calls of `inner` fail; latency is tokio's.
    pub fn new(inner: Arc<dyn AsyncBackend>, options: FaultOptions) -> Self {
        Self::with_clock(inner, options, Arc::new(TokioClock::default()))
    }

    /// Lets calls of `inner` fail; latency is that of this clock.
    pub fn with_clock(inner: Arc<dyn AsyncBackend>, options: FaultOptions, clock: Arc<dyn Timer>) -> Self {
        Self { inner, engine: Arc::new(Engine { plan: FaultPlan::new(options), clock }) }
    }
}

impl fmt::Display for AsyncFaultBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncBackend for AsyncFaultBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    async fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let fate = self.engine.begin(Operation::Stat).await?;
        reply(fate, Operation::Stat, self.inner.stat(key, options).await?)
    }

    async fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<AsyncChunks>> {
        let fate = self.engine.begin(Operation::Read).await?;
        let ReadReply { meta, range, body, .. } = reply(fate, Operation::Read, self.inner.read(key, options).await?)?;
        let body: AsyncChunks = match fate.cut {
            Some((place, ending)) => {
                let left = ((range.end - range.start) as f64 * place) as u64;
                into_stream(Cut { body: Some(body), left, ending })
            }
            None => body,
        };
        Ok(ReadReply::new(meta, range, body))
    }

    async fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let fate = self.engine.begin(Operation::ReadRanges).await?;
        let parts = reply(fate, Operation::ReadRanges, self.inner.read_ranges(key, ranges, options).await?)?;
        match fate.cut {
            Some(_) => Err(injected(Operation::ReadRanges, "injected break of the parts")),
            None => Ok(parts),
        }
    }

    async fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let fate = self.engine.begin(Operation::Write).await?;
        Ok(outcome(fate, self.inner.write(key, body, options).await?))
    }

    async fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn AsyncWriter>> {
        let fate = self.engine.begin(Operation::OpenWriter).await?;
        let inner = reply(fate, Operation::OpenWriter, self.inner.open_writer(key, options).await?)?;
        Ok(Box::new(FaultWriter { inner, engine: Arc::clone(&self.engine) }))
    }

    async fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let fate = self.engine.begin(Operation::Settle).await?;
        reply(fate, Operation::Settle, self.inner.settle(key, token, options).await?)
    }

    async fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let fate = self.engine.begin(Operation::Delete).await?;
        let answers = self.inner.delete(keys, options).await?;
        let lost = |_| Deleted::Failed(Error::new(ErrorKind::OutcomeUnknown, "injected loss of the reply"));
        match fate.fault {
            Fault::LostReply => Ok(answers.into_iter().map(lost).collect()),
            _ => Ok(answers),
        }
    }

    async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let fate = self.engine.begin(Operation::List).await?;
        reply(fate, Operation::List, self.inner.list(prefix, options).await?)
    }

    async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let fate = self.engine.begin(Operation::Copy).await?;
        Ok(outcome(fate, self.inner.copy(from, to, options).await?))
    }

    async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let fate = self.engine.begin(Operation::Rename).await?;
        Ok(outcome(fate, self.inner.rename(from, to, options).await?))
    }

    async fn check(&self, options: &CheckOptions) -> Result<()> {
        let fate = self.engine.begin(Operation::Check).await?;
        self.inner.check(options).await?;
        reply(fate, Operation::Check, ())
    }

    fn presign(&self) -> Option<&dyn AsyncPresign> {
        self.inner.presign().map(|_| self as &dyn AsyncPresign)
    }
}

#[async_trait]
impl AsyncPresign for AsyncFaultBackend {
    async fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let fate = self.engine.begin(Operation::Sign).await?;
        let presign = self.inner.presign().ok_or_else(no_links)?;
        reply(fate, Operation::Sign, presign.sign(key, options).await?)
    }
}

/// A body that stops early.
struct Cut {
    /// None once it has ended.
    body: Option<AsyncChunks>,
    left: u64,
    ending: Ending,
}

impl super::Steps for Cut {
    async fn step(&mut self) -> Option<Result<Bytes>> {
        self.next_chunk().await
    }
}

impl Cut {
    async fn next_chunk(&mut self) -> Option<Result<Bytes>> {
        if self.left == 0 {
            let ended = self.body.take();
            let broken = || Err(injected(Operation::Read, "injected break of the body"));
            return ended.and((self.ending == Ending::Error).then(broken));
        }
        let chunk = self.body.as_mut()?.next().await?;
        Some(chunk.map(|mut chunk| {
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= chunk.len() as u64;
            chunk
        }))
    }
}

#[derive(Debug)]
struct FaultWriter {
    inner: Box<dyn AsyncWriter>,
    engine: Arc<Engine>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncWriter for FaultWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let fate = self.engine.begin(Operation::Append).await?;
        self.inner.write(chunk).await?;
        reply(fate, Operation::Append, ())
    }

    async fn commit(self: Box<Self>) -> Result<Outcome> {
        let fate = self.engine.begin(Operation::Commit).await?;
        match fate.fault {
            Fault::Torn => Err(injected(Operation::Commit, "injected death of the writer before its commit")),
            _ => Ok(outcome(fate, self.inner.commit().await?)),
        }
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let fate = self.engine.begin(Operation::Abort).await?;
        self.inner.abort().await?;
        reply(fate, Operation::Abort, ())
    }
}
