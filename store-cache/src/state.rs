//! What the cache knows: one sequence for all tables, and per table the committed versions and what continues them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use tokio::time::Instant;
use worldstore_core::table::{TableInfo, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::Durability;
use crate::journal::{Journal, again};
use crate::memtable::{Chunk, Memtable};
use crate::publication::Publication;
use crate::stats::FlushCounters;

/// How many tables the caches of this process have met.
static INCARNATIONS: AtomicU64 = AtomicU64::new(0);

/// One table. Its rows are: the version `version` of the table, then `frozen`, then `live`, each row in exactly one.
#[derive(Debug)]
pub(crate) struct TableState {
    pub schema: SchemaRef,
    /// The newest version that this cache has committed or found.
    pub version: u64,
    /// The last sequence number in that version.
    pub watermark: u64,
    /// Rows of that version.
    pub rows: u64,
    /// Rows under way to the table, oldest first; all of them are durable in the log, if there is one. They stay as they
    /// are until their commit is certain: a repeated commit must carry the same rows under the same sequence number.
    pub frozen: VecDeque<Arc<Memtable>>,
    /// True once a commit of the first of them was tried.
    pub attempted: bool,
    /// Rows that came after.
    pub live: Memtable,
    /// The failures since the last commit.
    pub failure: Option<Failure>,
    /// True while a flush of the background is about to begin.
    pub scheduled: bool,
    /// Held while a flush of this table is under way.
    pub flushing: Arc<tokio::sync::Mutex<()>>,
    /// Tells it from others of its name.
    pub incarnation: u64,
    /// Versions since the last publication, and the one in it; the last is the newest.
    pub versions: Vec<Version>,
}

/// A version of a table, as far as publication needs it.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub version: u64,
    /// The first sequence number that it added to the version before.
    pub first: u64,
    pub watermark: u64,
    pub rows: u64,
    pub schema: SchemaRef,
}

/// Why the last flush failed, and when the next is due.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub error: Arc<Error>,
    pub count: u32,
    pub retry_at: Instant,
    /// Another writer moved the table: no repetition can help.
    pub fatal: bool,
}

impl TableState {
    pub fn new(info: &TableInfo) -> Self {
        let (version, watermark, rows, schema) = (info.version, info.watermark, info.rows, info.schema.clone());
        Self {
            schema: info.schema.clone(),
            version,
            watermark,
            rows,
            frozen: VecDeque::new(),
            attempted: false,
            live: Memtable::default(),
            failure: None,
            scheduled: false,
            flushing: Arc::default(),
            incarnation: INCARNATIONS.fetch_add(1, Ordering::Relaxed),
            versions: vec![Version { version, first: watermark, watermark, rows, schema }],
        }
    }

    /// Memtables in the order of their rows.
    pub fn memtables(&self) -> impl Iterator<Item = &Memtable> {
        self.frozen.iter().map(Arc::as_ref).chain([&self.live]).filter(|memtable| !memtable.is_empty())
    }

    pub fn buffered_rows(&self) -> usize {
        self.memtables().map(Memtable::rows).sum()
    }

    pub fn buffered_bytes(&self) -> usize {
        self.memtables().map(Memtable::bytes).sum()
    }

    pub fn oldest(&self) -> Option<Instant> {
        self.memtables().next().and_then(Memtable::oldest)
    }

    /// The newest sequence number of the table, committed or not.
    pub fn last_seq(&self) -> u64 {
        self.memtables().last().map_or(self.watermark, Memtable::last_seq)
    }

    /// The oldest sequence number of the table that is not committed.
    pub fn first_unflushed(&self) -> Option<u64> {
        self.memtables().next().map(Memtable::first_seq)
    }

    /// Swaps rows up to a sequence number out of the live memtable, to be flushed.
    pub fn seal(&mut self, through: u64) {
        let sealed = self.live.take_through(through);
        if !sealed.is_empty() {
            self.frozen.push_back(Arc::new(sealed));
        }
    }

    /// Makes two of the oldest sealed rows if they have more bytes than that: a commit puts its rows together in memory.
    /// Rows whose commit was tried stay as they are.
    pub fn cut_oldest(&mut self, bytes: usize) {
        let Some(oldest) = self.frozen.front_mut().filter(|oldest| !self.attempted && oldest.bytes() > bytes) else {
            return;
        };
        let through = oldest.seq_within(bytes);
        if through < oldest.last_seq() {
            let cut = Arc::make_mut(oldest).take_through(through);
            self.frozen.push_front(Arc::new(cut));
        }
    }

    /// Forgets rows up to a sequence number: the table has them.
    pub fn forget_through(&mut self, seq: u64) {
        for frozen in &mut self.frozen {
            if frozen.first_seq() <= seq {
                drop(Arc::make_mut(frozen).take_through(seq));
            }
        }
        self.frozen.retain(|frozen| !frozen.is_empty());
        drop(self.live.take_through(seq));
    }

