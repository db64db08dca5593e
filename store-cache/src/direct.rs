//! Direct appends: large ones of one table, which are committed to it before they return.
//!
//! Through the log, their rows would be written and synced twice. So the log gets a note of their sequence number only, and
//! the commit to the table makes them durable. The note comes first: whoever opens the log later gives no number again
//! that a commit under way may bring to the table. If the commit fails, or nobody knows, the rows are logged after all.
//!
//! Until then neither they nor later appends are read, as it is with a record that is on its way to the log.

use std::sync::Arc;

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use tokio::sync::OwnedMutexGuard;
use worldstore_core::table::TableName;
use worldstore_core::wal::Appended;
use worldstore_core::{Error, ErrorKind, Result};

use crate::append::{Taken, Way};
use crate::cache::TableCache;
use crate::config::Durability;
use crate::flush::{commit_through, detached, settle, until_logged};
use crate::record::{Draft, Rows};

/// Rows of more bytes go through the log, which says whether it takes them.
const DIRECT_BYTES_MAX: usize = 240 << 20;

impl TableCache {
    /// True if an append is of one table, and large enough to be worth a commit.
    pub(crate) fn is_direct(&self, parts: &[(TableName, Vec<RecordBatch>)]) -> bool {
        let config = &self.shared.config;
        let [(_, batches)] = parts else { return false };
        // What arrays hold may be much more than their rows.
        let held: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        config.durability == Durability::Durable
            && held >= config.direct_bytes()
            && (config.direct_bytes()..=DIRECT_BYTES_MAX).contains(&bytes_of(batches))
            && self.state().journal.is_some()
    }

    /// Takes rows, and has them committed. In a task of its own: whoever goes away leaves nothing half done.
    pub(crate) async fn append_direct(&self, parts: Vec<(TableName, Vec<RecordBatch>)>) -> Result<u64> {
        let cache = self.clone();
        self.detached(async move |_| cache.run_direct(parts).await).await
    }

    async fn run_direct(&self, parts: Vec<(TableName, Vec<RecordBatch>)>) -> Result<u64> {
        let shared = &self.shared;
        let _one_at_a_time = shared.direct.lock().await;
        let [(name, _)] = &parts[..] else { return Err(Error::unexpected("a direct append is of one table")) };
        let mut prepared = self.prepare(&parts, Way::Direct)?;
        // First alone, then taken: a flush of the table waits for all that is taken.
        let (alone, taken, seq, note) = loop {
            let alone = self.alone(name).await?;
            match self.take(prepared)? {
                Taken::Yes(taken, seq, note) => break (alone, taken, seq, note),
                Taken::Changed => prepared = self.prepare(&parts, Way::Direct)?,
                Taken::NoRoom(refused) => {
                    // There may be room only after a flush.
                    drop(alone);
                    self.log_room(refused.record_bytes()).await?;
                    prepared = refused;
                }
            }
        };
        let _ending = Ending { cache: self, seq };
        let Some(note) = note else { return Err(Error::unexpected("a direct append has no note in the log")) };
        let noted = note.await;
        // If there is no note, the rows are taken back, and the table was not touched.
        settle(shared);
        noted?;
        let (table, cache) = (name.clone(), self.clone());
        let committed = async move {
            let _alone = alone;
            cache.commit_direct(&table, seq).await
        };
        match detached(shared, committed).await {
            Ok(()) => Ok(seq),
            Err(error) => self.log_after_all(&taken.rows, seq, error).await,
        }
    }

    /// Keeps flushes of a table away.
    async fn alone(&self, name: &TableName) -> Result<OwnedMutexGuard<()>> {
        loop {
            let flushing = Arc::clone(&self.state().table(name)?.flushing);
            let alone = Arc::clone(&flushing).lock_owned().await;
            // Not if it was removed and made anew meanwhile.
            if Arc::ptr_eq(&flushing, &self.state().table(name)?.flushing) {
                return Ok(alone);
            }
        }
    }

    /// Commits the rows of a table up to those, for one who keeps flushes of it away.
    async fn commit_direct(&self, name: &TableName, seq: u64) -> Result<()> {
        // Those before may be of steps over several tables: only whole ones are committed.
        until_logged(&self.shared, seq - 1).await?;
        self.state().table(name)?.seal(seq);
        commit_through(&self.shared, name, seq).await
    }

    async fn log_after_all(&self, rows: &[Rows], seq: u64, cause: Error) -> Result<u64> {
        let logged = match self.log_rows(rows, seq).await {
            Ok(record) => record.await.map(|_| seq),
            Err(error) => Err(error),
        };
        logged.map_err(|error| {
            let kind = match error.kind() {
                kind @ (ErrorKind::Fenced | ErrorKind::Poisoned) => kind,
                _ => ErrorKind::OutcomeUnknown,
            };
            let message = "rows are not in the log, and may be in their table, or come there with a flush";
            Error::new(kind, message).with("log", error).caused_by(cause)
        })
    }

    /// Puts rows that have their number already into the log.
    async fn log_rows(&self, rows: &[Rows], seq: u64) -> Result<Appended> {
        let mut draft = Draft::new(rows)?;
        loop {
            let logged = match &mut self.state().journal {
                Some(journal) => journal.append_after_all(seq, &mut draft),
                None => Err(Error::unexpected("the log is gone")),
            };
            match logged {
                Err(error) if error.kind() == ErrorKind::Unavailable => self.log_room(draft.bytes()).await?,
                logged => return logged,
            }
        }
    }
}

/// However a direct append ends: its rows and those of later appends are read, unless it was taken back.
struct Ending<'cache> {
    cache: &'cache TableCache,
    seq: u64,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if let Some(journal) = &mut self.cache.state().journal {
            journal.end_direct(self.seq, None);
        }
        settle(&self.cache.shared);
    }
}

/// Bytes of the rows themselves.
fn bytes_of(batches: &[RecordBatch]) -> usize {
    let columns = batches.iter().flat_map(RecordBatch::columns);
    // A column that cannot be measured is taken for what it holds.
    columns.map(|column| column.to_data().get_slice_memory_size().unwrap_or(column.get_array_memory_size())).sum()
}
