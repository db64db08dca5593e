//! The cache itself: what its parts share, and what its users ask it for.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::Result;
use worldstore_core::table::{DescribeOptions, TableName};

use crate::builder::CacheBuilder;
use crate::config::CacheConfig;
use crate::publish::Publish;
use crate::state::{State, TableState, lock};
use crate::stats::CacheStats;

/// Tables behind a write-behind cache; itself an [`AsyncTableBackend`].
///
/// One cache must be the only writer of its tables: a commit by another that moves a table's watermark is noticed at the
/// next flush and makes that table's appends fail. Clones share the cache.
///
/// It flushes in tasks of the tokio runtime in which it was opened, which must keep running.
#[derive(Clone)]
pub struct TableCache {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub inner: Arc<dyn AsyncTableBackend>,
    pub config: CacheConfig,
    pub publisher: Option<Arc<dyn Publish>>,
    pub state: Mutex<State>,
    pub runtime: Handle,
    /// Told when there are fewer bytes in memory.
    pub room: Notify,
    /// What commits may put together at once.
    pub copies: Semaphore,
    /// Held by a direct append: there is one at a time.
    pub direct: Arc<tokio::sync::Mutex<()>>,
    /// Held by the one who publishes.
    pub publishing: tokio::sync::Mutex<()>,
    /// Held by the one who creates a table.
    pub creating: tokio::sync::Mutex<()>,
}

impl TableCache {
    /// Puts a cache without a log in front of `inner` and goes on with the sequence that its tables end at.
    ///
    /// # Errors
    /// As for [`CacheBuilder::open`].
    pub async fn open(inner: Arc<dyn AsyncTableBackend>, config: CacheConfig) -> Result<Self> {
        Ok(Self::builder(inner).with_config(config).open().await?.0)
    }

    /// A cache in front of `inner`, with whatever is added to it.
    pub fn builder(inner: Arc<dyn AsyncTableBackend>) -> CacheBuilder {
        CacheBuilder::new(inner)
    }

    /// The table backend behind the cache.
    pub fn inner(&self) -> &Arc<dyn AsyncTableBackend> {
        &self.shared.inner
    }

    /// What is buffered, what is durable, and how flushes and publications went.
    pub fn stats(&self) -> CacheStats {
        let mut state = self.state();
        state.settle();
        CacheStats::of(&state)
    }

    /// A number that no other table has had in this process: it tells a table that was removed and made anew from the one
    /// before.
    ///
    /// # Errors
    /// `NotFound` if there is no such table; those of the tables.
    pub async fn incarnation(&self, table: &TableName) -> Result<u64> {
        self.load(table).await?;
        self.state().table(table).map(|table| table.incarnation)
    }

    /// Learns of a table that was created behind the cache's back.
    pub(crate) async fn load(&self, name: &TableName) -> Result<()> {
        if self.state().tables.contains_key(name) {
            return Ok(());
        }
        let info = self.shared.inner.describe(name, &DescribeOptions::default()).await?;
        self.state().adopt(&info);
        Ok(())
    }

    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

impl fmt::Debug for TableCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableCache").field("inner", &self.shared.inner).field("config", &self.shared.config).finish()
    }
}

impl fmt::Display for TableCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cache({})", self.shared.inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let rows: usize = state.tables.values().map(TableState::buffered_rows).sum();
        if rows > 0 && state.journal.is_none() {
            tracing::error!(target: "worldstore", rows, "cache dropped without shutdown, buffered rows are lost");
        }
    }
}
