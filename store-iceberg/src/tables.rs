//! The tables: loading, creating, appending, looking up.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use iceberg::io::FileIO;
use iceberg::spec::SnapshotRef;
use worldstore_async::AsyncBackend;
use worldstore_async::object_store::BackendObjectStore;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_core::table::schema::check_schema;
use worldstore_core::table::{
    AppendOptions, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, Existing, ExpireOptions,
    Expiry, FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, Receipt, RemoveTableOptions, Scan,
    ShutdownOptions, TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};
use worldstore_core::{Error, ErrorKind, Result};

use crate::catalog::{self, Catalog};
use crate::commit::{Change, Place, check_changeable, commit, discard, forget, unchanged};
use crate::config::IcebergConfig;
use crate::data::DataWriter;
use crate::edit::Edit;
use crate::error::of_table;
use crate::fit::check;
use crate::partition::{Splitter, check_new};
use crate::scan::{Source, count, scan};
use crate::shelf::Shelf;
use crate::state::{Columns, Marks, State, number, rolled_back};
use crate::storage::Root;

/// How often a commit is tried again after another writer came first.
const ATTEMPTS: u32 = 20;
/// The pause before the second attempt; it grows by itself with each one.
const PAUSE: Duration = Duration::from_millis(5);

/// Tables in the Iceberg format on a byte store.
///
/// Version 0 is the empty table; each append makes the version that is its snapshot's sequence number. After a shutdown
/// appends are refused with [`ErrorKind::Poisoned`].
pub struct IcebergTables {
    config: IcebergConfig,
    root: Root,
    io: FileIO,
    shelf: Shelf,
    store: Arc<dyn object_store::ObjectStore>,
    catalog: Arc<dyn Catalog>,
    /// The newest state seen of each table.
    held: Mutex<HashMap<TableName, Arc<State>>>,
    /// One append at a time for each table; between handles the catalog decides.
    gates: Mutex<HashMap<TableName, Arc<tokio::sync::Mutex<()>>>>,
    closed: AtomicBool,
}

impl IcebergTables {
    /// Tables below the config's prefix. The catalog is opened when it is first needed.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot create objects if absent, `Invalid` if a location is no URI.
    pub async fn open(backend: Arc<dyn AsyncBackend>, config: IcebergConfig) -> Result<Self> {
        if !backend.info().capability.write_if_absent {
            return Err(Error::unsupported("Iceberg tables need a backend that creates objects if absent")
                .with("backend", &backend));
        }
        if !config.location.contains(':') {
            return Err(Error::invalid("location is no URI").with("location", &config.location));
        }
        let catalog = catalog::open(&config)?;
        Ok(Self::with_catalog(backend, config, catalog))
    }