    /// Notes the newest version. One with the rows of the version before takes its place.
    pub fn note(&mut self, version: Version, is_remembered: bool) {
        (self.version, self.watermark, self.rows) = (version.version, version.watermark, version.rows);
        self.schema = version.schema.clone();
        match self.versions.last_mut() {
            Some(last) if last.watermark == version.watermark => *last = Version { first: last.first, ..version },
            _ if is_remembered => self.versions.push(version),
            _ => self.versions = vec![version],
        }
    }

    /// True if the last failure asks for patience, or for ever.
    pub fn is_waiting(&self, now: Instant) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.fatal || failure.retry_at > now)
    }
}

/// Everything behind the lock.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The last sequence number given out, over all tables.
    pub last_seq: u64,
    /// The last sequence number that was given out before this cache, as far as the log tells; 0 without a log.
    pub recovered: u64,
    pub tables: BTreeMap<TableName, TableState>,
    /// Bytes in all memtables.
    pub bytes: usize,
    /// Bytes of rows that were put together for the commits under way.
    pub copied: usize,
    /// The log, if there is one.
    pub journal: Option<Journal>,
    pub publication: Publication,
    pub closed: bool,
    /// Another writer has taken over: nothing is taken or committed any more.
    pub fenced: Option<Arc<Error>>,
    pub counters: FlushCounters,
}

impl State {
    pub fn table(&mut self, name: &TableName) -> Result<&mut TableState> {
        self.tables.get_mut(name).ok_or_else(|| Error::not_found("no such table").with("table", name))
    }

    /// Learns of a table.
    pub fn adopt(&mut self, info: &TableInfo) {
        self.last_seq = self.last_seq.max(info.watermark);
        self.tables.entry(info.name.clone()).or_insert_with(|| TableState::new(info));
    }

    /// Adds the rows of an append.
    pub fn push(&mut self, name: &TableName, chunk: Chunk) -> Result<()> {
        let bytes = chunk.bytes;
        self.table(name)?.live.push(Arc::new(chunk));
        self.bytes += bytes;
        Ok(())
    }

    /// Looks what has become of records on their way to the log. True if rows were withdrawn.
    pub fn settle(&mut self) -> bool {
        let Some(journal) = &mut self.journal else { return false };
        let withdrawn = journal.settle();
        if let Some(fatal) = journal.fatal.as_ref().filter(|fatal| fatal.kind() == ErrorKind::Fenced) {
            self.fenced.get_or_insert(Arc::clone(fatal));
        }
        for append in &withdrawn {
            for name in &append.tables {
                if let Some(table) = self.tables.get_mut(name) {
                    table.live.withdraw(append.seq);
                }
            }
        }
        if !withdrawn.is_empty() {
            self.recount();
        }
        !withdrawn.is_empty()
    }

    /// Counts the bytes anew, after something other than an append.
    pub fn recount(&mut self) {
        self.bytes = self.tables.values().map(TableState::buffered_bytes).sum();
    }

    /// Rows up to here may be flushed: their records are durable, or there is no log.
    pub fn durable(&self) -> u64 {
        self.journal.as_ref().map_or(self.last_seq, |journal| journal.durable(self.last_seq))
    }

    /// Rows up to here are read.
    pub fn visible(&self) -> u64 {
        match &self.journal {
            Some(journal) if journal.durability == Durability::Durable => journal.durable(self.last_seq),
            _ => self.last_seq,
        }
    }

    /// All appends up to this one are in the tables.
    pub fn committed(&self) -> u64 {
        let first = self.tables.values().filter_map(TableState::first_unflushed).min();
        // What the log may hold and nobody knows is not committed either.
        first.map_or(self.last_seq, |first| first - 1).min(self.durable())
    }

    /// Whether what comes now can become visible.
    ///
    /// # Errors
    /// `Unavailable` behind a direct append that neither its table nor the log has; `Poisoned` if it never will be there.
    pub fn check_decided(&self) -> Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        journal.check_decided().map_err(|error| {
            let table = journal.undecided().and_then(|(table, _)| self.tables.get(table));
            match table.and_then(|table| table.failure.as_ref()) {
                Some(failure) if failure.fatal => {
                    let message = "another writer changed the table of rows that are nowhere yet, reopen the tables";
                    Error::new(ErrorKind::Poisoned, message).caused_by(error)
                }
                _ => error,
            }
        })
    }

    /// Whether anything can still be committed.
    ///
    /// # Errors
    /// `Fenced`.
    pub fn check_fence(&self) -> Result<()> {
        self.fenced.as_ref().map_or(Ok(()), |error| Err(again(error)))
    }

    /// Whether appends are taken.
    ///
    /// # Errors
    /// `Fenced`; `Poisoned` after a shutdown, or a failure of the log.
    pub fn check_open(&self) -> Result<()> {
        self.check_fence()?;
        if self.closed {
            return Err(Error::new(ErrorKind::Poisoned, "the cache is shut down"));
        }
        let fatal = self.journal.as_ref().and_then(|journal| journal.fatal.as_ref());
        fatal.map_or(Ok(()), |error| Err(again(error)))
    }
}

/// Locks the state. A panic elsewhere cannot leave it half changed: every change is made of assignments only.
pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
