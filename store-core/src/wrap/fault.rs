//! Faults on purpose: for tests of what stands above.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::{Backend, Presign, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

use super::clock::{Clock, SystemClock};
use super::faults::{Ending, Fate, Fault, FaultOptions, FaultPlan, injected};
use super::no_links;
use super::operation::Operation;

/// A backend that fails on purpose: errors, lost replies, short reads, torn writes and latency, by [`FaultOptions`].
///
/// Injected errors are [`Unavailable`](ErrorKind::Unavailable). A change whose reply is lost has happened and answers
/// [`Outcome::Unknown`] (rejections are not lost: nothing has happened); the keys of a delete fail with [`OutcomeUnknown`](ErrorKind::OutcomeUnknown).
#[derive(Debug, Clone)]
pub struct FaultBackend {
    inner: Arc<dyn Backend>,
    engine: Arc<Engine>,
}

#[derive(Debug)]
struct Engine {
    plan: FaultPlan,
    clock: Arc<dyn Clock>,
}

impl Engine {
    /// Decides on a call, waits if it is to be late, and fails if it is to fail before it is made.
    fn begin(&self, operation: Operation) -> Result<Fate> {
        let fate = self.plan.roll(operation);
        if let Some(latency) = fate.latency {
            self.clock.sleep(latency);
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

impl FaultBackend {
    /// Lets calls of `inner` fail; latency is the system's.
    pub fn new(inner: Arc<dyn Backend>, options: FaultOptions) -> Self {
        Self::with_clock(inner, options, Arc::new(SystemClock::default()))
    }

    /// Lets calls of `inner` fail; latency is that of this clock.
    pub fn with_clock(inner: Arc<dyn Backend>, options: FaultOptions, clock: Arc<dyn Clock>) -> Self {
        Self { inner, engine: Arc::new(Engine { plan: FaultPlan::new(options), clock }) }
    }
}

impl fmt::Display for FaultBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for FaultBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let fate = self.engine.begin(Operation::Stat)?;
        reply(fate, Operation::Stat, self.inner.stat(key, options)?)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let fate = self.engine.begin(Operation::Read)?;
        let ReadReply { meta, range, body, .. } = reply(fate, Operation::Read, self.inner.read(key, options)?)?;
        let body: Chunks = match fate.cut {
            Some((place, ending)) => {
                let left = ((range.end - range.start) as f64 * place) as u64;
                let mut cut = Cut { body: Some(body), left, ending };
                Box::new(std::iter::from_fn(move || cut.step()))
            }
            None => body,
        };
        Ok(ReadReply::new(meta, range, body))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let fate = self.engine.begin(Operation::ReadRanges)?;
        let parts = reply(fate, Operation::ReadRanges, self.inner.read_ranges(key, ranges, options)?)?;
        match fate.cut {
            Some(_) => Err(injected(Operation::ReadRanges, "injected break of the parts")),
            None => Ok(parts),
        }
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let fate = self.engine.begin(Operation::Write)?;
        Ok(outcome(fate, self.inner.write(key, body, options)?))
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        let fate = self.engine.begin(Operation::OpenWriter)?;
        let inner = reply(fate, Operation::OpenWriter, self.inner.open_writer(key, options)?)?;
        Ok(Box::new(FaultWriter { inner, engine: Arc::clone(&self.engine) }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let fate = self.engine.begin(Operation::Settle)?;
        reply(fate, Operation::Settle, self.inner.settle(key, token, options)?)
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let fate = self.engine.begin(Operation::Delete)?;
        let answers = self.inner.delete(keys, options)?;
        let lost = |_| Deleted::Failed(Error::new(ErrorKind::OutcomeUnknown, "injected loss of the reply"));
        match fate.fault {
            Fault::LostReply => Ok(answers.into_iter().map(lost).collect()),
            _ => Ok(answers),
        }
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let fate = self.engine.begin(Operation::List)?;
        reply(fate, Operation::List, self.inner.list(prefix, options)?)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let fate = self.engine.begin(Operation::Copy)?;
        Ok(outcome(fate, self.inner.copy(from, to, options)?))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let fate = self.engine.begin(Operation::Rename)?;
        Ok(outcome(fate, self.inner.rename(from, to, options)?))
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        let fate = self.engine.begin(Operation::Check)?;
        self.inner.check(options)?;
        reply(fate, Operation::Check, ())
    }

    fn presign(&self) -> Option<&dyn Presign> {
        self.inner.presign().map(|_| self as &dyn Presign)
    }
}

impl Presign for FaultBackend {
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let fate = self.engine.begin(Operation::Sign)?;
        let presign = self.inner.presign().ok_or_else(no_links)?;
        reply(fate, Operation::Sign, presign.sign(key, options)?)
    }
}

/// A body that stops early.
struct Cut {
    /// None once it has ended.
    body: Option<Chunks>,
    left: u64,
    ending: Ending,
}

impl Cut {
    fn step(&mut self) -> Option<Result<Bytes>> {
        if self.left == 0 {
            let ended = self.body.take();
            let broken = || Err(injected(Operation::Read, "injected break of the body"));
            return ended.and((self.ending == Ending::Error).then(broken));
        }
        let chunk = self.body.as_mut()?.next()?;
        Some(chunk.map(|mut chunk| {
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= chunk.len() as u64;
            chunk
        }))
    }
}

#[derive(Debug)]
struct FaultWriter {
    inner: Box<dyn Writer>,
    engine: Arc<Engine>,
}

#[deny(clippy::missing_trait_methods)]
impl Writer for FaultWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        let fate = self.engine.begin(Operation::Append)?;
        self.inner.write(chunk)?;
        reply(fate, Operation::Append, ())
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        let fate = self.engine.begin(Operation::Commit)?;
        match fate.fault {
            Fault::Torn => Err(injected(Operation::Commit, "injected death of the writer before its commit")),
            _ => Ok(outcome(fate, self.inner.commit()?)),
        }
    }

    fn abort(self: Box<Self>) -> Result<()> {
        let fate = self.engine.begin(Operation::Abort)?;
        self.inner.abort()?;
        reply(fate, Operation::Abort, ())
    }
}
