//! How a log is opened.

use std::time::Duration;

use super::engine::{Flusher, Settings};
use super::format::{HEADER_BYTES, PAYLOAD_BYTES_MAX, frame_bytes};
use crate::error::{Error, Result};
use crate::planted::Planted;

/// What happens to a record for which the budget has no room. It is never dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OverBudget {
    /// Appending waits until there is room.
    #[default]
    Block,
    /// Appending fails with `Unavailable`, and nothing has happened.
    Refuse,
}

/// What happens if another has the log open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfLocked {
    /// Opening fails with `Conflict`.
    #[default]
    Refuse,
    /// The log is taken over: the other's next record fails with `Fenced`. For a writer that is known to hang.
    TakeOver,
}

/// How a log is opened. Settings are for this writer, not for the log: the next one may choose others.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WalOptions {
    /// Bytes of a segment, which is what a trim frees at once. The first ones of a writer are smaller: from 1 MiB on, each
    /// is twice the one before. A record that is larger has a segment of its own. Default: 64 MiB; at least 4 KiB.
    pub segment_bytes: u64,
    /// Bytes of records that may wait to be durable; it bounds the memory. Default: 128 MiB.
    pub queue_bytes: u64,
    /// Bytes that the log may hold until it is trimmed. Default: no bound.
    pub log_bytes: Option<u64>,
    /// What happens over these budgets. Default: appending waits.
    pub over_budget: OverBudget,
    /// Bytes that one sync makes durable at most, unless it is for one record. Default: 8 MiB.
    pub group_bytes: u64,
    /// For how long a group waits at most for writers that were in the one before, where a group takes four times as long
    /// or more: where the storage syncs faster, nobody waits. Default: 100 µs.
    pub gather: Duration,
    /// A task that awaits its record writes the group itself, in its own thread, where the last one took so long at most:
    /// two changes of threads would cost as much. Other tasks of that thread wait meanwhile, as they do when a sync takes
    /// longer than the one before. Zero: the log's thread always does it. Only for logs in files. Default: 250 µs.
    pub lead_within: Duration,
    /// What happens if another has the log open. Default: it is refused.
    pub if_locked: IfLocked,
    #[doc(hidden)]
    pub threads: Threads,
    #[doc(hidden)]
    pub planted: Planted,
}

/// Whether a log has threads of its own.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threads {
    /// Two: for groups, and for the next segment.
    #[default]
    Own,
    /// None: all is done by those who wait, so that the same calls are the same steps.
    None,
}

impl Default for WalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            queue_bytes: 128 << 20,
            log_bytes: None,
            over_budget: OverBudget::default(),
            group_bytes: 8 << 20,
            gather: Duration::from_micros(100),
            lead_within: Duration::from_micros(250),
            if_locked: IfLocked::default(),
            threads: Threads::default(),
            planted: Planted::default(),
        }
    }
}

impl WalOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`segment_bytes`](Self::segment_bytes).
    #[must_use]
    pub fn with_segment_bytes(self, segment_bytes: u64) -> Self {
        Self { segment_bytes, ..self }
    }

    /// Sets [`queue_bytes`](Self::queue_bytes).
    #[must_use]
    pub fn with_queue_bytes(self, queue_bytes: u64) -> Self {
        Self { queue_bytes, ..self }
    }

    /// Sets [`log_bytes`](Self::log_bytes).
    #[must_use]
    pub fn with_log_bytes(self, log_bytes: u64) -> Self {
        Self { log_bytes: Some(log_bytes), ..self }
    }

    /// Sets [`over_budget`](Self::over_budget).
    #[must_use]
    pub fn with_over_budget(self, over_budget: OverBudget) -> Self {
        Self { over_budget, ..self }
    }

    /// Sets [`group_bytes`](Self::group_bytes).
    #[must_use]
    pub fn with_group_bytes(self, group_bytes: u64) -> Self {
        Self { group_bytes, ..self }
    }

    /// Sets [`gather`](Self::gather).
    #[must_use]
    pub fn with_gather(self, gather: Duration) -> Self {
        Self { gather, ..self }
    }

    /// Sets [`lead_within`](Self::lead_within).
    #[must_use]
    pub fn with_lead_within(self, lead_within: Duration) -> Self {
        Self { lead_within, ..self }
    }

    /// Sets [`if_locked`](Self::if_locked).
    #[must_use]
    pub fn with_if_locked(self, if_locked: IfLocked) -> Self {
        Self { if_locked, ..self }
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_threads(self, threads: Threads) -> Self {
        Self { threads, ..self }
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_planted(self, planted: impl Into<Planted>) -> Self {
        Self { planted: planted.into(), ..self }
    }

    /// Tests the settings.
    pub(crate) fn check(&self) -> Result<()> {
        const SEGMENT_BYTES_MIN: u64 = 4 << 10;
        if self.segment_bytes < SEGMENT_BYTES_MIN {
            let error = Error::invalid("segments of a log are too small").with("bytes", self.segment_bytes);
            return Err(error.with("least", SEGMENT_BYTES_MIN));
        }
        if self.queue_bytes < (HEADER_BYTES + frame_bytes(0)) as u64 || self.group_bytes == 0 {
            return Err(Error::invalid("budget of a log has room for no record").with("bytes", self.queue_bytes));
        }
        Ok(())
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            queue_bytes: self.queue_bytes,
            log_bytes: self.log_bytes,
            group_bytes: self.group_bytes,
            gather: self.gather,
            lead_within: self.lead_within,
            over: self.over_budget,
            flusher: match self.threads {
                Threads::Own => Flusher::Thread,
                Threads::None => Flusher::Callers,
            },
            planted: self.planted,
        }
    }
}

/// Tests a payload before it takes a number.
pub(crate) fn check_payload(bytes: usize) -> Result<()> {
    match bytes <= PAYLOAD_BYTES_MAX {
        true => Ok(()),
        false => {
            let error = Error::invalid("record is larger than a log takes").with("bytes", bytes);
            Err(error.with("most", PAYLOAD_BYTES_MAX))
        }
    }
}
