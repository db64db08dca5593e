//! The cache itself: opening, appending, waiting.

use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, UInt64Array};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use tokio::runtime::Handle;
use tokio::time::Instant;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::schema::check_schema;
use worldstore_core::table::{DescribeOptions, Level, ListTablesOptions, Receipt, TableInfo, TableName, base};
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::CacheConfig;
use crate::idle;
use crate::memtable::rows_of;
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
    pub state: Mutex<State>,
    pub runtime: Handle,
}

impl TableCache {
    /// Puts a cache in front of `inner` and goes on with the sequence that its tables end at.
    ///
    /// # Errors
    /// `Invalid` for a trigger of zero; `Unsupported` outside a tokio runtime; those of listing and describing the
    /// tables.
    pub async fn open(inner: Arc<dyn AsyncTableBackend>, config: CacheConfig) -> Result<Self> {
        config.check()?;
        let runtime = Handle::try_current()
            .map_err(|source| Error::unsupported("the cache needs a tokio runtime").caused_by(source))?;
        let mut state = State::default();
        for name in inner.list(&ListTablesOptions::default()).await? {
            let info = inner.describe(&name, &DescribeOptions::default()).await?;
            state.last_seq = state.last_seq.max(info.watermark);
            state.tables.insert(name, TableState::new(&info));
        }
        let shared = Arc::new(Shared { inner, config, state: Mutex::new(state), runtime });
        idle::spawn(&shared, config.idle()?);
        Ok(Self { shared })
    }

    /// The table backend behind the cache.
    pub fn inner(&self) -> &Arc<dyn AsyncTableBackend> {
        &self.shared.inner
    }

    /// What is buffered, and how flushes went.
    pub fn stats(&self) -> CacheStats {
        CacheStats::of(&self.state())
    }

    /// Waits until the rows of a receipt are as safe as `level`, flushing their table if need be.
    ///
    /// # Errors
    /// `Unsupported` for [`Level::Durable`], which needs a log: ask for `Committed`. `Invalid` for a receipt that is not
    /// of this cache. Those of the flush.
    pub async fn wait(&self, receipt: &Receipt, level: Level) -> Result<Receipt> {
        match level {
            Level::Buffered => return Ok(receipt.clone()),
            Level::Durable => return Err(Error::unsupported("this cache has no log, wait for the commit instead")),
            Level::Committed => {}
        }
        loop {
            if let Some(version) = self.committed_version(receipt)? {
                return Ok(Receipt::committed(receipt.table.clone(), receipt.rows, receipt.seq, version));
            }
            self.flush_table(&receipt.table).await?;
        }
    }

    fn committed_version(&self, receipt: &Receipt) -> Result<Option<u64>> {
        let mut state = self.state();
        let table = state.table(&receipt.table)?;
        if receipt.seq > table.last_seq() {
            return Err(Error::invalid("receipt is not of this cache")
                .with("table", &receipt.table)
                .with("seq", receipt.seq)
                .with("last_seq", table.last_seq()));
        }
        Ok((table.watermark >= receipt.seq).then_some(table.version))
    }

    /// Takes rows into memory and flushes what has reached a trigger.
    pub(crate) async fn buffer(&self, name: &TableName, batches: Vec<RecordBatch>) -> Result<Receipt> {
        self.load(name).await?;
        self.make_room().await?;
        let (receipt, due) = self.take(name, batches)?;
        for table in due {
            // The rows are taken whatever the flush does: its failure is kept, shown and tried again.
            if let Err(error) = self.flush_table(&table).await {
                tracing::warn!(%table, %error, "flush failed, rows stay buffered");
            }
        }
        match self.committed_version(&receipt)? {
            Some(version) if receipt.rows > 0 => {
                Ok(Receipt::committed(receipt.table, receipt.rows, receipt.seq, version))
            }
            _ => Ok(receipt),
        }
    }

    /// Learns of a table that was created behind the cache's back.
    pub(crate) async fn load(&self, name: &TableName) -> Result<()> {
        if self.state().tables.contains_key(name) {
            return Ok(());
        }
        let info = self.shared.inner.describe(name, &DescribeOptions::default()).await?;
        self.adopt(&info);
        Ok(())
    }

    pub(crate) fn adopt(&self, info: &TableInfo) {
        let mut state = self.state();
        state.last_seq = state.last_seq.max(info.watermark);
        state.tables.entry(info.name.clone()).or_insert_with(|| TableState::new(info));
    }

    /// Holds the bound of memory: where it is reached because flushes fail, nothing more is taken.
    async fn make_room(&self) -> Result<()> {
        if self.state().buffered_bytes() < self.shared.config.global_bytes() {
            return Ok(());
        }
        self.flush_all().await.map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "the cache is full and cannot be flushed")
                .with("global_mb", self.shared.config.global_mb)
                .caused_by(cause)
        })
    }

    /// Gives the rows their sequence number and says which tables have reached a trigger.
    fn take(&self, name: &TableName, batches: Vec<RecordBatch>) -> Result<(Receipt, Vec<TableName>)> {
        let config = &self.shared.config;
        let mut state = self.state();
        if state.closed {
            return Err(Error::new(ErrorKind::Poisoned, "the cache is shut down").with("table", name));
        }
        let seq = state.last_seq + 1;
        let table = state.table(name)?;
        if let Some(failure) = table.failure.as_ref().filter(|failure| failure.fatal) {
            return Err(Error::new(ErrorKind::Poisoned, "another writer changed the table, reopen it")
                .with("table", name)
                .caused_by(Arc::clone(&failure.error)));
        }
        let batches = prepare(batches, &table.schema, seq).map_err(|error| error.with("table", name))?;
        let rows = rows_of(&batches) as u64;
        if rows == 0 {
            return Ok((Receipt::buffered(name.clone(), 0, table.last_seq()), Vec::new()));
        }
        let now = Instant::now();
        table.live.push(batches, seq, now);
        let full = table.buffered_rows() >= config.flush_rows || table.buffered_bytes() >= config.flush_bytes();
        // After a failure not before its pause is over, or every append would wait for a store that is away.
        let full = full && table.failure.as_ref().is_none_or(|failure| failure.retry_at <= now);
        state.last_seq = seq;
        let due = match state.buffered_bytes() >= config.global_bytes() {
            true => state.tables.keys().cloned().collect(),
            false if full => vec![name.clone()],
            false => Vec::new(),
        };
        Ok((Receipt::buffered(name.clone(), rows, seq), due))
    }

    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

/// Checks the schema and fills the `seq` column where the table has one.
fn prepare(batches: Vec<RecordBatch>, schema: &SchemaRef, seq: u64) -> Result<Vec<RecordBatch>> {
    let stamp = schema.column_with_name(base::SEQ).filter(|(_, field)| *field.data_type() == DataType::UInt64);
    let mut prepared = Vec::with_capacity(batches.len());
    for batch in batches {
        check_schema(schema, batch.schema_ref())?;
        if batch.num_rows() == 0 {
            continue;
        }
        let mut columns = batch.columns().to_vec();
        if let Some((index, _)) = stamp {
            let seqs: ArrayRef = Arc::new(UInt64Array::from_value(seq, batch.num_rows()));
            columns.splice(index..=index, [seqs]);
        }
        let stamped = RecordBatch::try_new(schema.clone(), columns);
        prepared.push(stamped.map_err(|source| Error::invalid("batch does not fit the table").caused_by(source))?);
    }
    Ok(prepared)
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
        if rows > 0 {
            tracing::error!(rows, "cache dropped without shutdown, buffered rows are lost");
        }
    }
}
