//! Pinned tables as a table backend: reads at the versions of the manifest, and refuses the rest.

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_core::table::{
    AppendOptions, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, ExpireOptions, Expiry,
    FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, Receipt, RemoveTableOptions, Scan, ShutdownOptions,
    TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};
use worldstore_core::{Error, Result};

use super::PinnedTables;

fn refuse<Value>(table: &TableName) -> Result<Value> {
    let message = "tables at a manifest are for reading, write through the world that publishes";
    Err(Error::unsupported(message).with("table", table))
}

impl PinnedTables {
    /// The version that is meant: that of the manifest, or an older one.
    fn version(&self, table: &TableName, asked: Option<u64>, newest: u64) -> Result<u64> {
        match asked {
            None => Ok(newest),
            Some(version) if version <= newest => Ok(version),
            Some(version) => Err(Error::not_found("the version is later than the one that the manifest names")
                .with("table", table)
                .with("version", version)
                .with("newest", newest)
                .with("manifest", self.number())),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncTableBackend for PinnedTables {
    fn info(&self) -> TableBackendInfo {
        self.tables.info()
    }

    async fn create(&self, table: &TableName, _options: &CreateOptions) -> Result<TableInfo> {
        refuse(table)
    }

    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        let info = self.published(table).await?;
        match self.version(table, options.version, info.version)? {
            version if version == info.version => Ok(info),
            older => self.tables.describe(table, &DescribeOptions::default().with_version(older)).await,
        }
    }

    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        self.tables.check(table, rows)
    }

    async fn append(&self, table: &TableName, _batches: Vec<RecordBatch>, _options: &AppendOptions) -> Result<Receipt> {
        refuse(table)
    }

    async fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        let info = self.published(table).await?;
        let version = self.version(table, scan.version, info.version)?;
        let mut pinned = scan.clone().with_version(version);
        // Columns that another program has added since then are left out.
        if version == info.version && pinned.columns.is_none() {
            pinned = pinned.with_columns(info.schema.fields().iter().map(|field| field.name().as_str()));
        }
        let begun = self.tables.scan(table, &pinned).await;
        let begun = begun.map_err(|error| if version == info.version { self.about(error, table) } else { error })?;
        match version == info.version && begun.watermark != self.pinned_table(table)?.watermark {
            true => Err(self.replaced(table)),
            false => Ok(begun),
        }
    }

    async fn list(&self, _options: &ListTablesOptions) -> Result<Vec<TableName>> {
        Ok(self.pinned.tables.keys().cloned().collect())
    }

    async fn history(&self, table: &TableName, options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        let newest = self.published(table).await?.version;
        let mut history = self.tables.history(table, options).await?;
        history.retain(|version| version.version <= newest);
        Ok(history)
    }

    async fn evolve(&self, table: &TableName, _options: &EvolveOptions) -> Result<TableInfo> {
        refuse(table)
    }

    async fn compact(&self, table: &TableName, _options: &CompactOptions) -> Result<Compaction> {
        refuse(table)
    }

    async fn expire(&self, table: &TableName, _options: &ExpireOptions) -> Result<Expiry> {
        refuse(table)
    }

    async fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        let info = self.published(table).await?;
        let version = self.version(table, options.version, info.version)?;
        let files = self.tables.files(table, &FilesOptions::default().with_version(version)).await;
        files.map_err(|error| if version == info.version { self.about(error, table) } else { error })
    }

    async fn remove(&self, table: &TableName, _options: &RemoveTableOptions) -> Result<()> {
        refuse(table)
    }

    /// Nothing is ever buffered.
    async fn flush(&self, _options: &FlushOptions) -> Result<()> {
        Ok(())
    }

    /// Appends are always refused.
    async fn shutdown(&self, _options: &ShutdownOptions) -> Result<()> {
        Ok(())
    }
}
