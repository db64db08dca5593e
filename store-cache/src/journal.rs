//! What the cache knows of its log: records on their way, up to where all are durable, and where records stand.
//!
//! The log tells of records in their order. Nothing here waits: whoever holds the lock of the state looks.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use worldstore_async::AsyncWal;
use worldstore_core::table::TableName;
use worldstore_core::wal::{Appended, RecordKind};
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::Durability;
use crate::record::{APPEND, Draft};

/// The log of a cache.
#[derive(Debug)]
pub(crate) struct Journal {
    pub wal: AsyncWal,
    pub durability: Durability,
    /// Records that are not known to be durable, by sequence number.
    pending: VecDeque<Pending>,
    pub places: Places,
    /// True while records that there was no room for are still to be logged again.
    refused: bool,
    /// The direct append that neither its table nor the log has yet.
    direct: Option<Direct>,
    /// Why the last record was not stored, or the last trim failed. Gone when a record is stored.
    pub failure: Option<Arc<Error>>,
    /// Why no record is taken any more.
    pub fatal: Option<Arc<Error>>,
    /// After such a failure: all up to here are durable, and no later one will be known to be.
    end: Option<u64>,
}

/// A record on its way.
#[derive(Debug)]
struct Pending {
    seq: u64,
    tables: Vec<TableName>,
    appended: Appended,
    /// Kept where the record may have to be logged again.
    payload: Bytes,
}

/// A direct append whose table decides, whatever becomes of the note in the log.
#[derive(Debug)]
struct Direct {
    table: TableName,
    seq: u64,
    /// Closed when it is decided, told when it failed.
    waiting: watch::Sender<()>,
    /// Why neither the table nor the log has taken it. A flush of the table may still decide it.
    failure: Option<Arc<Error>>,
}

/// What tells that an append is durable.
#[derive(Debug)]
pub(crate) enum Decider {
    /// Its record.
    Record(Appended),
    /// Its table, or that of a direct append before it. It is told when this is closed, or changes.
    Table(watch::Receiver<()>),
}

/// An append that is certainly not in the log.
#[derive(Debug)]
pub(crate) struct Withdrawn {
    pub seq: u64,
    pub tables: Vec<TableName>,
}

impl Journal {
    pub fn new(wal: AsyncWal, durability: Durability, places: Places) -> Self {
        Self {
            wal,
            durability,
            pending: VecDeque::new(),
            places,
            refused: false,
            direct: None,
            failure: None,
            fatal: None,
            end: None,
        }
    }

    /// Puts an append into the log's queue.
    ///
    /// # Errors
    /// `Unavailable`: there is no room in the queue now. `StorageFull`, and what ends the log. Nothing has happened then.
    pub fn append(&mut self, seq: u64, tables: Vec<TableName>, draft: &mut Draft) -> Result<Appended> {
        self.log_again()?;
        let (kind, payload) = (draft.kind(), draft.number(seq));
        let kept = match self.durability {
            Durability::Durable => Bytes::new(),
            Durability::Buffered => payload.clone(),
        };
        let appended = self.enqueue(kind, payload)?;
        if let (true, [table]) = (kind != APPEND, &tables[..]) {
            let (table, waiting, failure) = (table.clone(), watch::Sender::new(()), None);
            self.direct = Some(Direct { table, seq, waiting, failure });
        }
        // The caller of a durable append awaits the record that is returned, and so has it written.
        self.pending.push_back(Pending { seq, tables, appended: appended.clone(), payload: kept });
        Ok(appended)
    }

    /// Logs the rows of a direct append after all. It is decided once the record is stored. None if it is already: a flush
    /// has brought them to their table, or that is gone; in the log they would be those of the next one of its name.
    ///
    /// # Errors
    /// As for [`append`](Self::append).
    pub fn append_after_all(&mut self, seq: u64, draft: &mut Draft) -> Result<Option<Appended>> {
        match self.open_direct(seq) {
            Some(_) => self.enqueue(draft.kind(), draft.number(seq)).map(Some),
            None => Ok(None),
        }
    }

