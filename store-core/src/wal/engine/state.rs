//! What is behind the lock: the queue, the numbers, the budgets, those who wait. No I/O, no waiting.

use super::slot::{Slot, Slots};
use super::sync::Arc;
use super::{Settings, closed};
use crate::error::{Error, ErrorKind, Result};
use crate::wal::format::frame_bytes;
use crate::wal::sink::{Failure, Pending};
use crate::wal::stats::Counts;

/// Where the life of an engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    Closing,
}

/// What a leader does next.
pub(super) enum Job {
    /// Writes a group.
    Write(Group),
    /// Tries whether there is room again.
    Probe,
}

/// Records that are made durable together, or in parts in their order.
pub(super) struct Group {
    pub first: u64,
    pub records: Vec<Pending>,
    /// Of those from `done` on, by place.
    pub slots: Slots,
    pub done: usize,
}

/// See the module.
pub(super) struct State {
    last: u64,
    durable: u64,
    queue: Vec<Pending>,
    slots: Slots,
    /// Bytes of frames in the queue and with the leader.
    unsynced: u64,
    /// Bytes of frames in the log.
    retained: u64,
    /// Of those, bytes of records that may go, and stay only because the last segment does: no room is made without it.
    waived: u64,
    /// True while a thread has the lead.
    leading: bool,
    /// Which one.
    leader: Option<std::thread::ThreadId>,
    /// True while the flusher sleeps and nobody has roused it.
    pub(super) asleep: bool,
    /// So many records wake the leader, which waits for them. None if it does not.
    pub(super) gathers: usize,
    /// True if a leader shall look for room.
    probe: bool,
    phase: Phase,
    failure: Option<Failure>,
    refusal: Option<Failure>,
    watchers: Vec<(u64, Arc<Slot>)>,
    rooms: Slots,
    counts: Counts,
}

impl State {
    pub(super) fn new(last: u64, retained: u64) -> Self {
        Self {
            last,
            durable: last,
            queue: Vec::new(),
            slots: Vec::new(),
            unsynced: 0,
            retained,
            waived: 0,
            leading: false,
            leader: None,
            asleep: false,
            gathers: 0,
            probe: false,
            phase: Phase::Open,
            failure: None,
            refusal: None,
            watchers: Vec::new(),
            rooms: Vec::new(),
            counts: Counts::default(),
        }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Bytes of frames that are not durable.
    pub(super) fn unsynced(&self) -> u64 {
        self.unsynced
    }

    /// The failure, if there was one.
    pub(super) fn failed(&self) -> Result<()> {
        self.failure.as_ref().map_or(Ok(()), |failure| Err(failure.error()))
    }

    /// The failure as it is.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.clone()
    }

    /// Whether records are taken on at all. A refusal makes the next leader look for room.
    pub(super) fn admit(&mut self) -> Result<()> {
        self.failed()?;
        if self.phase != Phase::Open {
            return Err(closed());
        }
        match &self.refusal {
            None => Ok(()),
            Some(refusal) => {
                self.probe = true;
                Err(refusal.error())
            }
        }
    }

    /// True if there was no room, and nothing worse.
    pub(super) fn is_refusing(&self) -> bool {
        self.failure.is_none() && self.phase == Phase::Open && self.refusal.is_some()
    }

    pub(super) fn has_room(&self, bytes: u64, settings: &Settings) -> bool {
        let all = self.unsynced + bytes;
        let wanted = self.retained - self.waived + all;
        all <= settings.queue_bytes && settings.log_bytes.is_none_or(|budget| wanted <= budget)
    }

    pub(super) fn over_budget(&self, bytes: u64, settings: &Settings) -> Error {
        let error = Error::new(ErrorKind::Unavailable, "log is over its budget").with("bytes", bytes);
        let error = error.with("unsynced", self.unsynced).with("retained", self.retained);
        let error = error.with("queue budget", settings.queue_bytes);
        match settings.log_bytes {
            Some(budget) => error.with("log budget", budget),
            None => error,
        }
    }

    /// Takes a record on and gives it its number.
    pub(super) fn push(&mut self, record: Pending, bytes: u64, slot: Arc<Slot>) -> u64 {
        self.last += 1;
        self.unsynced += bytes;
        self.queue.push(record);
        self.slots.push(slot);
        self.last
    }

    pub(super) fn await_room(&mut self) -> Arc<Slot> {
        if self.rooms.len() == self.rooms.capacity() {
            // Those who have gone away meanwhile.
            self.rooms.retain(|slot| Arc::strong_count(slot) > 1);
        }
        let slot = Arc::new(Slot::new());
        self.rooms.push(Arc::clone(&slot));
        slot
    }

    /// A slot that is settled when the record is durable.
    pub(super) fn watch(&mut self, seq: u64) -> Result<Arc<Slot>> {
        if seq <= self.durable {
            return Ok(Arc::new(Slot::settled(Ok(()))));
        }
        self.failed()?;
        if seq > self.last {
            return Err(Error::invalid("no such record was appended").with("seq", seq).with("last", self.last));
        }
        let slot = Arc::new(Slot::new());
        self.watchers.push((seq, Arc::clone(&slot)));
        Ok(slot)
    }

    /// The lead with something to do, for whoever asks first.
    pub(super) fn take_lead(&mut self, settings: &Settings) -> Option<Job> {
        if self.leading {
            return None;
        }
        let job = self.next_job(settings);
        self.leading = job.is_some();
        self.leader = self.leading.then(|| std::thread::current().id());
        job
    }

