//! The tables: opening datasets, creating, appending, looking up.

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchIterator};
use async_trait::async_trait;
use futures::{FutureExt, TryFutureExt};
use lance::Dataset;
use lance::dataset::builder::DatasetBuilder;
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};
use lance_table::io::commit::CommitHandler;
use worldstore_async::AsyncBackend;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_core::table::schema::{check_nulls, check_schema};
use worldstore_core::table::{
    AppendOptions, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, Existing, ExpireOptions,
    Expiry, FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, Receipt, RemoveTableOptions, Scan,
    ShutdownOptions, TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};
use worldstore_core::{Error, ErrorKind, ListOptions, Result};

use crate::commit::{GuardedCommit, creation, epoch, watermark};
use crate::config::{FOLDER_ENDING, LanceConfig};
use crate::error::from_lance;
use crate::lineage::{Standing, standing_of};
use crate::provider::{Door, counted};
use crate::scan::scan;
use crate::types::check_columns;

/// So often the newest version is looked up anew because it expired before it was read.
const ATTEMPTS_MAX: usize = 10;

/// Tables in the Lance format on a byte store.
///
/// Versions are Lance's: 1 is the empty table, each append adds one. After a shutdown appends are refused with
/// [`ErrorKind::Poisoned`].
pub struct LanceTables {
    backend: Arc<dyn AsyncBackend>,
    config: LanceConfig,
    door: Door,
    open: Mutex<HashMap<TableName, Dataset>>,
    /// The columns that rows of a table had that was last asked for: those that come after have the same.
    checked: Mutex<HashMap<TableName, SchemaRef>>,
    closed: AtomicBool,
}

impl LanceTables {
    /// Tables below the config's prefix. Asks nothing of the backend; Lance makes a folder for temporary files.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot create objects if absent: two writers could then lose rows. `Invalid` if no
    /// folder can be made where the system keeps temporary files.
    pub fn open(backend: Arc<dyn AsyncBackend>, config: LanceConfig) -> Result<Self> {
        if !backend.info().capability.write_if_absent {
            return Err(Error::unsupported("Lance tables need a backend that creates objects if absent")
                .with("backend", &backend));
        }
        let door = Door::new(Arc::clone(&backend), &config)?;
        let (open, checked) = Default::default();
        Ok(Self { backend, config, door, open, checked, closed: AtomicBool::new(false) })
    }

    /// The newest version, also if another process committed it.
    pub(crate) async fn latest(&self, table: &TableName) -> Result<Dataset> {
        for _ in 0..ATTEMPTS_MAX {
            match self.look_up(table).await {
                // The version that was the newest may have expired before it was read: then there is a newer one.
                Err(error) if error.is_not_found() && self.has_version(table).await? => self.forget_held(table),
                found => return found,
            }
        }
        Err(Error::new(ErrorKind::Conflict, "versions expired faster than they could be read").with("table", table))
    }

    async fn look_up(&self, table: &TableName) -> Result<Dataset> {
        let held = self.held().get(table).cloned();
        if let Some(mut dataset) = held {
            let before = dataset.version().version;
            let reads = async {
                dataset.checkout_latest().await?;
                look_at_types(&dataset);
                Ok(())
            };
            opened(reads, table).await?;
            if dataset.version().version >= before {
                self.hold(table, &dataset);
                return Ok(dataset);
            }
            // One that went back is another of its name, which another program has made.
            self.forget_life(table)?;
        }
        let builder = DatasetBuilder::from_uri(self.door.uri(&self.config.folder_of(table)?))
            .with_session(self.door.session.clone());
        let builder = builder.with_commit_handler(self.handler());
        let dataset = opened(builder.load().inspect_ok(look_at_types), table).await?;
        self.hold(table, &dataset);
        Ok(dataset)
    }

    pub(crate) async fn at(&self, table: &TableName, version: Option<u64>) -> Result<Dataset> {
        let held = self.held().get(table).cloned();
        let dataset = match (version, held) {
            (None, _) => return self.latest(table).await,
            (Some(version), Some(held)) if held.version().version == version => return Ok(held),
            (Some(_), Some(held)) => held,
            (Some(_), None) => self.latest(table).await?,
        };
        match version {
            Some(version) if dataset.version().version != version => {
                let checked_out = opened(dataset.checkout_version(version).inspect_ok(look_at_types), table).await;
                checked_out.map_err(|error| error.with("version", version))
            }
            _ => Ok(dataset),
        }
    }

