//! Direct appends: large ones of one table, which are committed to it before they return.
//!
//! Through the log, their rows would be written and synced twice. So the log gets a note of their sequence number only, and
//! the commit to the table makes them durable. The note comes first: whoever opens the log later gives no number again
//! that a commit under way may bring to the table. If the commit fails, or nobody knows, the rows are logged after all. If
//! it does not, they are acknowledged only where nobody had taken over by then: he would not find them in the log.
//!
//! Until then neither they nor later appends are read, as it is with a record that is on its way to the log. If the log
//! takes them neither, they stay undecided: no append is taken before a flush has brought them to their table.

use std::pin::pin;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use futures::future::{Either, select};
use tokio::sync::OwnedMutexGuard;
use tokio::time::sleep;
use worldstore_core::table::TableName;
use worldstore_core::wal::Appended;
use worldstore_core::{Error, ErrorKind, Result};

use crate::append::{Prepared, Taken, Way};
use crate::cache::TableCache;
use crate::config::Durability;
use crate::flush::{commit_through, detached, hold, settle, until_logged};
use crate::journal::{Journal, again};
use crate::record::{Draft, PART_ROWS_MAX, Rows};
use crate::retry;
use crate::size;

/// Rows of more bytes go through the log, which says whether it takes them.
const DIRECT_BYTES_MAX: usize = 240 << 20;
/// How often it is looked who has the tables, until nobody knows.
const CHECKS: u32 = 3;

impl TableCache {
    /// True if an append is of one table, and large enough to be worth a commit.
    pub(crate) fn is_direct(&self, parts: &[(TableName, Vec<RecordBatch>)]) -> bool {
        let config = &self.shared.config;
        let [(_, batches)] = parts else { return false };
        // What arrays hold may be much more than their rows.
        let held: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        if config.durability != Durability::Durable || held < config.direct_bytes() {
            return false;
        }
        let bytes: usize = batches.iter().map(size::of_rows).sum();
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        // It may have to be logged after all: then there is a little more of it than the rows.
        let is_loggable = |journal: &mut Journal| journal.wal.wal().fits(bytes + (bytes >> 4));
        (config.direct_bytes()..=DIRECT_BYTES_MAX).contains(&bytes)
            && rows <= PART_ROWS_MAX
            && self.with_journal(is_loggable).unwrap_or(false)
    }

    /// Takes rows, and has them committed. Until they are taken its caller may go away, and nothing has happened; from then
    /// on a task of its own goes through with it, and leaves nothing half done.
    pub(crate) async fn append_direct(&self, parts: &[(TableName, Vec<RecordBatch>)]) -> Result<u64> {
        let shared = &self.shared;
        let one_at_a_time = Arc::clone(&shared.direct).lock_owned().await;
        let [(name, _)] = parts else { return Err(Error::unexpected("a direct append is of one table")) };
        let mut prepared = self.prepare(parts, Way::Direct)?;
        // First alone, then taken: a flush of the table waits for all that is taken.
        let direct = loop {
            let alone = hold(shared, name).await?;
            match self.take(prepared)? {
                Taken::Yes(Prepared { rows, .. }, seq, note) => {
                    break Direct { table: name.clone(), rows, seq, note, alone, one_at_a_time };
                }
                Taken::Changed => prepared = self.prepare(parts, Way::Direct)?,
                Taken::NoRoom(refused) => {
                    // There may be room only after a flush.
                    drop(alone);
                    self.log_room(refused.record_bytes()).await?;
                    prepared = refused;
                }
            }
        };
        let cache = self.clone();
        self.detached(async move |_| cache.finish_direct(direct).await).await
    }

    async fn finish_direct(&self, direct: Direct) -> Result<u64> {
        let Direct { table, rows, seq, note, alone, one_at_a_time: _held } = direct;
        let _ending = Ending { cache: self, seq };
        let Some(note) = note else { return Err(Error::unexpected("a direct append has no note in the log")) };
        if let Err(error) = note.await {
            // There is no note: the rows are taken back, and the table was not touched.
            self.with_journal(|journal| journal.end_direct(seq));
            return Err(error);
        }
        let cache = self.clone();
        let committed = async move {
            let _alone = alone;
            cache.commit_direct(&table, seq).await
        };
        match detached(&self.shared, committed).await {
            Ok(()) => self.confirmed(seq).await,
            Err(error) => self.log_after_all(&rows, seq, error).await,
        }
    }

