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
pub struct Appended {
    seq: u64,
    slot: Arc<Slot>,
    engine: Arc<Engine>,
    care: Care,
}

/// Who sees to it that a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// The flusher knows of it.
    Flusher,
    /// This handle: nobody was told.
    Handle,
    /// This handle, and the other tasks of its thread had their turn since.
    HandleAgain,
}

impl Appended {
    pub(super) fn new(seq: u64, slot: Arc<Slot>, engine: Arc<Engine>, care: Care) -> Self {
        Self { seq, slot, engine, care }
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

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<u64>> {
        if let Some(outcome) = self.slot.outcome() {
            return Poll::Ready(self.told(outcome));
        }
        match std::mem::replace(&mut self.care, Care::Flusher) {
            Care::Flusher => {}
            // Whoever else of this thread is about to append shall be in the same group.
            Care::Handle if self.engine.is_fast() => {
                self.care = Care::HandleAgain;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Care::Handle | Care::HandleAgain => self.engine.lead_or_rouse(),
        }
        poll(&self.engine, &self.slot, context).map(|outcome| self.told(outcome))
    }
}

impl Clone for Appended {
    /// The care stays where it is.
    fn clone(&self) -> Self {
        let (slot, engine) = (Arc::clone(&self.slot), Arc::clone(&self.engine));
        Self { seq: self.seq, slot, engine, care: Care::Flusher }
    }
}

impl Drop for Appended {
    fn drop(&mut self) {
        if self.care != Care::Flusher {
            self.engine.rouse_flusher();
        }
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
    if let Some(outcome) = slot.outcome_or_wake(context.waker()) {
        return Poll::Ready(outcome);
    }
    // Whoever has the care may not be asked for long.
    engine.rouse_flusher();
    Poll::Pending
}