    /// Tells when a direct append is decided. None if it is.
    pub fn open_direct(&self, seq: u64) -> Option<watch::Receiver<()>> {
        self.direct.as_ref().filter(|direct| direct.seq == seq).map(|direct| direct.waiting.subscribe())
    }

    /// This record has the rows of the direct append.
    pub fn logged_after_all(&mut self, seq: u64, record: Appended) {
        if let Some(pending) = self.pending.iter_mut().find(|pending| pending.seq == seq) {
            pending.appended = record;
        }
        self.end_direct(seq);
    }

    /// The direct append is decided if it is among those up to a sequence number: its table has them, or it was taken back.
    pub fn end_direct(&mut self, through: u64) {
        self.direct.take_if(|direct| direct.seq <= through);
    }

    /// The table is gone, and what was to come there.
    pub fn removed(&mut self, table: &TableName) {
        self.direct.take_if(|direct| direct.table == *table);
    }

    /// Unless it is decided, the direct append is not, for this reason. The first reason stays. False if it is decided.
    pub fn leave_direct(&mut self, seq: u64, failure: Error) -> bool {
        let Some(direct) = self.direct.as_mut().filter(|direct| direct.seq == seq) else { return false };
        direct.failure.get_or_insert(Arc::new(failure));
        direct.waiting.send_replace(());
        true
    }

    /// The direct append that is not decided.
    pub fn undecided(&self) -> Option<(&TableName, u64)> {
        self.direct.as_ref().map(|direct| (&direct.table, direct.seq))
    }

    /// Whether what comes now can become visible.
    ///
    /// # Errors
    /// `Unavailable` behind a direct append that is not decided.
    pub fn check_decided(&self) -> Result<()> {
        self.direct.as_ref().map_or(Ok(()), Direct::check)
    }

    fn enqueue(&mut self, kind: RecordKind, payload: Bytes) -> Result<Appended> {
        if let Some(fatal) = &self.fatal {
            return Err(again(fatal));
        }
        let wal = self.wal.wal();
        let appended = match self.durability {
            Durability::Durable => wal.try_append_awaited(kind, payload),
            Durability::Buffered => wal.try_append(kind, payload),
        };
        appended.map_err(|error| self.noted(error))
    }

    /// Logs once more, in their order, what there was no room for.
    pub fn log_again(&mut self) -> Result<()> {
        for index in 0..if self.refused { self.pending.len() } else { 0 } {
            let Some(pending) = self.pending.get(index).filter(|pending| pending.is_refused()) else { continue };
            let appended = self.enqueue(APPEND, pending.payload.clone())?;
            if let Some(pending) = self.pending.get_mut(index) {
                pending.appended = appended;
            }
        }
        self.refused = false;
        Ok(())
    }

    /// Looks which records are durable by now, and tells which appends will never be.
    pub fn settle(&mut self) -> Vec<Withdrawn> {
        let mut withdrawn = Vec::new();
        while let Some(outcome) = self.pending.front().and_then(|front| front.appended.outcome()) {
            match outcome {
                Ok(number) => {
                    let direct = self.direct.as_ref().map(|direct| direct.seq);
                    if self.pending.front().map(|front| front.seq) == direct {
                        break;
                    }
                    let Some(stored) = self.pending.pop_front() else { break };
                    self.places.push(stored.seq, number);
                    self.failure = None;
                }
                Err(error) => {
                    let is_full = error.kind() == ErrorKind::StorageFull;
                    let _ = self.noted(error);
                    if is_full && self.durability == Durability::Buffered {
                        self.refused = true;
                        break;
                    }
                    let Some(lost) = self.pending.pop_front() else { break };
                    if !is_full {
                        self.end.get_or_insert(lost.seq - 1);
                    }
                    // What readers were shown already stays: it is only never said to be durable.
                    if self.durability == Durability::Durable {
                        withdrawn.push(Withdrawn { seq: lost.seq, tables: lost.tables });
                    }
                }
            }
        }
        withdrawn
    }

