//! The lead: groups are taken, written, published, and those who wait are woken.

use std::time::{Duration, Instant};

use super::slot::{Outcome, Slot, this_thread};
use super::state::{Group, Job, Phase, State, panicked};
use super::sync::{MutexGuard, Ordering, thread};
use super::{Engine, Flusher};
use crate::planted::Bug;
use crate::wal::sink::{Failure, Sink};

/// Groups that take so many times the time to gather are worth the wait.
const GATHER_WORTH: u32 = 4;
/// Larger groups are left to the flusher by tasks.
const TASK_BYTES: u64 = 256 << 10;

impl Engine {
    /// The life of the flusher: it leads while there is something to do, and sleeps.
    pub(super) fn flush(&self) {
        loop {
            let mut state = self.lock();
            let job = loop {
                if let Some(job) = state.take_lead(&self.settings) {
                    break job;
                }
                if state.is_over() {
                    return;
                }
                state.asleep = true;
                state = self.work.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
                state.asleep = false;
            };
            drop(state);
            self.lead(job, Phase::Open);
        }
    }

    /// Gives the lock back and wakes the flusher, if there is something to do that nobody does.
    pub(super) fn rouse(&self, mut state: MutexGuard<'_, State>) {
        let wakes = state.asleep && state.is_idle();
        state.asleep &= !wakes;
        drop(state);
        if wakes {
            self.work.notify_one();
        }
    }

    /// Wakes the flusher, if there is something to do that nobody does.
    pub(super) fn rouse_flusher(&self) {
        self.rouse(self.lock());
    }

    /// True if a task may lead: the last group took so little time that its thread can be held up for that.
    pub(super) fn is_fast(&self) -> bool {
        let within = u64::try_from(self.settings.lead_within.as_nanos()).unwrap_or(u64::MAX);
        let may_lead = within > 0 && self.settings.flusher == Flusher::Thread;
        may_lead && self.took.load(Ordering::Relaxed) <= within
    }

    /// The lead for a task that waits, for one small group. What may take longer, the flusher does.
    pub(super) fn lead_or_rouse(&self) {
        let mut state = self.lock();
        let is_small = state.unsynced() <= TASK_BYTES && !state.is_refusing();
        match (is_small && self.is_fast()).then(|| state.take_lead(&self.settings)).flatten() {
            Some(job) => {
                drop(state);
                self.lead(job, Phase::Closing);
            }
            None => self.rouse(state),
        }
    }

    /// The lead for a thread that waits.
    pub(super) fn take_lead(&self) -> Option<Job> {
        self.lock().take_lead(&self.settings)
    }

    /// Looks for room in this thread. True if there is some.
    pub(super) fn probe(&self) -> bool {
        if let Some(job) = self.take_lead() {
            self.lead(job, Phase::Closing);
        }
        self.lock().admit().is_ok()
    }

    /// Waits for an outcome, and leads meanwhile if nobody does.
    pub(super) fn settle(&self, slot: &Slot) -> Outcome {
        if let Some(outcome) = slot.outcome() {
            return outcome;
        }
        let waker = this_thread();
        loop {
            // The waker first: whoever gives up the lead from here on wakes this thread, or the flusher.
            if let Some(outcome) = slot.outcome_or_wake(&waker) {
                return outcome;
            }
            match self.take_lead() {
                Some(job) => self.lead(job, Phase::Closing),
                None => thread::park(),
            }
        }
    }

