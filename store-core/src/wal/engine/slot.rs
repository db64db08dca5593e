//! A place where one outcome is put, for those who wait, in threads or in futures.

use std::task::{Wake, Waker};

use super::sync::{Arc, AtomicBool, Mutex, MutexGuard, Ordering, thread};
use crate::wal::sink::Failure;

/// What becomes of something.
pub(super) type Outcome = Result<(), Failure>;

/// The place.
#[derive(Debug)]
pub(super) struct Slot {
    settled: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
    /// Of those who came while another waited: clones of a record that is on its way.
    others: Vec<Waker>,
}

impl Slot {
    /// Nothing is known.
    pub(super) fn new() -> Self {
        Self {
            settled: AtomicBool::new(false),
            inner: Mutex::new(Inner { outcome: None, waker: None, others: Vec::new() }),
        }
    }

    /// All is known.
    pub(super) fn settled(outcome: Outcome) -> Self {
        let slot = Self::new();
        slot.complete(outcome);
        slot
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Puts the outcome, if there is none, and wakes who waits.
    pub(super) fn complete(&self, outcome: Outcome) {
        let mut inner = self.lock();
        if inner.outcome.is_some() {
            return;
        }
        inner.outcome = Some(outcome);
        let wakers = inner.wakers();
        drop(inner);
        self.settled.store(true, Ordering::Release);
        wakers.for_each(Waker::wake);
    }

    /// Wakes who waits, to look around.
    pub(super) fn nudge(&self) {
        let wakers = self.lock().wakers();
        wakers.for_each(Waker::wake);
    }

    /// The outcome, if it is there.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        if !self.settled.load(Ordering::Acquire) {
            return None;
        }
        self.lock().outcome.clone()
    }

    /// The outcome, or else a promise to wake this one.
    pub(super) fn outcome_or_wake(&self, waker: &Waker) -> Option<Outcome> {
        if let Some(outcome) = self.outcome() {
            return Some(outcome);
        }
        let mut inner = self.lock();
        if inner.outcome.is_none() {
            inner.add(waker);
        }
        inner.outcome.clone()
    }
}

impl Inner {
    /// Remembers one more who waits. Whoever comes again with another waker is woken by both.
    fn add(&mut self, waker: &Waker) {
        match &self.waker {
            None => self.waker = Some(waker.clone()),
            Some(known) if known.will_wake(waker) => {}
            Some(_) if self.others.iter().any(|known| known.will_wake(waker)) => {}
            Some(_) => self.others.push(waker.clone()),
        }
    }

    /// All who wait, to be woken without the lock.
    fn wakers(&mut self) -> impl Iterator<Item = Waker> + use<> {
        self.waker.take().into_iter().chain(std::mem::take(&mut self.others))
    }
}

/// Wakes a thread.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

/// A waker of this thread, which then waits with [`thread::park`].
pub(super) fn this_thread() -> Waker {
    Waker::from(std::sync::Arc::new(Unpark(thread::current())))
}

/// Many slots, each with an owner who waits.
pub(super) type Slots = Vec<Arc<Slot>>;
