//! The tables: opening datasets, creating, appending, looking up.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchIterator};
use async_trait::async_trait;
use lance::Dataset;
use lance::dataset::builder::DatasetBuilder;
use lance::dataset::{CommitBuilder, InsertBuilder, WriteMode, WriteParams};
use worldstore_async::AsyncBackend;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_core::table::schema::check_schema;
use worldstore_core::table::{
    AppendOptions, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, Existing, ExpireOptions,
    Expiry, FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, Receipt, RemoveTableOptions, Scan,
    ShutdownOptions, TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion, WatermarkStep,
};
use worldstore_core::{Error, ErrorKind, ListOptions, Prefix, Result};

use crate::commit::{GuardedCommit, creation, epoch, is_set_by, properties, watermark};
use crate::config::LanceConfig;
use crate::error::from_lance;
use crate::provider::Door;
use crate::scan::scan;
use crate::types::check_columns;

/// What a table's folder ends in.
pub(crate) const FOLDER_ENDING: &str = ".lance";

/// Tables in the Lance format on a byte store.
///
/// Versions are Lance's: 1 is the empty table, each append adds one. After a shutdown appends are refused with
/// [`ErrorKind::Poisoned`].
pub struct LanceTables {
    backend: Arc<dyn AsyncBackend>,
    config: LanceConfig,
    door: Door,
    open: Mutex<HashMap<TableName, Dataset>>,
    closed: AtomicBool,
}

impl LanceTables {
    /// Tables below the config's prefix. No I/O.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot create objects if absent: two writers could then lose rows.
    pub fn open(backend: Arc<dyn AsyncBackend>, config: LanceConfig) -> Result<Self> {
        if !backend.info().capability.write_if_absent {
            return Err(Error::unsupported("Lance tables need a backend that creates objects if absent")
                .with("backend", &backend));
        }
        let door = Door::new(Arc::clone(&backend), &config);
        Ok(Self { backend, config, door, open: Mutex::default(), closed: AtomicBool::new(false) })
    }

    /// The newest version, also if another process committed it.
    pub(crate) async fn latest(&self, table: &TableName) -> Result<Dataset> {
        let held = self.held().get(table).cloned();
        let dataset = match held {
            Some(mut dataset) => {
                dataset.checkout_latest().await.map_err(|source| explain(source, table))?;
                dataset
            }
            None => {
                let builder = DatasetBuilder::from_uri(self.door.uri(table)).with_session(self.door.session.clone());
                let loaded = builder.with_commit_handler(Arc::new(GuardedCommit)).load().await;
                loaded.map_err(|source| explain(source, table))?
            }
        };
        self.held().insert(table.clone(), dataset.clone());
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
                let checked_out = dataset.checkout_version(version).await;
                checked_out.map_err(|source| explain(source, table).with("version", version))
            }
            _ => Ok(dataset),
        }
    }

    pub(crate) fn hold(&self, table: &TableName, dataset: &Dataset) {
        self.held().insert(table.clone(), dataset.clone());
    }

    pub(crate) fn forget_held(&self, table: &TableName) {
        self.held().remove(table);
    }

    pub(crate) fn backend(&self) -> &Arc<dyn AsyncBackend> {
        &self.backend
    }

    pub(crate) fn prefix(&self) -> &Prefix {
        &self.config.prefix
    }

    pub(crate) fn expect_open(&self, table: &TableName) -> Result<()> {
        match self.closed.load(Ordering::Acquire) {
            true => Err(Error::new(ErrorKind::Poisoned, "tables are shut down").with("table", table)),
            false => Ok(()),
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<TableName, Dataset>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn params(&self, mode: WriteMode, properties: Option<Arc<HashMap<String, String>>>) -> WriteParams {
        WriteParams {
            mode,
            session: Some(self.door.session.clone()),
            commit_handler: Some(Arc::new(GuardedCommit)),
            transaction_properties: properties,
            skip_auto_cleanup: true,
            ..WriteParams::default()
        }
    }

    pub(crate) async fn info_of(&self, table: &TableName, dataset: &Dataset) -> Result<TableInfo> {
        let rows = dataset.count_rows(None).await.map_err(|source| explain(source, table))?;
        let (version, watermark) = (dataset.version().version, watermark(dataset.config())?);
        let epoch = epoch(dataset.config())?;
        Ok(TableInfo::new(table.clone(), schema_of(dataset), version, watermark, rows as u64).with_epoch(epoch))
    }

    async fn write(&self, table: &TableName, rows: Vec<RecordBatch>, options: &AppendOptions) -> Result<Dataset> {
        let dataset = self.latest(table).await?;
        let schema = schema_of(&dataset);
        for batch in &rows {
            check_schema(&schema, batch.schema_ref()).map_err(|error| error.with("table", table))?;
        }
        let before = watermark(dataset.config())?;
        options.check_epoch(epoch(dataset.config())?).map_err(|error| error.with("table", table))?;
        if let Some(step) = &options.watermark {
            // Refused here, a repeated append leaves no file behind; the commit decides races.
            step.check(before).map_err(|error| error.with("table", table))?;
        }
        let (params, dataset) = (self.params(WriteMode::Append, properties(options)), Arc::new(dataset));
        let insert = InsertBuilder::new(Arc::clone(&dataset)).with_params(&params);
        let written = insert.execute_uncommitted(alike(rows, &schema)?).await;
        // Files alone change nothing: until the commit an error is certain.
        let transaction = written.map_err(|source| explain(source, table))?;
        let id = transaction.uuid.clone();
        let commit = CommitBuilder::new(dataset).with_skip_auto_cleanup(true);
        match (commit.execute(transaction).await, options.watermark) {
            (Ok(dataset), _) => {
                self.held().insert(table.clone(), dataset.clone());
                Ok(dataset)
            }
            (Err(source), Some(step)) => self.read_back(table, step, &id, explain(source, table)).await,
            (Err(source), None) => Err(unclear(explain(source, table))),
        }
    }

    /// After an error, the table says whether the rows are in it.
    async fn read_back(&self, table: &TableName, step: WatermarkStep, id: &str, error: Error) -> Result<Dataset> {
        if matches!(error.kind(), ErrorKind::ConditionFailed | ErrorKind::Fenced) {
            return Err(error);
        }
        self.held().remove(table);
        match self.find(table, step, id).await {
            Ok((_, Some(dataset))) => Ok(dataset),
            Ok((have, None)) if have == step.expected => Err(error),
            Ok((have, None)) => Err(Error::new(ErrorKind::ConditionFailed, "another writer moved the table")
                .with("have", have)
                .with("expected", step.expected)
                .caused_by(error)),
            Err(_) => Err(unclear(error)),
        }
    }

    /// Where the table stands, and the version in which this transaction made its step, if it has.
    async fn find(&self, table: &TableName, step: WatermarkStep, id: &str) -> Result<(u64, Option<Dataset>)> {
        let mut dataset = self.latest(table).await?;
        let have = watermark(dataset.config())?;
        while watermark(dataset.config())? > step.expected {
            if is_set_by(dataset.config(), id) {
                return Ok((have, Some(dataset)));
            }
            let before = dataset.version().version - 1;
            dataset = dataset.checkout_version(before).await.map_err(|source| explain(source, table))?;
        }
        Ok((have, None))
    }
}

/// The rows with exactly this schema, in at least one batch: Lance compares metadata too, and writes no list of none.
fn alike(rows: Vec<RecordBatch>, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let rows = if rows.is_empty() { vec![RecordBatch::new_empty(schema.clone())] } else { rows };
    let alike = rows.iter().map(|batch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()));
    alike.collect::<Result<_, _>>().map_err(|source| Error::invalid("rows do not fit the table").caused_by(source))
}

