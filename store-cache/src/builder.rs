//! Opening a cache: tables, log, publisher, and what is recovered.

use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use worldstore_async::AsyncWal;
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::trace::traced;
use worldstore_core::table::{DescribeOptions, ListTablesOptions};
use worldstore_core::{Error, Result};

use crate::cache::{Shared, TableCache};
use crate::config::CacheConfig;
use crate::fence::FenceTables;
use crate::fit::KeepUnfit;
use crate::flush::permits;
use crate::idle;
use crate::publish::Publish;
use crate::recovery::{self, CacheRecovery, Found};
use crate::state::{State, TableState};
use crate::trace;
use crate::withdrawal::withdraw;

/// What a cache is made of. See [`TableCache::builder`].
#[derive(Debug)]
#[must_use]
pub struct CacheBuilder {
    inner: Arc<dyn AsyncTableBackend>,
    config: CacheConfig,
    log: Option<AsyncWal>,
    publisher: Option<Arc<dyn Publish>>,
    unfit: Option<Arc<dyn KeepUnfit>>,
    fence: Option<Arc<dyn FenceTables>>,
    seq_floor: u64,
    withdraws_above: Option<u64>,
    replays_above: u64,
}

impl CacheBuilder {
    pub(crate) fn new(inner: Arc<dyn AsyncTableBackend>) -> Self {
        let (config, log, publisher, unfit, fence) = Default::default();
        let (seq_floor, withdraws_above, replays_above) = Default::default();
        Self { inner, config, log, publisher, unfit, fence, seq_floor, withdraws_above, replays_above }
    }

    /// Sets triggers, bounds, and what an append waits for.
    pub fn with_config(mut self, config: CacheConfig) -> Self {
        self.config = config;
        self
    }

    /// Logs appends before they are acknowledged. The log is the cache's alone: it holds nothing else, and belongs to
    /// these tables.
    pub fn with_log(mut self, log: AsyncWal) -> Self {
        self.log = Some(log);
        self
    }

    /// Publishes after flushes, and takes rows for committed when they are published. Every commit carries its epoch.
    pub fn with_publisher(mut self, publisher: Arc<dyn Publish>) -> Self {
        self.publisher = Some(publisher);
        self
    }

    /// Keeps rows of the log that their table cannot hold, so that the cache can be opened without them. By default it is
    /// not opened then, and nothing has changed.
    pub fn with_unfit(mut self, unfit: Arc<dyn KeepUnfit>) -> Self {
        self.unfit = Some(unfit);
        self
    }

    /// Keeps a writer before from the tables, if the log notes a direct append that its table lacks: that may still be
    /// committed, and nobody else has its rows. What else may be is in the log. By default such a commit may arrive late.
    pub fn with_fence(mut self, fence: Arc<dyn FenceTables>) -> Self {
        self.fence = Some(fence);
        self
    }

    /// Gives out sequence numbers above this one only: for whoever knows of some that neither the tables nor the log
    /// remember, as those of tables that were removed. Default 0.
    pub fn with_seq_floor(mut self, seq: u64) -> Self {
        self.seq_floor = seq;
        self
    }

    /// Takes rows with a greater sequence number than this, which were committed and not published, back out of tables with
    /// a column `seq`, unless the log has a record of that number: for whoever knows that the log is gone that would tell
    /// whether steps over several tables are whole. By default nothing is taken.
    pub fn with_withdrawal(mut self, published: u64) -> Self {
        self.withdraws_above = Some(published);
        self
    }

    /// Leaves appends of the log up to this sequence number alone, as if there were no record of them; their numbers are not
    /// given again. For whoever knows that they were given up, or that all of them are published. Default 0.
    pub fn with_replay_above(mut self, seq: u64) -> Self {
        self.replays_above = seq;
        self
    }

    /// Opens the cache. The sequence goes on where tables and log end; rows that are in the log and not in their table
    /// are in memory then, and read.
    ///
    /// Nothing is written, but for a [withdrawal](Self::with_withdrawal) and by a [fence](Self::with_fence): whoever is
    /// stopped here opens again and finds the same.
    ///
    /// # Errors
    /// `Invalid` for settings that are [refused](CacheConfig::check); `Unsupported` outside a tokio runtime; `Corrupt` for a
    /// log that holds something else than a cache writes; for rows of the log that their table cannot hold, unless they are
    /// [kept elsewhere](Self::with_unfit), `Corrupt` if another program has changed the columns, `Invalid` or `Unsupported`
    /// for their values (context `table`, `record`, `seq`, `column`, `row`); those of listing, describing
    /// and fencing the tables.
    pub async fn open(self) -> Result<(TableCache, CacheRecovery)> {
        self.config.check()?;
        let runtime = Handle::try_current()
            .map_err(|source| Error::unsupported("the cache needs a tokio runtime").caused_by(source))?;
        let mut found = self.find().await?;
        if let Some(fence) = self.fence.as_ref().filter(|_| found.is_open) {
            // Rows of the log are in memory once.
            drop(found);
            fence.fence().await?;
            found = self.find().await?;
        }
        let Found { mut state, mut recovery, .. } = found;
        let Self { inner, config, publisher, withdraws_above, .. } = self;
        if let Some(published) = withdraws_above {
            recovery.withdrawn = withdraw(&*inner, &mut state, published).await?;
        }
        // What was committed and not published, if anything was, is published without waiting for more.
        state.publication.is_due = publisher.is_some() && (recovery.records > 0 || !recovery.withdrawn.is_empty());
        let (direct, publishing, creating) = Default::default();
        let (room, state) = (Notify::new(), Mutex::new(state));
        let copies = Semaphore::new(permits(config.commit_bytes()) as usize);
        let shared =
            Arc::new(Shared { inner, config, publisher, state, runtime, room, copies, direct, publishing, creating });
        idle::spawn(&shared, config.idle()?);
        Ok((TableCache { shared }, recovery))
    }

    /// Looks what tables and log hold.
    async fn find(&self) -> Result<Found> {
        let Self { inner, config, log, unfit, seq_floor, replays_above, .. } = self;
        let mut state = State { last_seq: *seq_floor, ..State::default() };
        for name in inner.list(&ListTablesOptions::default()).await? {
            let info = inner.describe(&name, &DescribeOptions::default()).await?;
            state.last_seq = state.last_seq.max(info.watermark);
            state.tables.insert(name, TableState::new(&info));
        }
        let Some(wal) = log else { return Ok(Found { state, ..Found::default() }) };
        let from = (wal.clone(), *replays_above);
        let replay = recovery::replay(state, from, config.durability, Arc::clone(inner), unfit.as_deref());
        traced(trace::recover(), replay).await
    }
}
