//! Tables whose versions have files: rows are kept in memory, and each commit writes objects to a store, as a table format does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use worldstore_async::AsyncBackend;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend, SyncTableAdapter};
use worldstore_core::table::{
    AppendOptions, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, ExpireOptions, Expiry,
    FileRole, FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, MemoryTables, Receipt, RemoveTableOptions,
    Scan, ShutdownOptions, TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};
use worldstore_core::{DeleteOptions, Error, Key, Result, WriteOptions};

#[derive(Debug)]
pub struct FileTables {
    inner: SyncTableAdapter,
    store: Arc<dyn AsyncBackend>,
    versions: Mutex<BTreeMap<TableName, BTreeMap<u64, Vec<TableFile>>>>,
    number: AtomicU64,
    is_forgetful: AtomicBool,
}

impl FileTables {
    pub fn new(store: Arc<dyn AsyncBackend>) -> Self {
        let inner = SyncTableAdapter::new(Arc::new(MemoryTables::new()));
        let (versions, number, is_forgetful) = Default::default();
        Self { inner, store, versions, number, is_forgetful }
    }

    /// From now on an expiry takes the metadata of all versions but the newest, as of a format whose newest has them all.
    pub fn set_forgetful(&self) {
        self.is_forgetful.store(true, Ordering::SeqCst);
    }

    async fn write(&self, table: &TableName, role: FileRole) -> Result<TableFile> {
        let number = self.number.fetch_add(1, Ordering::SeqCst);
        let kind = if role == FileRole::Data { "data" } else { "meta" };
        let key = Key::new(format!("{table}/{kind}/{number:04}"))?;
        let body = format!("{kind} of {table}: {}", "x".repeat(number as usize));
        let _ = self.store.write(&key, body.into(), &WriteOptions::if_absent()).await?;
        Ok(TableFile::new(key, role))
    }

    /// Notes a version: data files of the one before if they are `kept`, and new ones.
    async fn commit(&self, table: &TableName, version: u64, kept: bool, roles: &[FileRole]) -> Result<()> {
        if self.versions.lock().unwrap().get(table).is_some_and(|versions| versions.contains_key(&version)) {
            return Ok(());
        }
        let mut files: Vec<TableFile> = Vec::new();
        if kept {
            let versions = self.versions.lock().unwrap();
            let newest = versions.get(table).and_then(|versions| versions.last_key_value());
            files.extend(
                newest.iter().flat_map(|(_, files)| files.iter()).filter(|file| file.role == FileRole::Data).cloned(),
            );
        }
        for role in roles {
            files.push(self.write(table, *role).await?);
        }
        files.sort();
        self.versions.lock().unwrap().entry(table.clone()).or_default().insert(version, files);
        Ok(())
    }

    async fn delete(&self, keys: Vec<Key>) -> Result<u64> {
        Ok(self.store.delete(&keys, &DeleteOptions::default()).await?.len() as u64)
    }
}

impl fmt::Display for FileTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("file_tables")
    }
}

fn keys<'file>(files: impl IntoIterator<Item = &'file Vec<TableFile>>) -> BTreeSet<Key> {
    files.into_iter().flatten().map(|file| file.key.clone()).collect()
}

#[async_trait]
impl AsyncTableBackend for FileTables {
    fn info(&self) -> TableBackendInfo {
        self.inner.info()
    }

    async fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        let info = self.inner.create(table, options).await?;
        self.commit(table, info.version, false, &[FileRole::Metadata]).await?;
        Ok(info)
    }

    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        self.inner.describe(table, options).await
    }

    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        self.inner.check(table, rows)
    }

    async fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        let receipt = self.inner.append(table, batches, options).await?;
        if let Some(version) = receipt.version {
            self.commit(table, version, true, &[FileRole::Data, FileRole::Metadata]).await?;
        }
        Ok(receipt)
    }

    async fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        self.inner.scan(table, scan).await
    }

    async fn list(&self, options: &ListTablesOptions) -> Result<Vec<TableName>> {
        self.inner.list(options).await
    }

    async fn history(&self, table: &TableName, options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        self.inner.history(table, options).await
    }

    async fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        let info = self.inner.evolve(table, options).await?;
        self.commit(table, info.version, true, &[FileRole::Metadata]).await?;
        Ok(info)
    }

    async fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        let compaction = self.inner.compact(table, options).await?;
        self.commit(table, compaction.version, false, &[FileRole::Data, FileRole::Metadata]).await?;
        Ok(compaction)
    }

    async fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        let mut expiry = self.inner.expire(table, options).await?;
        let goes = {
            let mut versions = self.versions.lock().unwrap();
            let mut left = versions.get(table).cloned().unwrap_or_default();
            let gone: Vec<_> = expiry.versions.iter().filter_map(|version| left.remove(version)).collect();
            let mut goes: Vec<Key> = keys(&gone).difference(&keys(left.values())).cloned().collect();
            if self.is_forgetful.load(Ordering::SeqCst) {
                let old = left.values().rev().skip(1).flatten().filter(|file| file.role == FileRole::Metadata);
                goes.extend(old.map(|file| file.key.clone()));
            }
            goes.retain(|key| !options.retain_files.contains(key));
            if !options.dry_run {
                versions.insert(table.clone(), left);
            }
            goes
        };
        expiry.files = goes.len() as u64;
        if !options.dry_run {
            self.delete(goes).await?;
        }
        Ok(expiry)
    }

    async fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        let described = DescribeOptions::default();
        let described = options.version.map_or(described.clone(), |version| described.with_version(version));
        let info = self.inner.describe(table, &described).await?;
        let versions = self.versions.lock().unwrap();
        let files = versions.get(table).and_then(|versions| versions.get(&info.version)).cloned();
        files.ok_or_else(|| Error::not_found("no such version").with("version", info.version))
    }

    async fn remove(&self, table: &TableName, options: &RemoveTableOptions) -> Result<()> {
        self.inner.remove(table, options).await?;
        let versions = self.versions.lock().unwrap().remove(table).unwrap_or_default();
        self.delete(keys(versions.values()).into_iter().collect()).await.map(drop)
    }

    async fn flush(&self, options: &FlushOptions) -> Result<()> {
        self.inner.flush(options).await
    }

    async fn shutdown(&self, options: &ShutdownOptions) -> Result<()> {
        self.inner.shutdown(options).await
    }
}
