//! What the cache knows: one sequence for all tables, and per table the committed version and what continues it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use tokio::time::Instant;
use worldstore_core::table::{TableInfo, TableName};
use worldstore_core::{Error, Result};

use crate::memtable::Memtable;
use crate::stats::FlushCounters;

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
    /// Rows under way to the table. They stay as they are until their commit is certain: a repeated commit must carry
    /// the same rows under the same sequence number.
    pub frozen: Option<Arc<Memtable>>,
    /// Rows that came after.
    pub live: Memtable,
    /// The failures since the last commit.
    pub failure: Option<Failure>,
    /// Held while a flush of this table is under way.
    pub flushing: Arc<tokio::sync::Mutex<()>>,
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
        Self {
            schema: info.schema.clone(),
            version: info.version,
            watermark: info.watermark,
            rows: info.rows,
            frozen: None,
            live: Memtable::default(),
            failure: None,
            flushing: Arc::default(),
        }
    }

    /// Memtables in the order of their rows.
    pub fn memtables(&self) -> impl Iterator<Item = &Memtable> {
        self.frozen.as_deref().into_iter().chain([&self.live]).filter(|memtable| !memtable.is_empty())
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
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// The last sequence number given out; dense over all tables.
    pub last_seq: u64,
    pub tables: BTreeMap<TableName, TableState>,
    pub closed: bool,
    pub counters: FlushCounters,
}

impl State {
    pub fn buffered_bytes(&self) -> usize {
        self.tables.values().map(TableState::buffered_bytes).sum()
    }

    pub fn table(&mut self, name: &TableName) -> Result<&mut TableState> {
        self.tables.get_mut(name).ok_or_else(|| Error::not_found("no such table").with("table", name))
    }
}

/// Locks the state. A panic elsewhere cannot leave it half changed: every change is made of assignments only.
pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