    pub(crate) fn with_catalog(
        backend: Arc<dyn AsyncBackend>,
        config: IcebergConfig,
        catalog: Arc<dyn Catalog>,
    ) -> Self {
        let root = Root { backend: Arc::clone(&backend), location: config.location.as_str().into() };
        let io = root.file_io();
        Self {
            shelf: Shelf::new(io.clone()),
            io,
            root,
            store: Arc::new(BackendObjectStore::new(backend)),
            catalog,
            config,
            held: Mutex::default(),
            gates: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// The newest state, also if another process committed it.
    pub(crate) async fn latest(&self, table: &TableName) -> Result<Arc<State>> {
        let held = self.held().get(table).cloned();
        let state = match self.catalog.load(&self.root, table, held.clone()).await {
            Err(missing) if missing.is_not_found() => {
                self.expect_catalog().await?;
                return Err(missing);
            }
            found => found?,
        };
        if let Some(held) = held
            && !held.precedes(&state)
        {
            return Err(rolled_back(table)
                .with("had", held.metadata.last_sequence_number())
                .with("has", state.metadata.last_sequence_number()));
        }
        self.hold(table, &state);
        Ok(state)
    }

    /// A state with this version, the newest by default. The catalog is not asked for a version that was seen and is the
    /// newest of those: it never changes.
    async fn holding(&self, table: &TableName, version: Option<u64>) -> Result<Arc<State>> {
        let held = version.and_then(|version| self.held().get(table).filter(|held| held.version() == version).cloned());
        match held {
            Some(held) => Ok(held),
            None => self.latest(table).await,
        }
    }

    pub(crate) fn hold(&self, table: &TableName, state: &Arc<State>) {
        let mut held = self.held();
        if held.get(table).is_none_or(|before| before.precedes(state)) {
            held.insert(table.clone(), Arc::clone(state));
        }
    }

    pub(crate) fn expect_open(&self, table: &TableName) -> Result<()> {
        match self.closed.load(Ordering::Acquire) {
            true => Err(Error::new(ErrorKind::Poisoned, "tables are shut down").with("table", table)),
            false => Ok(()),
        }
    }

    pub(crate) fn forget_held(&self, table: &TableName) {
        self.held().remove(table);
    }

    pub(crate) fn source(&self) -> Source {
        Source { root: self.root.clone(), shelf: self.shelf.clone(), store: Arc::clone(&self.store) }
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    pub(crate) fn io(&self) -> &FileIO {
        &self.io
    }

    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    pub(crate) fn catalog(&self) -> &dyn Catalog {
        &*self.catalog
    }

    fn held(&self) -> MutexGuard<'_, HashMap<TableName, Arc<State>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether rows could be appended, as far as is known without looking.
    fn check_rows(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        let held = self.held().get(table).cloned();
        match held.filter(|state| check_schema(&state.schema, rows.schema_ref()).is_ok()) {
            Some(state) => {
                check_changeable(&state)?;
                Splitter::new(&state)?.map_or(Ok(()), |splitter| splitter.check(rows))?;
                check(&state.columns, rows)
            }
            None => {
                check_new(self.config.partitioning, rows)?;
                check(&Columns::of_arrow(rows.schema_ref())?.columns, rows)
            }
        }
    }

    pub(crate) fn gate(&self, table: &TableName) -> Arc<tokio::sync::Mutex<()>> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(table.clone()).or_default())
    }

    pub(crate) fn config(&self) -> &IcebergConfig {
        &self.config
    }

    fn place<'commit>(&'commit self, table: &'commit TableName, epoch: Option<u64>) -> Place<'commit> {
        Place { root: &self.root, io: &self.io, catalog: &*self.catalog, table, epoch }
    }

    pub(crate) async fn info_of(
        &self,
        table: &TableName,
        state: &State,
        snapshot: Option<SnapshotRef>,
        schema: SchemaRef,
    ) -> Result<TableInfo> {
        let version = snapshot.as_deref().map_or(0, number);
        let (watermark, epoch) = (state.watermark_at(snapshot.as_ref())?, state.epoch_at(snapshot.as_ref())?);
        let rows = match snapshot {
            None => 0,
            Some(snapshot) => {
                let noted = snapshot.summary().additional_properties.get("total-records");
                match noted.filter(|_| is_whole(&snapshot)).and_then(|rows| rows.parse().ok()) {
                    Some(rows) => rows,
                    None => count(self.source(), &state.metadata, snapshot).await?,
                }
            }
        };
        Ok(TableInfo::new(table.clone(), schema, version, watermark, rows).with_epoch(epoch))
    }

    pub(crate) async fn newest_info(&self, table: &TableName, state: &State) -> Result<TableInfo> {
        self.info_of(table, state, state.snapshot(None)?, Arc::clone(&state.schema)).await
    }

    async fn write(&self, table: &TableName, rows: Vec<RecordBatch>, options: &AppendOptions) -> Result<Arc<State>> {
        let gate = self.gate(table);
        let _alone = gate.lock().await;
        let state = self.latest(table).await?;
        // Refused here, a repeated append leaves no file behind; the commit decides races.
        next_marks(&state, &rows, options)?;
        let mut data = DataWriter::new(&self.io, &state)?;
        let committed = match write_all(&mut data, rows).await {
            Ok(()) => {
                let edit = Edit::Append(&data.files);
                self.commit(table, &state, edit, options.epoch, &|state| next_marks(state, &[], options)).await
            }
            Err(error) => Err(unchanged(error)),
        };
        self.keep_or_discard(&data.paths, committed).await
    }

    /// Deletes the data files of a commit that surely did not happen.
    pub(crate) async fn keep_or_discard<Done>(&self, paths: &[String], committed: Result<Done>) -> Result<Done> {
        if let Err(error) = &committed
            && error.kind() != ErrorKind::OutcomeUnknown
        {
            discard(&self.root, paths).await;
        }
        committed
    }

    /// Commits the same edit on whatever state is the newest, as long as the marks allow it.
    pub(crate) async fn commit(
        &self,
        table: &TableName,
        first: &Arc<State>,
        edit: Edit<'_>,
        epoch: Option<u64>,
        marks: &(dyn Fn(&State) -> Result<Marks> + Sync),
    ) -> Result<Arc<State>> {
        self.insist(table, first, epoch, Attempt::Edit(edit, marks)).await
    }

    /// Tries until no other commit comes first.
    pub(crate) async fn insist(
        &self,
        table: &TableName,
        first: &Arc<State>,
        epoch: Option<u64>,
        attempt: Attempt<'_>,
    ) -> Result<Arc<State>> {
        let place = self.place(table, epoch);
        let mut base = Arc::clone(first);
        for number in 1..=ATTEMPTS {
            let done = match attempt {
                Attempt::Edit(edit, marks) => commit(place, Change { base: &base, edit, marks: marks(&base)? }).await?,
                Attempt::Forget(snapshots) => forget(place, &base, snapshots).await?,
            };
            if let Some(state) = done {
                let state = Arc::new(state);
                self.hold(table, &state);
                return Ok(state);
            }
            tokio::time::sleep(PAUSE * number).await;
            base = self.latest(table).await?;
            // By their ids: a column that was removed and made anew is another.
            if base.metadata.current_schema().as_struct() != first.metadata.current_schema().as_struct() {
                return Err(Error::new(ErrorKind::Conflict, "another program changed the table's columns"));
            }
            if base.metadata.default_partition_spec_id() != first.metadata.default_partition_spec_id() {
                return Err(Error::new(ErrorKind::Conflict, "another program changed the table's partitions"));
            }
        }
        Err(Error::new(ErrorKind::Conflict, "other writers came first each time").with("attempts", ATTEMPTS))
    }
}

/// True if there are surely no delete files: the number of rows that a snapshot notes knows nothing of those that they
/// take away.
fn is_whole(snapshot: &SnapshotRef) -> bool {
    snapshot.summary().additional_properties.get("total-delete-files").is_some_and(|files| files == "0")
}

/// What is committed on top of the newest state.
#[derive(Clone, Copy)]
pub(crate) enum Attempt<'commit> {
    /// An edit, and the marks that follow from a state.
    Edit(Edit<'commit>, &'commit (dyn Fn(&State) -> Result<Marks> + Sync)),
    /// Snapshots that are no more.
    Forget(&'commit [i64]),
}

/// Batches are given up as they are written: until its file is finished, the writer holds their rows as well.
async fn write_all(data: &mut DataWriter<'_>, rows: Vec<RecordBatch>) -> Result<()> {
    for batch in rows {
        data.write(&batch).await?;
    }
    data.close().await
}

/// The marks after an append of these rows to this state.
pub(crate) fn next_marks(state: &State, rows: &[RecordBatch], options: &AppendOptions) -> Result<Marks> {
    for batch in rows {
        check_schema(&state.schema, batch.schema_ref())?;
    }
    check_changeable(state)?;
    let epoch = options.check_epoch(state.marks.epoch)?;
    let watermark = state.marks.watermark;
    Ok(Marks { watermark: options.watermark.map_or(Ok(watermark), |step| step.check(watermark))?, epoch })
}

impl fmt::Debug for IcebergTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IcebergTables").field("backend", &self.root.backend).field("config", &self.config).finish()
    }
}

