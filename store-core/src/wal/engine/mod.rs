//! The queue before a [`Sink`], and the threads around it: numbers, budgets, groups, and who is told what.
//!
//! One thread at a time *leads*: it takes what is queued as one group, has the sink make it durable, publishes the
//! number up to which the log is durable and wakes those who wait. The flusher thread leads whenever nobody else does.
//! A thread that waits for its record with nobody leading takes the lead for one group, which saves two changes of
//! threads; it cannot be cancelled there. Whoever drops an [`Appended`] changes nothing.
//!
//! A task that awaits its record does so too, but where groups take long, for other tasks wait for its thread. Before
//! it leads it lets them go first: then many tasks of one thread are one group, as those of many threads are.
//!
//! Files of this folder name `super::sync` alone for what threads share: tests run them under a scheduler.

mod appended;
mod lead;
mod slot;
mod state;

use super::sync;

use std::time::Duration;

use bytes::Bytes;

use self::appended::Care;
use self::slot::Slot;
use self::state::{Phase, State};
use self::sync::{Arc, AtomicU64, Condvar, Mutex, MutexGuard, Ordering, thread};
use super::format::frame_bytes;
use super::options::OverBudget;
use super::sink::{Effect, Ending, Failure, Pending, Sink};
use super::stats::Counts;
use crate::error::{Error, ErrorKind, Result};
use crate::planted::Planted;

pub use self::appended::{Appended, Waiting};

/// Whether a thread leads when nobody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flusher {
    /// Yes: what is appended gets written whoever waits for it.
    Thread,
    /// No: groups are written by those who wait, in their threads, one after the other. For tests that repeat.
    Callers,
}

/// The settings of an engine.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub queue_bytes: u64,
    pub log_bytes: Option<u64>,
    pub group_bytes: u64,
    pub gather: Duration,
    /// A task that waits leads where groups take so long at most; never, if it is zero.
    pub lead_within: Duration,
    pub over: OverBudget,
    pub flusher: Flusher,
    pub planted: Planted,
}

/// The queue and the lead.
pub(crate) struct Engine {
    state: Mutex<State>,
    /// The flusher sleeps here.
    work: Condvar,
    /// A leader that waits for more records sleeps here.
    gathered: Condvar,
    sink: Mutex<Box<dyn Sink>>,
    durable: AtomicU64,
    /// Nanoseconds that the last group took; the greatest number before there was one.
    took: AtomicU64,
    settings: Settings,
}

