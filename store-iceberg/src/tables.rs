//! The tables: loading, creating, appending, looking up.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use iceberg::MetadataLocation;
use iceberg::io::FileIO;
use iceberg::spec::{
    FormatVersion, PartitionSpec, SnapshotRef, SortOrder, TableMetadata, TableMetadataBuilder, TableProperties,
};
use worldstore_async::AsyncBackend;
use worldstore_async::object_store::BackendObjectStore;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend};
use worldstore_core::table::schema::check_schema;
use worldstore_core::table::{
    AppendOptions, CreateOptions, DescribeOptions, Existing, FlushOptions, HistoryOptions, ListTablesOptions, Receipt,
    Scan, ShutdownOptions, TableBackendInfo, TableInfo, TableName, TableScan, TableVersion,
};
use worldstore_core::{Error, ErrorKind, Result};

use crate::catalog::{Catalog, NAMESPACE};
use crate::commit::{Change, Place, check_appendable, commit, discard, unchanged};
use crate::config::IcebergConfig;
use crate::data::DataWriter;
use crate::error::{from_iceberg, of_table};
use crate::files::count;
use crate::scan::{Source, scan};
use crate::state::{State, number, rolled_back};
use crate::storage::Root;
use crate::types::to_iceberg_schema;

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
    store: Arc<dyn object_store::ObjectStore>,
    catalog: Catalog,
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
    /// `Unsupported` if the backend cannot create objects if absent, `Invalid` if the location is no URI.
    pub async fn open(backend: Arc<dyn AsyncBackend>, config: IcebergConfig) -> Result<Self> {
        if !backend.info().capability.write_if_absent {
            return Err(Error::unsupported("Iceberg tables need a backend that creates objects if absent")
                .with("backend", &backend));
        }
        if !config.location.contains(':') {
            return Err(Error::invalid("location is no URI").with("location", &config.location));
        }
        let root = Root { backend: Arc::clone(&backend), location: config.location.as_str().into() };
        Ok(Self {
            io: root.file_io(),
            root,
            store: Arc::new(BackendObjectStore::new(backend)),
            catalog: Catalog::new(config.catalog.clone()),
            config,
            held: Mutex::default(),
            gates: Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    /// The newest state, also if another process committed it.
    async fn latest(&self, table: &TableName) -> Result<Arc<State>> {
        let held = self.held().get(table).cloned();
        let mut pointer = self.catalog.pointer(table).await?;
        if let Some(held) = &held
            && held.pointer == pointer
        {
            return Ok(Arc::clone(held));
        }
        let state = loop {
            match State::load(&self.io, table, pointer.clone()).await {
                Ok(state) => break Arc::new(state),
                Err(error) => {
                    // Other programs delete metadata files that they have replaced.
                    let newer = self.catalog.pointer(table).await?;
                    if newer == pointer {
                        return Err(of_table(error, table).with("metadata", pointer));
                    }
                    pointer = newer;
                }
            }
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

    fn hold(&self, table: &TableName, state: &Arc<State>) {
        let mut held = self.held();
        if held.get(table).is_none_or(|before| before.precedes(state)) {
            held.insert(table.clone(), Arc::clone(state));
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<TableName, Arc<State>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gate(&self, table: &TableName) -> Arc<tokio::sync::Mutex<()>> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(table.clone()).or_default())
    }

    fn place<'commit>(&'commit self, table: &'commit TableName) -> Place<'commit> {
        Place { root: &self.root, io: &self.io, catalog: &self.catalog, table }
    }

    async fn info_of(&self, table: &TableName, state: &State, snapshot: Option<SnapshotRef>) -> Result<TableInfo> {
        let version = snapshot.as_deref().map_or(0, number);
        let watermark = state.watermark_at(snapshot.as_ref())?;
        let rows = match snapshot {
            None => 0,
            Some(snapshot) => {
                let noted = snapshot.summary().additional_properties.get("total-records");
                match noted.and_then(|rows| rows.parse().ok()) {
                    Some(rows) => rows,
                    None => count(self.io.clone(), snapshot, state.metadata.format_version()).await?,
                }
            }
        };
        Ok(TableInfo::new(table.clone(), Arc::clone(&state.schema), version, watermark, rows))
    }

    async fn newest_info(&self, table: &TableName, state: &State) -> Result<TableInfo> {
        self.info_of(table, state, state.snapshot(None)?).await
    }

    /// A new table. `AlreadyExists` if another writer made it meanwhile.
    async fn make(&self, table: &TableName, options: &CreateOptions) -> Result<Arc<State>> {
        let folder = self.config.prefix.join(NAMESPACE)?.key(table.as_str())?;
        let location = format!("{}/{folder}", self.root.location);
        let metadata = new_metadata(options, location.clone())?;
        let pointer = MetadataLocation::new_with_metadata(&location, &metadata);
        let state = State::new(metadata, pointer.to_string())?;
        check_schema(&options.schema, &state.schema)
            .map_err(|error| Error::unsupported("Iceberg tables cannot hold this schema unchanged").caused_by(error))?;
        let written = [pointer.to_string()];
        if let Err(source) = state.metadata.write_to(&self.io, &pointer).await {
            discard(&self.root, &written).await;
            return Err(unchanged(from_iceberg(source)));
        }
        match self.catalog.insert(table, &state.pointer).await {
            Ok(()) => {
                let state = Arc::new(state);
                self.hold(table, &state);
                Ok(state)
            }
            Err(error) => {
                if error.kind() != ErrorKind::OutcomeUnknown {
                    discard(&self.root, &written).await;
                }
                Err(error)
            }
        }
    }

    async fn write(&self, table: &TableName, rows: &[RecordBatch], options: &AppendOptions) -> Result<Arc<State>> {
        let gate = self.gate(table);
        let _alone = gate.lock().await;
        let state = self.latest(table).await?;
        // Refused here, a repeated append leaves no file behind; the commit decides races.
        let watermark = next_watermark(&state, rows, options)?;
        let mut data = DataWriter::new(&self.io, &state)?;
        let committed = match data.write(rows).await {
            Ok(()) => self.commit(table, &state, &data, watermark, options).await,
            Err(error) => Err(unchanged(error)),
        };
        if let Err(error) = &committed
            && error.kind() != ErrorKind::OutcomeUnknown
        {
            discard(&self.root, &data.paths).await;
        }
        committed
    }

    /// Commits the same files on whatever state is the newest, as long as the watermark allows it.
    async fn commit(
        &self,
        table: &TableName,
        first: &Arc<State>,
        data: &DataWriter<'_>,
        mut watermark: u64,
        options: &AppendOptions,
    ) -> Result<Arc<State>> {
        let mut base = Arc::clone(first);
        for attempt in 1..=ATTEMPTS {
            let change = Change { base: &base, files: &data.files, watermark };
            if let Some(state) = commit(self.place(table), change).await? {
                let state = Arc::new(state);
                self.hold(table, &state);
                return Ok(state);
            }
            tokio::time::sleep(PAUSE * attempt).await;
            base = self.latest(table).await?;
            if base.schema != first.schema {
                return Err(Error::new(ErrorKind::Conflict, "another program changed the table's columns"));
            }
            watermark = next_watermark(&base, &[], options)?;
        }
        Err(Error::new(ErrorKind::Conflict, "other writers came first each time").with("attempts", ATTEMPTS))
    }
}

/// The watermark after an append of these rows to this state.
fn next_watermark(state: &State, rows: &[RecordBatch], options: &AppendOptions) -> Result<u64> {
    for batch in rows {
        check_schema(&state.schema, batch.schema_ref())?;
    }
    check_appendable(state)?;
    options.watermark.map_or(Ok(state.watermark), |step| step.check(state.watermark))
}

fn new_metadata(options: &CreateOptions, location: String) -> Result<TableMetadata> {
    let (schema, mut properties) = to_iceberg_schema(&options.schema)?;
    // It is written whole with every commit, and grows with each.
    properties.insert(TableProperties::PROPERTY_METADATA_COMPRESSION_CODEC.to_owned(), "gzip".to_owned());
    let (spec, order) = (PartitionSpec::unpartition_spec(), SortOrder::unsorted_order());
    TableMetadataBuilder::new(schema, spec, order, location, FormatVersion::V2, properties)
        .and_then(TableMetadataBuilder::build)
        .map(|built| built.metadata)
        .map_err(from_iceberg)
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
        self.info_of(table, &state, snapshot).await
    }

    async fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Poisoned, "tables are shut down").with("table", table));
        }
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        if rows == 0 && options.watermark.is_none() {
            let state = self.latest(table).await?;
            next_watermark(&state, &batches, options).map_err(|error| of_table(error, table))?;
            return Ok(Receipt::committed(table.clone(), 0, state.watermark, state.version()));
        }
        let state = self.write(table, &batches, options).await.map_err(|error| of_table(error, table))?;
        Ok(Receipt::committed(table.clone(), rows, state.watermark, state.version()))
    }

    async fn scan(&self, table: &TableName, read: &Scan) -> Result<TableScan<AsyncBatches>> {
        let state = self.latest(table).await?;
        let source = Source { root: self.root.clone(), io: self.io.clone(), store: Arc::clone(&self.store) };
        scan(source, &state, read).map_err(|error| of_table(error, table))
    }

    async fn list(&self, _options: &ListTablesOptions) -> Result<Vec<TableName>> {
        self.catalog.list().await
    }

    async fn history(&self, table: &TableName, _options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        self.latest(table).await?.history()
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