    /// Notes why a record was not stored.
    pub fn noted(&mut self, error: Error) -> Error {
        let kept = match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Invalid => return error,
            ErrorKind::Poisoned | ErrorKind::Fenced => self.fatal.get_or_insert_with(|| Arc::new(error)),
            _ => self.failure.insert(Arc::new(error)),
        };
        again(kept)
    }

    /// All appends up to this one are durable, or were never made.
    pub fn durable(&self, last_seq: u64) -> u64 {
        let first = self.pending.front().map_or(last_seq, |front| front.seq - 1);
        self.end.map_or(first, |end| end.min(first))
    }

    /// What tells next whether all up to a sequence number are durable. None if it is known.
    ///
    /// # Errors
    /// Why the record is not in the log; `Unavailable` behind a direct append that is not decided.
    pub fn decider(&mut self, seq: u64) -> Result<Option<Decider>> {
        if self.durable(seq) >= seq {
            return Ok(None);
        }
        if let Some(direct) = self.direct.as_ref().filter(|direct| direct.seq <= seq) {
            direct.check().map_err(|error| self.fatal.as_ref().map_or(error, again))?;
            return Ok(Some(Decider::Table(direct.waiting.subscribe())));
        }
        self.log_again()?;
        let index = self.pending.partition_point(|pending| pending.seq < seq);
        match self.pending.get(index).map(|pending| pending.appended.clone()) {
            Some(appended) => Ok(Some(Decider::Record(appended))),
            None => self.fatal.as_ref().map_or(Ok(None), |fatal| Err(again(fatal))),
        }
    }
}

impl Direct {
    fn check(&self) -> Result<()> {
        let Some(failure) = &self.failure else { return Ok(()) };
        let message = "rows before are neither in their table nor in the log yet, which is tried again";
        Err(Error::new(ErrorKind::Unavailable, message)
            .with("table", &self.table)
            .with("seq", self.seq)
            .caused_by(Arc::clone(failure)))
    }
}

impl Pending {
    /// True if the log had no room for it.
    fn is_refused(&self) -> bool {
        let outcome = self.appended.outcome();
        outcome.is_some_and(|outcome| outcome.is_err_and(|error| error.kind() == ErrorKind::StorageFull))
    }
}

/// The same error for one more caller.
pub(crate) fn again(error: &Arc<Error>) -> Error {
    Error::new(error.kind(), error.message()).retry_as(error.retry()).caused_by(Arc::clone(error))
}

/// Which record of the log holds which append: mostly one number after the other, so runs of them.
#[derive(Debug, Default)]
pub(crate) struct Places(VecDeque<Run>);

#[derive(Debug)]
struct Run {
    seq: u64,
    number: u64,
    count: u64,
}

impl Places {
    /// Notes the record of an append. They stand in the order of the records; nearly always it is the last one.
    pub fn push(&mut self, seq: u64, number: u64) {
        let at = self.0.partition_point(|run| run.number < number);
        match at.checked_sub(1).and_then(|before| self.0.get_mut(before)) {
            Some(run) if run.seq + run.count == seq && run.number + run.count == number => run.count += 1,
            _ => self.0.insert(at, Run { seq, number, count: 1 }),
        }
    }

    /// The sequence numbers from one to another, both included, of which there is no record.
    pub fn gaps(&self, from: u64, to: u64) -> Vec<RangeInclusive<u64>> {
        let mut runs: Vec<(u64, u64)> = self.0.iter().map(|run| (run.seq, run.seq + run.count)).collect();
        runs.sort_unstable();
        let (mut next, mut gaps) = (from, Vec::new());
        for (first, end) in runs.into_iter().chain([(to.saturating_add(1), 0)]) {
            if first > next && next <= to {
                gaps.push(next..=to.min(first - 1));
            }
            next = next.max(end);
        }
        gaps
    }

    /// Forgets the records before the first one that holds an append after `seq`, and tells the last of them.
    pub fn forget(&mut self, seq: u64) -> Option<u64> {
        let mut last = None;
        while let Some(run) = self.0.front_mut().filter(|run| run.seq <= seq) {
            let count = run.count.min(seq - run.seq + 1);
            last = Some(run.number + count - 1);
            (run.seq, run.number, run.count) = (run.seq + count, run.number + count, run.count - count);
            if run.count > 0 {
                break;
            }
            self.0.pop_front();
        }
        last
    }
}

#[cfg(test)]
mod tests;