    /// Does a job with the lead, goes on with the next ones in the phase `Open`, and gives up the lead.
    pub(super) fn lead(&self, job: Job, phase: Phase) {
        let mut lead = Lead { engine: self, is_done: false };
        let mut next = Some(job);
        while let Some(job) = next.take() {
            let begin = Instant::now();
            let size = self.run(job);
            let took = begin.elapsed();
            self.took.store(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
            if phase == Phase::Open {
                self.gather(size, took);
                next = self.lock().next_job(&self.settings);
            }
        }
        lead.is_done = true;
    }

    /// Does a job, and tells of how many records it was.
    fn run(&self, job: Job) -> usize {
        let mut sink = self.sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // A trim may have failed since the job was taken.
        let failure = self.lock().failure();
        match (job, failure) {
            (Job::Write(mut group), Some(failure)) => {
                self.fail(Some(&mut group), &failure);
                0
            }
            (Job::Write(group), None) => self.write(&mut **sink, group),
            (Job::Probe, _) => {
                match sink.make_room() {
                    Ok(()) => {
                        let slots = self.lock().admit_again();
                        slots.iter().for_each(|slot| slot.complete(Ok(())));
                    }
                    Err(failure) => self.fail(None, &failure),
                }
                0
            }
        }
    }

    fn write(&self, sink: &mut dyn Sink, mut group: Group) -> usize {
        while let Some(rest) = group.records.get(group.done..).filter(|rest| !rest.is_empty()) {
            if self.settings.planted.has(Bug::AckBeforeSync) {
                group.slots.iter().for_each(|slot| slot.complete(Ok(())));
            }
            let written = sink.write(rest, group.first + group.done as u64);
            match written.and_then(|count| sink.check().map(|()| count)) {
                Ok(count) => self.publish(&mut group, count),
                Err(failure) => {
                    self.fail(Some(&mut group), &failure);
                    break;
                }
            }
        }
        group.records.len()
    }

    fn publish(&self, group: &mut Group, count: usize) {
        let through = group.first + (group.done + count) as u64 - 1;
        let records = group.records.get(group.done..group.done + count).unwrap_or_default();
        let due = self.lock().publish(through, records);
        self.durable.store(through, Ordering::Release);
        group.settle(count);
        due.iter().for_each(|slot| slot.complete(Ok(())));
    }

    /// Tells everyone of a failure.
    pub(super) fn fail(&self, group: Option<&mut Group>, failure: &Failure) {
        let leaders = group.as_deref().and_then(|group| group.records.get(group.done..)).unwrap_or_default();
        let (failed, rooms) = self.lock().fail(failure, leaders);
        if let Some(group) = group {
            group.fail(failure);
        }
        failed.iter().for_each(|slot| slot.complete(Err(failure.clone())));
        // They ask again, and are told then.
        rooms.iter().for_each(|slot| slot.complete(Ok(())));
    }

    /// Gives those who were just woken the time to come back, if they were several and that time is short beside what
    /// a group takes: a group of many costs what a group of one does. The leader sleeps meanwhile, and the last of
    /// them wakes it.
    fn gather(&self, size: usize, took: Duration) {
        let gather = self.settings.gather;
        if size < 2 || gather.is_zero() || took < gather * GATHER_WORTH {
            return;
        }
        let mut state = self.lock();
        state.gathers = size;
        let is_short = |state: &mut State| state.queued() < state.gathers;
        let waited = self.gathered.wait_timeout_while(state, gather, is_short);
        state = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        state.gathers = 0;
    }
}

/// The lead; given up when dropped, also by a panic.
struct Lead<'a> {
    engine: &'a Engine,
    /// False if a panic ended it. The thread may be unwinding already, and have led from there.
    is_done: bool,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.engine.fail(None, &panicked());
        }
        let mut state = self.engine.lock();
        if !state.release() {
            // The flusher ends once nobody leads.
            let ends = state.is_over() && state.asleep;
            drop(state);
            if ends {
                self.engine.work.notify_one();
            }
            return;
        }
        match self.engine.settings.flusher {
            Flusher::Thread => {
                state.asleep = false;
                drop(state);
                self.engine.work.notify_one();
            }
            Flusher::Callers => {
                // Not everyone who waits is there to lead: a slot may have lost its caller.
                let waiting = state.waiting();
                drop(state);
                waiting.iter().for_each(|slot| slot.nudge());
            }
        }
    }
}