    pub(crate) fn hold(&self, table: &TableName, dataset: &Dataset) {
        self.held().insert(table.clone(), dataset.clone());
    }

    /// Forgets all of a table that is gone: the next of its name is another.
    pub(crate) fn forget_life(&self, table: &TableName) -> Result<()> {
        self.door.renew(&self.config.folder_of(table)?);
        self.forget_held(table);
        Ok(())
    }

    pub(crate) fn forget_held(&self, table: &TableName) {
        self.held().remove(table);
    }

    pub(crate) fn backend(&self) -> &Arc<dyn AsyncBackend> {
        &self.backend
    }

    pub(crate) fn expect_open(&self, table: &TableName) -> Result<()> {
        match self.closed.load(Ordering::Acquire) {
            true => Err(Error::new(ErrorKind::Poisoned, "tables are shut down").with("table", table)),
            false => Ok(()),
        }
    }

    pub(crate) fn config(&self) -> &LanceConfig {
        &self.config
    }

    fn held(&self) -> MutexGuard<'_, HashMap<TableName, Dataset>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether rows with these columns can be appended.
    fn check_schema_once(&self, table: &TableName, schema: &SchemaRef) -> Result<()> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.get(table).is_some_and(|known| Arc::ptr_eq(known, schema) || known == schema) {
            return Ok(());
        }
        check_columns(schema)?;
        checked.insert(table.clone(), Arc::clone(schema));
        Ok(())
    }

    fn handler(&self) -> Arc<dyn CommitHandler> {
        Arc::new(GuardedCommit::new(Arc::clone(&self.backend)))
    }

    pub(crate) fn params(&self, mode: WriteMode, properties: Option<Arc<HashMap<String, String>>>) -> WriteParams {
        WriteParams {
            mode,
            session: Some(self.door.session.clone()),
            commit_handler: Some(self.handler()),
            transaction_properties: properties,
            skip_auto_cleanup: true,
            ..WriteParams::default()
        }
    }

    /// Creates the table; none if another writer did so meanwhile.
    async fn make(&self, table: &TableName, schema: &SchemaRef) -> Result<Option<Dataset>> {
        check_columns(schema).map_err(|error| error.with("table", table))?;
        let none = RecordBatchIterator::new([], schema.clone());
        let params = self.params(WriteMode::Create, Some(creation()));
        let folder = self.config.folder_of(table)?;
        self.door.renew(&folder);
        let uri = self.door.uri(&folder);
        let created = InsertBuilder::new(uri.as_str()).with_params(&params).execute_stream(none).await;
        let dataset = match created.map_err(|source| explain(source, table)) {
            Ok(dataset) => dataset,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error),
        };
        match standing_of(&self.backend, &dataset).await.map_err(|error| error.with("table", table))? {
            Standing::Holds => {
                self.hold(table, &dataset);
                Ok(Some(dataset))
            }
            Standing::Overtaken => {
                self.take_back(table, &dataset).await;
                Ok(None)
            }
        }
    }

    pub(crate) async fn info_of(&self, table: &TableName, dataset: &Dataset) -> Result<TableInfo> {
        let rows = dataset.count_rows(None).await.map_err(|source| explain(source, table))?;
        let (version, watermark) = (dataset.version().version, watermark(dataset.config())?);
        let epoch = epoch(dataset.config())?;
        Ok(TableInfo::new(table.clone(), schema_of(dataset), version, watermark, rows as u64).with_epoch(epoch))
    }
}

/// What comes of reading a manifest. Nothing else is asked of Lance, so what it finds wrong is wrong in the manifest;
/// some of that it finds by a panic.
async fn opened<Value>(reads: impl Future<Output = lance::Result<Value>>, table: &TableName) -> Result<Value> {
    let corrupt = || Error::new(ErrorKind::Corrupt, "the table's manifest cannot be read").with("table", table);
    match AssertUnwindSafe(reads).catch_unwind().await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => match explain(source, table) {
            error if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unexpected) => {
                Err(corrupt().caused_by(error))
            }
            error => Err(error),
        },
        Err(_) => Err(corrupt()),
    }
}

/// Makes Lance panic over a type that is none now, and not where nobody expects it.
fn look_at_types(dataset: &Dataset) {
    drop(arrow::datatypes::Schema::from(dataset.schema()));
}

pub(crate) fn explain(source: lance::Error, table: &TableName) -> Error {
    from_lance(source).with("table", table)
}