impl Engine {
    /// An engine over a sink whose last durable record is `last`, in a log that holds so many bytes.
    pub(crate) fn new(sink: Box<dyn Sink>, last: u64, retained: u64, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::new(last, retained)),
            work: Condvar::new(),
            gathered: Condvar::new(),
            sink: Mutex::new(sink),
            durable: AtomicU64::new(last),
            took: AtomicU64::new(u64::MAX),
            settings,
        })
    }

    /// Starts the flusher, if there shall be one.
    pub(crate) fn start(self: &Arc<Self>) -> Result<Option<thread::JoinHandle<()>>> {
        if self.settings.flusher == Flusher::Callers {
            return Ok(None);
        }
        let engine = Arc::clone(self);
        let named = thread::Builder::new().name("worldstore-log".into());
        let thread =
            named.spawn(move || engine.flush()).map_err(|source| Error::io("start the log's thread", source))?;
        Ok(Some(thread))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Queues a record and has it written.
    pub(crate) fn append(self: &Arc<Self>, kind: u8, payload: Bytes, over: OverBudget) -> Result<Appended> {
        let (seq, slot) = self.queue(kind, payload, over, true)?;
        Ok(Appended::new(seq, slot, Arc::clone(self), Care::Flusher))
    }

    /// Queues a record for one who awaits it: that task has it written, often in its own thread.
    pub(crate) fn append_awaited(self: &Arc<Self>, kind: u8, payload: Bytes) -> Result<Appended> {
        let (seq, slot) = self.queue(kind, payload, OverBudget::Refuse, false)?;
        Ok(Appended::new(seq, slot, Arc::clone(self), Care::Handle))
    }

    /// Queues a record and waits for it. Most often it is written by this thread.
    pub(crate) fn append_durable(self: &Arc<Self>, kind: u8, payload: Bytes) -> Result<u64> {
        let (seq, slot) = self.queue(kind, payload, self.settings.over, false)?;
        self.settle(&slot).map(|()| seq).map_err(|failure| failure.error())
    }

    fn queue(&self, kind: u8, payload: Bytes, over: OverBudget, rouse: bool) -> Result<(u64, Arc<Slot>)> {
        let bytes = frame_bytes(payload.len()) as u64;
        self.fits(bytes)?;
        loop {
            let mut state = self.lock();
            if let Err(error) = state.admit() {
                self.rouse(state);
                match self.settings.flusher == Flusher::Callers && self.probe() {
                    true => continue,
                    false => return Err(error),
                }
            }
            if state.has_room(bytes, &self.settings) {
                let slot = Arc::new(Slot::new());
                let seq = state.push(Pending { kind, payload }, bytes, Arc::clone(&slot));
                if state.is_gathered() {
                    drop(state);
                    self.gathered.notify_one();
                } else if rouse {
                    self.rouse(state);
                }
                return Ok((seq, slot));
            }
            if over == OverBudget::Refuse {
                return Err(state.over_budget(bytes, &self.settings));
            }
            let slot = state.await_room();
            self.rouse(state);
            self.settle(&slot).map_err(|failure| failure.error())?;
        }
    }

    /// Whether a frame of so many bytes may ever be within the budgets.
    pub(crate) fn fits(&self, bytes: u64) -> Result<()> {
        let budget = self.settings.log_bytes.unwrap_or(u64::MAX).min(self.settings.queue_bytes);
        match bytes <= budget {
            true => Ok(()),
            false => {
                let error = Error::invalid("record is larger than the budget of the log");
                Err(error.with("bytes", bytes).with("budget", budget))
            }
        }
    }

    /// Resolves when a record with such a payload may fit.
    pub(crate) fn room(self: &Arc<Self>, payload: usize) -> Result<Waiting> {
        let bytes = frame_bytes(payload) as u64;
        self.fits(bytes)?;
        let mut state = self.lock();
        let slot = match state.admit() {
            Err(_) if state.is_refusing() => state.await_room(),
            Ok(()) if !state.has_room(bytes, &self.settings) => state.await_room(),
            _ => Arc::new(Slot::settled(Ok(()))),
        };
        self.rouse(state);
        Ok(Waiting::new(slot, Arc::clone(self)))
    }

    /// The last record that was taken on.
    pub(crate) fn last(&self) -> u64 {
        self.lock().last()
    }

    /// The last record that is durable, and all before it.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Resolves when a record is durable.
    pub(crate) fn until_durable(self: &Arc<Self>, seq: u64) -> Result<Waiting> {
        let slot = self.watch(seq)?;
        Ok(Waiting::new(slot, Arc::clone(self)))
    }

    fn watch(&self, seq: u64) -> Result<Arc<Slot>> {
        let mut state = self.lock();
        let slot = state.watch(seq)?;
        self.rouse(state);
        Ok(slot)
    }

    /// Lets the sink begin a new segment, so that all up to this number can be freed. A log that has failed is left alone.
    pub(crate) fn turn(&self, through: u64) -> Result<()> {
        let mut sink = self.sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if self.failed().is_err() {
            return Ok(());
        }
        let Err(failure) = sink.turn(through) else { return Ok(()) };
        self.fail(None, &failure);
        Err(failure.error())
    }

    /// Notes that the log holds fewer bytes, or that it failed meanwhile.
    pub(crate) fn trimmed(&self, through: u64, outcome: &Result<u64, Failure>) {
        match outcome {
            Ok(bytes) => {
                let mut state = self.lock();
                let slots = state.trimmed(through, *bytes);
                self.rouse(state);
                slots.iter().for_each(|slot| slot.complete(Ok(())));
            }
            // Nothing of the log has changed, and records are not concerned: a group may be on its way.
            Err(failure) if failure.effect == Effect::Refused => {}
            Err(failure) => self.fail(None, failure),
        }
    }

    /// Refuses further records, writes those that are queued, and ends the log cleanly. `join` waits for the flusher.
    pub(crate) fn close(&self, join: impl FnOnce()) -> Result<()> {
        let slots = self.lock().close();
        slots.iter().for_each(|slot| slot.complete(Ok(())));
        self.work.notify_all();
        while let Some(job) = self.take_lead() {
            self.lead(job, Phase::Closing);
        }
        join();
        let drained = self.drained();
        let ending = if drained.is_ok() { Ending::Clean } else { Ending::Failed };
        let mut sink = self.sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        drained.and(sink.close(ending).map_err(|failure| failure.error()))
    }

    /// The failure, if there was one.
    pub(crate) fn failed(&self) -> Result<()> {
        self.lock().failed()
    }

    /// True if this thread has the lead: then it must not wait for the log.
    pub(crate) fn is_led_here(&self) -> bool {
        self.lock().is_led_here()
    }

    /// Waits for whoever still leads.
    fn drained(&self) -> Result<()> {
        let slot = self.watch(self.last())?;
        self.settle(&slot).map_err(|failure| failure.error())?;
        self.failed()
    }

    /// What was done so far.
    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("durable", &self.durable()).finish_non_exhaustive()
    }
}

/// The error of a log that takes no more.
fn closed() -> Error {
    Error::new(ErrorKind::Poisoned, "log is closed")
}