/// An error after which the change may be in the table.
fn unclear(error: Error) -> Error {
    let is_clear = matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::Invalid
            | ErrorKind::Unsupported
            | ErrorKind::ConditionFailed
            | ErrorKind::Fenced
    );
    match is_clear {
        true => error,
        false => Error::new(ErrorKind::OutcomeUnknown, "the append may or may not have happened").caused_by(error),
    }
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
        let schema = options.schema.clone();
        match self.latest(table).await {
            Err(error) if error.is_not_found() => {
                check_columns(&schema).map_err(|error| error.with("table", table))?;
                let none = RecordBatchIterator::new([], schema.clone());
                let params = self.params(WriteMode::Create, Some(creation()));
                match InsertBuilder::new(self.door.uri(table).as_str()).with_params(&params).execute_stream(none).await
                {
                    Ok(dataset) => {
                        self.held().insert(table.clone(), dataset.clone());
                        return self.info_of(table, &dataset).await;
                    }
                    Err(source) => match explain(source, table) {
                        error if error.kind() == ErrorKind::AlreadyExists => {}
                        error => return Err(error),
                    },
                }
            }
            found => drop(found?),
        }
        match options.existing {
            Existing::Refuse => Err(Error::new(ErrorKind::AlreadyExists, "table exists already").with("table", table)),
            Existing::Keep => {
                let dataset = self.latest(table).await?;
                check_schema(&schema_of(&dataset), &schema).map_err(|error| error.with("table", table))?;
                self.info_of(table, &dataset).await
            }
        }
    }

    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        let dataset = self.at(table, options.version).await?;
        self.info_of(table, &dataset).await
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
        let (version, seq) = (dataset.version().version, watermark(dataset.config())?);
        Ok(Receipt::committed(table.clone(), rows, seq, version))
    }

    async fn scan(&self, table: &TableName, read: &Scan) -> Result<TableScan<AsyncBatches>> {
        let dataset = self.at(table, read.version).await?;
        let schema = schema_of(&dataset);
        scan(Arc::new(dataset), &schema, read).map_err(|error| error.with("table", table))
    }

    async fn list(&self, _options: &ListTablesOptions) -> Result<Vec<TableName>> {
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
        Ok(tables)
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