    /// Looks, once the table has the rows, whether nobody else had the tables before. Whoever comes later finds the rows
    /// there; one who came meanwhile has looked before perhaps, and publishes later rows without them: the log has a note.
    async fn confirmed(&self, seq: u64) -> Result<u64> {
        let Some(publisher) = &self.shared.publisher else { return Ok(seq) };
        let mut attempt = 1;
        let error = loop {
            match publisher.check_epoch().await {
                Ok(()) => return Ok(seq),
                Err(error) if error.kind() != ErrorKind::Fenced && attempt < CHECKS => {
                    sleep(retry::pause(attempt)).await;
                    attempt += 1;
                }
                Err(error) => break Arc::new(error),
            }
        };
        if error.kind() == ErrorKind::Fenced {
            self.state().fenced.get_or_insert(Arc::clone(&error));
        }
        let message = "rows are in their table, where one who has taken over may not have found them";
        Err(Error::new(ErrorKind::OutcomeUnknown, message).caused_by(error))
    }

    /// Commits the rows of a table up to those, for one who keeps flushes of it away.
    async fn commit_direct(&self, name: &TableName, seq: u64) -> Result<()> {
        // Those before may be of steps over several tables: only whole ones are committed.
        while let Err(error) = until_logged(&self.shared, seq - 1).await {
            // One that the log had no room for was taken back, and is none of them any more.
            if error.kind() != ErrorKind::StorageFull {
                return Err(error);
            }
        }
        self.state().table(name)?.seal(seq);
        commit_through(&self.shared, name, seq).await
    }

    async fn log_after_all(&self, rows: &[Rows], seq: u64, cause: Error) -> Result<u64> {
        let error = match self.log_rows(rows, seq).await {
            Ok(true) => return Ok(seq),
            Ok(false) => return self.confirmed(seq).await,
            Err(error) => Arc::new(error),
        };
        let cause = Arc::new(cause.with("log", &error));
        let is_left = self.with_journal(|journal| {
            drop(journal.noted(again(&error)));
            journal.leave_direct(seq, again(&cause))
        });
        match is_left {
            Some(true) => {
                let message = "rows are not in the log, and may be in their table, or come there with a flush";
                Err(unknown(message, error.kind()).caused_by(cause))
            }
            _ => self.confirmed(seq).await,
        }
    }

    fn with_journal<Value>(&self, change: impl FnOnce(&mut Journal) -> Value) -> Option<Value> {
        self.state().journal.as_mut().map(change)
    }

    /// Puts rows that have their number already into the log, unless a flush or a removal of their table comes first: false
    /// then.
    async fn log_rows(&self, rows: &[Rows], seq: u64) -> Result<bool> {
        let mut draft = Draft::new(rows)?;
        loop {
            let logged = {
                let mut state = self.state();
                state.check_fence()?;
                state.journal.as_mut().map_or(Ok(None), |journal| journal.append_after_all(seq, &mut draft))
            };
            match logged {
                Ok(None) => return Ok(false),
                Ok(Some(record)) => {
                    record.clone().await?;
                    self.with_journal(|journal| journal.logged_after_all(seq, record));
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Unavailable => {
                    let room = pin!(self.log_room(draft.bytes()));
                    if let Either::Left((room, _)) = select(room, pin!(self.decided(seq))).await {
                        room?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until a direct append is decided.
    async fn decided(&self, seq: u64) {
        while let Some(mut waiting) = self.with_journal(|journal| journal.open_direct(seq)).flatten() {
            let _ = waiting.changed().await;
        }
    }
}

/// A direct append that was taken.
struct Direct {
    table: TableName,
    rows: Vec<Rows>,
    seq: u64,
    note: Option<Appended>,
    /// Keeps flushes of the table away.
    alone: OwnedMutexGuard<()>,
    one_at_a_time: OwnedMutexGuard<()>,
}

/// However a direct append ends: it is decided, or known not to be, and nobody waits for ever.
struct Ending<'cache> {
    cache: &'cache TableCache,
    seq: u64,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let stopped = || Error::new(ErrorKind::Unavailable, "the append was stopped");
        let _ = self.cache.with_journal(|journal| journal.leave_direct(self.seq, stopped()));
        settle(&self.cache.shared);
    }
}

/// Nobody knows what becomes of rows, unless their writer is at its end.
pub(crate) fn unknown(message: &str, kind: ErrorKind) -> Error {
    let kind = match kind {
        ErrorKind::Fenced | ErrorKind::Poisoned => kind,
        _ => ErrorKind::OutcomeUnknown,
    };
    Error::new(kind, message)
}
