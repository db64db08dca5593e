//! A sync table backend as an async one.

use std::fmt;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use worldstore_core::Result;
use worldstore_core::table::{
    AppendOptions, Batches, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, ExpireOptions,
    Expiry, FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, Receipt, RemoveTableOptions, Scan,
    ShutdownOptions, TableBackend, TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};

use super::backend::{AsyncBatches, AsyncTableBackend};
use crate::blocking::{run, stream};

/// Any [`TableBackend`] as an [`AsyncTableBackend`], on tokio's blocking pool, one batch in flight.
#[derive(Debug, Clone)]
pub struct SyncTableAdapter {
    tables: Arc<dyn TableBackend>,
}

impl SyncTableAdapter {
    /// Adapts a table backend.
    pub fn new(tables: Arc<dyn TableBackend>) -> Self {
        Self { tables }
    }

    async fn call<Value: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn TableBackend) -> Result<Value> + Send + 'static,
    ) -> Result<Value> {
        let tables = Arc::clone(&self.tables);
        run(move || work(&*tables)).await?
    }
}

impl fmt::Display for SyncTableAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.tables)
    }
}

/// Nothing is read before the first batch is asked for.
fn batches_of(mut batches: Batches) -> AsyncBatches {
    let first = futures::stream::once(async move { run(move || (batches.next(), batches)).await });
    Box::pin(futures::StreamExt::flat_map(first, |fetched| match fetched {
        Ok((first, rest)) => stream(first, rest),
        Err(error) => Box::pin(futures::stream::iter([Err(error)])),
    }))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncTableBackend for SyncTableAdapter {
    fn info(&self) -> TableBackendInfo {
        self.tables.info()
    }

    async fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| tables.create(&table, &options)).await
    }

    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| tables.describe(&table, &options)).await
    }

    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        self.tables.check(table, rows)
    }

    async fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| tables.append(&table, batches, &options)).await
    }

    async fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        let (table, scan) = (table.clone(), scan.clone());
        let planned = self.call(move |tables| tables.scan(&table, &scan)).await?;
        Ok(planned.map(batches_of))
    }

    async fn list(&self, options: &ListTablesOptions) -> Result<Vec<TableName>> {
        let options = options.clone();
        self.call(move |tables| tables.list(&options)).await
    }

    async fn history(&self, table: &TableName, options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| tables.history(&table, &options)).await
    }

    async fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| tables.evolve(&table, &options)).await
    }

    async fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| tables.compact(&table, &options)).await
    }

    async fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| tables.expire(&table, &options)).await
    }

    async fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| tables.files(&table, &options)).await
    }

    async fn remove(&self, table: &TableName, options: &RemoveTableOptions) -> Result<()> {
        let (table, options) = (table.clone(), options.clone());
        self.call(move |tables| tables.remove(&table, &options)).await
    }

    async fn flush(&self, options: &FlushOptions) -> Result<()> {
        let options = options.clone();
        self.call(move |tables| tables.flush(&options)).await
    }

    async fn shutdown(&self, options: &ShutdownOptions) -> Result<()> {
        let options = options.clone();
        self.call(move |tables| tables.shutdown(&options)).await
    }
}
