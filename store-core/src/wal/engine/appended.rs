//! What a caller holds: a record on its way, or a wait for room or for the watermark.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::slot::Slot;
use super::sync::Arc;
use super::{Engine, Flusher};
use crate::error::Result;

/// A record on its way to the disk.
///
/// [`wait`](Self::wait) blocks until it is durable; as a future it does the same for async code, under any runtime.
/// Dropping it changes nothing: the record is written all the same. Clones are the same record; each may be waited for.
#[derive(Clone)]
pub struct Appended {
    seq: u64,
    slot: Arc<Slot>,
    engine: Arc<Engine>,
}

impl Appended {
    pub(super) fn new(seq: u64, slot: Arc<Slot>, engine: Arc<Engine>) -> Self {
        Self { seq, slot, engine }
    }

    /// The number of the record. It is given again to another record only if this one fails with `StorageFull`.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The outcome, if it is known already.
    pub fn outcome(&self) -> Option<Result<u64>> {
        self.slot.outcome().map(|outcome| self.told(outcome))
    }

    /// Waits until the record is durable, and gives its number.
    ///
    /// # Errors
    /// `StorageFull`: it is not stored. `Poisoned`: it may or may not be; opening the log again tells. `Fenced`: another
    /// writer has the log, the record may or may not be in it.
    pub fn wait(&self) -> Result<u64> {
        self.told(self.engine.settle(&self.slot))
    }

    fn told(&self, outcome: super::slot::Outcome) -> Result<u64> {
        outcome.map(|()| self.seq).map_err(|failure| failure.error())
    }
}

impl Future for Appended {
    type Output = Result<u64>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<u64>> {
        poll(&self.engine, &self.slot, context).map(|outcome| self.told(outcome))
    }
}

impl fmt::Debug for Appended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appended").field("seq", &self.seq).finish_non_exhaustive()
    }
}

/// A wait, for room within the budgets or for records to be durable: as a future under any runtime, or blocking with
/// [`wait`](Self::wait). Dropping it changes nothing.
pub struct Waiting {
    slot: Arc<Slot>,
    engine: Arc<Engine>,
}

impl Waiting {
    pub(super) fn new(slot: Arc<Slot>, engine: Arc<Engine>) -> Self {
        Self { slot, engine }
    }

    /// Blocks until it is over.
    ///
    /// # Errors
    /// Of a wait for records, as for [`Appended::wait`]. A wait for room has none: appending tells what is wrong.
    pub fn wait(&self) -> Result<()> {
        self.engine.settle(&self.slot).map_err(|failure| failure.error())
    }
}

impl Future for Waiting {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        poll(&self.engine, &self.slot, context).map_err(|failure| failure.error())
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

fn poll(engine: &Engine, slot: &Slot, context: &mut Context<'_>) -> Poll<super::slot::Outcome> {
    // Without a flusher nobody else would.
    if engine.settings.flusher == Flusher::Callers {
        return Poll::Ready(engine.settle(slot));
    }
    slot.outcome_or_wake(context.waker()).map_or(Poll::Pending, Poll::Ready)
}
