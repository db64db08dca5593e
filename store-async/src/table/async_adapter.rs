//! An async table backend as a sync one.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use worldstore_core::Result;
use worldstore_core::table::{
    AppendOptions, Batches, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, ExpireOptions,
    Expiry, FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, Receipt, RemoveTableOptions, Scan,
    ShutdownOptions, TableBackend, TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};

use super::backend::AsyncTableBackend;
use crate::bridge::Bridge;

/// Any [`AsyncTableBackend`] as a [`TableBackend`]: the reverse of [`SyncTableAdapter`](super::SyncTableAdapter), and
/// named like it after the side that it adapts from.
///
/// The work runs on a runtime's threads while the caller's thread waits. A scan fetches each batch when it is asked for,
/// so that one is in memory; dropping it stops its work. The adapter's own runtime ends with the adapter and its last
/// scan.
///
/// # Errors
/// Those of a [`Bridge`]: every call in async code fails with `Unsupported`. After an error a scan ends.
#[derive(Debug, Clone)]
pub struct AsyncTableAdapter {
    tables: Arc<dyn AsyncTableBackend>,
    bridge: Bridge,
}

impl AsyncTableAdapter {
    /// Adapts a table backend, on a runtime of the adapter's own with one worker thread.
    ///
    /// # Errors
    /// Those of the system if the thread does not start.
    pub fn new(tables: Arc<dyn AsyncTableBackend>) -> Result<Self> {
        Ok(Self::with_bridge(tables, Bridge::new(NonZeroUsize::MIN)?))
    }

    /// Adapts a table backend, on a runtime of the caller. It must outlive the adapter.
    ///
    /// Not for calls from the blocking pool of that same runtime to tables that need the pool themselves, as those of
    /// `SyncTableAdapter` do: once callers fill the pool nothing moves on. A runtime of its own has its own pool.
    ///
    /// # Errors
    /// `Unsupported` for a runtime of one thread: nothing says that its thread moves on while a caller waits.
    pub fn with_handle(tables: Arc<dyn AsyncTableBackend>, handle: Handle) -> Result<Self> {
        Ok(Self::with_bridge(tables, Bridge::with_handle(handle)?))
    }

    /// Adapts a table backend, on the runtime of a bridge.
    pub fn with_bridge(tables: Arc<dyn AsyncTableBackend>, bridge: Bridge) -> Self {
        Self { tables, bridge }
    }

    fn call<Value: Send + 'static>(
        &self,
        work: impl for<'call> FnOnce(&'call dyn AsyncTableBackend) -> BoxFuture<'call, Result<Value>> + Send + 'static,
    ) -> Result<Value> {
        let tables = Arc::clone(&self.tables);
        self.bridge.run(async move { work(&*tables).await })
    }
}

impl fmt::Display for AsyncTableAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.tables)
    }
}

#[deny(clippy::missing_trait_methods)]
impl TableBackend for AsyncTableAdapter {
    fn info(&self) -> TableBackendInfo {
        self.tables.info()
    }

    fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| Box::pin(async move { tables.create(&table, &options).await }))
    }

    fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| Box::pin(async move { tables.describe(&table, &options).await }))
    }

    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        self.tables.check(table, rows)
    }

    fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| Box::pin(async move { tables.append(&table, batches, &options).await }))
    }

    fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<Batches>> {
        let (table, scan) = (table.clone(), scan.clone());
        let planned = self.call(move |tables| Box::pin(async move { tables.scan(&table, &scan).await }))?;
        Ok(planned.map(|batches| -> Batches { Box::new(self.bridge.pull(batches)) }))
    }

    fn list(&self, options: &ListTablesOptions) -> Result<Vec<TableName>> {
        let options = options.clone();
        self.call(move |tables| Box::pin(async move { tables.list(&options).await }))
    }

    fn history(&self, table: &TableName, options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| Box::pin(async move { tables.history(&table, &options).await }))
    }

    fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| Box::pin(async move { tables.evolve(&table, &options).await }))
    }

    fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| Box::pin(async move { tables.compact(&table, &options).await }))
    }

    fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| Box::pin(async move { tables.expire(&table, &options).await }))
    }

    fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| Box::pin(async move { tables.files(&table, &options).await }))
    }

    fn remove(&self, table: &TableName, options: &RemoveTableOptions) -> Result<()> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| Box::pin(async move { tables.remove(&table, &options).await }))
    }

    fn flush(&self, options: &FlushOptions) -> Result<()> {
        let options = options.clone();
        self.call(move |tables| Box::pin(async move { tables.flush(&options).await }))
    }

    fn shutdown(&self, options: &ShutdownOptions) -> Result<()> {
        let options = options.clone();
        self.call(move |tables| Box::pin(async move { tables.shutdown(&options).await }))
    }
}