    /// The next thing to do, for the leader.
    pub(super) fn next_job(&mut self, settings: &Settings) -> Option<Job> {
        if std::mem::take(&mut self.probe) && self.refusal.is_some() {
            return Some(Job::Probe);
        }
        if self.queue.is_empty() {
            return None;
        }
        let first = self.last + 1 - self.queue.len() as u64;
        let (mut count, mut bytes) = (0, 0);
        while let Some(record) = self.queue.get(count) {
            bytes += frame_bytes(record.payload.len()) as u64;
            if count > 0 && bytes > settings.group_bytes {
                break;
            }
            count += 1;
        }
        let (queue, slots) = (self.queue.split_off(count), self.slots.split_off(count));
        let records = std::mem::replace(&mut self.queue, queue);
        let slots = std::mem::replace(&mut self.slots, slots);
        Some(Job::Write(Group { first, records, slots, done: 0 }))
    }

    /// True if this thread has the lead.
    pub(super) fn is_led_here(&self) -> bool {
        self.leader == Some(std::thread::current().id())
    }

    /// True if the last record is the one that the leader waits for.
    pub(super) fn is_gathered(&self) -> bool {
        self.gathers != 0 && self.queue.len() == self.gathers
    }

    /// True if there is something to do that nobody does.
    pub(super) fn is_idle(&self) -> bool {
        !self.leading && (!self.queue.is_empty() || self.probe)
    }

    /// Gives up the lead. True if there is more to do.
    pub(super) fn release(&mut self) -> bool {
        self.leading = false;
        self.leader = None;
        self.is_idle()
    }

    /// All who wait, whatever for.
    pub(super) fn waiting(&self) -> Slots {
        let watchers = self.watchers.iter().map(|(_, slot)| slot);
        self.slots.iter().chain(watchers).chain(&self.rooms).cloned().collect()
    }

    /// True if the flusher has nothing more to do, ever.
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Closing && self.queue.is_empty() && !self.leading
    }

    /// Notes that records up to one are durable. Who waited for that, or for room, is given back.
    pub(super) fn publish(&mut self, through: u64, records: &[Pending]) -> Slots {
        let bytes: u64 = records.iter().map(|record| frame_bytes(record.payload.len()) as u64).sum();
        self.durable = through;
        self.unsynced -= bytes;
        self.retained += bytes;
        self.counts.note_group(records.len(), bytes);
        let mut due = std::mem::take(&mut self.rooms);
        due.extend(self.watchers.extract_if(.., |(seq, _)| *seq <= through).map(|(_, slot)| slot));
        due
    }

    /// Notes a failure. Everyone who waits for what is not durable is given back, by the order of the records.
    pub(super) fn fail(&mut self, failure: &Failure, leaders: &[Pending]) -> (Slots, Slots) {
        use crate::wal::sink::Effect;
        let lost = leaders.iter().chain(&self.queue);
        let gone = (leaders.len() + self.queue.len()) as u64;
        self.unsynced -= lost.map(|record| frame_bytes(record.payload.len()) as u64).sum::<u64>();
        self.queue.clear();
        match failure.effect {
            Effect::Fatal => self.failure = self.failure.take().or(Some(failure.clone())),
            Effect::Refused => {
                self.refusal = Some(failure.clone());
                // Only these: what another has on its way keeps its numbers.
                self.last -= gone;
            }
        }
        let mut failed = std::mem::take(&mut self.slots);
        failed.extend(self.watchers.drain(..).map(|(_, slot)| slot));
        (failed, std::mem::take(&mut self.rooms))
    }

    /// There is room again.
    pub(super) fn admit_again(&mut self) -> Slots {
        self.refusal = None;
        std::mem::take(&mut self.rooms)
    }

    pub(super) fn trimmed(&mut self, through: u64, bytes: u64) -> Slots {
        self.retained = self.retained.saturating_sub(bytes);
        self.waived = match through >= self.durable {
            true => self.retained,
            false => self.waived.saturating_sub(bytes),
        };
        self.probe |= self.refusal.is_some();
        std::mem::take(&mut self.rooms)
    }

    pub(super) fn close(&mut self) -> Slots {
        self.phase = Phase::Closing;
        std::mem::take(&mut self.rooms)
    }

    pub(super) fn counts(&self) -> Counts {
        Counts { last: self.last, unsynced_bytes: self.unsynced, retained_bytes: self.retained, ..self.counts }
    }
}

impl Group {
    /// Settles the next so many.
    pub(super) fn settle(&mut self, count: usize) {
        let end = self.done + count;
        for slot in self.slots.get(self.done..end).unwrap_or_default() {
            slot.complete(Ok(()));
        }
        self.done = end;
    }

    /// Settles the rest with a failure.
    pub(super) fn fail(&mut self, failure: &Failure) {
        for slot in self.slots.get(self.done..).unwrap_or_default() {
            slot.complete(Err(failure.clone()));
        }
        self.done = self.slots.len();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.done < self.slots.len() {
            self.fail(&panicked());
        }
    }
}

/// The failure of a log whose leader panicked.
pub(super) fn panicked() -> Failure {
    Failure::fatal(Error::unexpected("the thread that wrote to the log has panicked"))
}