/// The Arrow schema, without Lance's own metadata.
pub(crate) fn schema_of(dataset: &Dataset) -> SchemaRef {
    let schema = Schema::from(dataset.schema());
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_metadata(HashMap::new()));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl fmt::Debug for LanceTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LanceTables").field("backend", &self.backend).field("config", &self.config).finish()
    }
}

impl fmt::Display for LanceTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lance({}/{})", self.backend, self.config.prefix)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncTableBackend for LanceTables {
    fn info(&self) -> TableBackendInfo {
        TableBackendInfo::new("lance", format!("{}/{}", self.backend, self.config.prefix))
    }

    async fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        let made = match self.latest(table).await {
            Err(error) if error.is_not_found() => self.make(table, &options.schema).await?,
            found => found.map(|_| None)?,
        };
        match (made, options.existing) {
            (Some(dataset), _) => self.info_of(table, &dataset).await,
            (None, Existing::Refuse) => {
                Err(Error::new(ErrorKind::AlreadyExists, "table exists already").with("table", table))
            }
            (None, Existing::Keep) => {
                let dataset = self.latest(table).await?;
                check_schema(&schema_of(&dataset), &options.schema).map_err(|error| error.with("table", table))?;
                self.info_of(table, &dataset).await
            }
        }
    }

    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        let dataset = self.at(table, options.version).await?;
        self.info_of(table, &dataset).await
    }

    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        let checked = self.check_schema_once(table, rows.schema_ref()).and_then(|()| check_nulls(rows));
        checked.map_err(|error| error.with("table", table))
    }

    async fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        self.expect_open(table)?;
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        if rows == 0 && options.watermark.is_none() {
            let info = self.describe(table, &DescribeOptions::default()).await?;
            for batch in &batches {
                check_schema(&info.schema, batch.schema_ref()).map_err(|error| error.with("table", table))?;
            }
            return Ok(Receipt::committed(table.clone(), 0, info.watermark, info.version));
        }
        let dataset = self.write(table, batches, options).await?;
        let version = dataset.version().version;
        let seq = options.watermark.map_or_else(|| watermark(dataset.config()), |step| Ok(step.next))?;
        Ok(Receipt::committed(table.clone(), rows, seq, version))
    }

    async fn scan(&self, table: &TableName, read: &Scan) -> Result<TableScan<AsyncBatches>> {
        let mut dataset = self.at(table, read.version).await?;
        if let Some(bytes) = &read.bytes_read {
            dataset = counted(&dataset, &self.backend, bytes);
        }
        let schema = schema_of(&dataset);
        scan(Arc::new(dataset), &schema, read).map_err(|error| error.with("table", table))
    }

    async fn list(&self, _options: &ListTablesOptions) -> Result<Vec<TableName>> {
        if self.config.dataset.is_some() {
            return Err(Error::unsupported("one dataset stands for every name, there is no list of them"));
        }
        let mut options = ListOptions::default().one_level();
        let mut tables = Vec::new();
        loop {
            let page = self.backend.list(&self.config.prefix, &options).await?;
            let names = page.folders.iter().filter_map(|folder| {
                let name = self.config.prefix.strip(folder.as_str())?.strip_suffix(FOLDER_ENDING)?;
                TableName::new(name).ok()
            });
            tables.extend(names);
            match page.next {
                Some(token) => options = options.with_token(token),
                None => break,
            }
        }
        tables.sort();
        // Where the making of a table was cut short there is a folder, and no table.
        let mut made = Vec::with_capacity(tables.len());
        for table in tables {
            if self.has_version(&table).await? {
                made.push(table);
            }
        }
        Ok(made)
    }

    async fn history(&self, table: &TableName, _options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        let dataset = self.latest(table).await?;
        let mut history = Vec::new();
        for version in dataset.versions().await.map_err(|source| explain(source, table))? {
            let then = dataset.checkout_version(version.version).await.map_err(|source| explain(source, table))?;
            let committed_ms = version.timestamp.timestamp_millis();
            history.push(TableVersion::new(version.version, watermark(then.config())?, committed_ms));
        }
        history.sort_by_key(|version| version.version);
        Ok(history)
    }

    async fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        self.change_columns(table, &options.change).await
    }

    async fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        self.pack(table, options).await
    }

    async fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        self.forget(table, options).await
    }

    async fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        self.files_at(table, options.version).await
    }

    async fn remove(&self, table: &TableName, _options: &RemoveTableOptions) -> Result<()> {
        self.discard(table).await
    }

    async fn flush(&self, _options: &FlushOptions) -> Result<()> {
        Ok(())
    }

    async fn shutdown(&self, _options: &ShutdownOptions) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        Ok(())
    }
}
