//! The cache as a table backend: buffered appends, pinned reads, the rest as the tables behind it do it.

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_core::table::{
    AppendOptions, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, ExpireOptions, Expiry,
    FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, Receipt, RemoveTableOptions, Scan, ShutdownOptions,
    TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};
use worldstore_core::{Error, Result};

use crate::cache::TableCache;
use crate::{fit, flush};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncTableBackend for TableCache {
    fn info(&self) -> TableBackendInfo {
        self.shared.inner.info()
    }

    async fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        self.create_fresh(table, options).await
    }

    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        match options.version {
            Some(_) => self.shared.inner.describe(table, options).await,
            None => self.describe_pinned(table).await,
        }
    }

    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        fit::check(&*self.shared.inner, table, rows)
    }

    async fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        if options.watermark.is_some() || options.epoch.is_some() {
            return Err(Error::unsupported("the cache gives sequence numbers and epoch itself").with("table", table));
        }
        let receipts = self.append_all(vec![(table.clone(), batches)]).await?;
        receipts.into_iter().next().ok_or_else(|| Error::unexpected("append gave no receipt"))
    }

    async fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        match scan.version {
            Some(_) => self.shared.inner.scan(table, scan).await,
            None => self.scan_pinned(table, scan).await,
        }
    }

    async fn list(&self, options: &ListTablesOptions) -> Result<Vec<TableName>> {
        self.shared.inner.list(options).await
    }

    async fn history(&self, table: &TableName, options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        self.shared.inner.history(table, options).await
    }

    async fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        self.load(table).await?;
        self.evolve_flushed(table, options).await
    }

    async fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        self.load(table).await?;
        self.compact_flushed(table, options).await
    }

    async fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        self.load(table).await?;
        self.expire_unread(table, options).await
    }

    async fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        self.load(table).await?;
        let version = options.version.unwrap_or(self.state().table(table)?.version);
        self.shared.inner.files(table, &FilesOptions::default().with_version(version)).await
    }

    async fn remove(&self, table: &TableName, options: &RemoveTableOptions) -> Result<()> {
        self.load(table).await?;
        self.remove_whole(table, options).await
    }

    async fn flush(&self, options: &FlushOptions) -> Result<()> {
        match &options.table {
            Some(table) => {
                self.load(table).await?;
                flush::table(&self.shared, table).await
            }
            None => flush::all(&self.shared).await,
        }?;
        self.shared.inner.flush(options).await
    }

    async fn shutdown(&self, options: &ShutdownOptions) -> Result<()> {
        self.shut_down(options).await
    }
}