impl fmt::Display for IcebergTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "iceberg({}/{})", self.root.backend, self.config.prefix)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncTableBackend for IcebergTables {
    fn info(&self) -> TableBackendInfo {
        TableBackendInfo::new("iceberg", format!("{}/{}", self.root.backend, self.config.prefix))
    }

    async fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        match self.latest(table).await {
            Err(error) if error.is_not_found() => match self.make(table, options).await {
                Ok(state) => return self.newest_info(table, &state).await,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // Whoever made it, it is kept if it is there.
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown && options.existing == Existing::Keep => {
                    self.latest(table).await.map_err(|_| of_table(error, table))?;
                }
                Err(error) => return Err(of_table(error, table)),
            },
            found => drop(found?),
        }
        match options.existing {
            Existing::Refuse => Err(Error::new(ErrorKind::AlreadyExists, "table exists already").with("table", table)),
            Existing::Keep => {
                let state = self.latest(table).await?;
                check_schema(&state.schema, &options.schema).map_err(|error| of_table(error, table))?;
                self.newest_info(table, &state).await
            }
        }
    }

    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        let state = self.latest(table).await?;
        let snapshot = state.snapshot(options.version).map_err(|error| of_table(error, table))?;
        // What is asked for by its number is told as it was made, whatever others do to the columns.
        let schema = match options.version {
            Some(_) => state.own_columns(snapshot.as_ref())?.schema,
            None => Arc::clone(&state.schema),
        };
        self.info_of(table, &state, snapshot, schema).await
    }

    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        self.check_rows(table, rows).map_err(|error| of_table(error, table))
    }

    async fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        self.expect_open(table)?;
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        if rows == 0 && options.watermark.is_none() {
            let state = self.latest(table).await?;
            next_marks(&state, &batches, options).map_err(|error| of_table(error, table))?;
            return Ok(Receipt::committed(table.clone(), 0, state.marks.watermark, state.version()));
        }
        let state = self.write(table, batches, options).await.map_err(|error| of_table(error, table))?;
        Ok(Receipt::committed(table.clone(), rows, state.marks.watermark, state.version()))
    }

    async fn scan(&self, table: &TableName, read: &Scan) -> Result<TableScan<AsyncBatches>> {
        let state = self.holding(table, read.version).await?;
        scan(self.source(), &state, read).map_err(|error| of_table(error, table))
    }

    async fn list(&self, _options: &ListTablesOptions) -> Result<Vec<TableName>> {
        let tables = self.catalog.list().await?;
        if tables.is_empty() {
            self.expect_catalog().await?;
        }
        Ok(tables)
    }

    async fn history(&self, table: &TableName, _options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        self.latest(table).await?.history()
    }

    async fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        self.change_columns(table, &options.change).await.map_err(|error| of_table(error, table))
    }

    async fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        self.pack(table, options).await.map_err(|error| of_table(error, table))
    }

    async fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        self.forget(table, options).await.map_err(|error| of_table(error, table))
    }

    async fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        self.files_at(table, options.version).await.map_err(|error| of_table(error, table))
    }

    async fn remove(&self, table: &TableName, _options: &RemoveTableOptions) -> Result<()> {
        self.discard_table(table).await.map_err(|error| of_table(error, table))
    }

    async fn flush(&self, _options: &FlushOptions) -> Result<()> {
        Ok(())
    }

    async fn shutdown(&self, _options: &ShutdownOptions) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        self.catalog.close().await;
        Ok(())
    }
}
