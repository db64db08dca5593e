//! Worlds: tables, runs and ticks over one byte store.

mod ancestor;
mod aside;
mod canon;
mod catalog;
mod changes;
mod commit;
mod diff;
mod document;
#[cfg(feature = "ecs")]
pub(crate) mod entity_leases;
mod fold;
mod format;
#[cfg(feature = "graph")]
mod graph;
mod held;
mod history;
mod lineage;
mod manifest;
mod merge;
#[cfg(test)]
mod model;
mod open;
mod own_log;
mod published;
mod removal;
mod replay;
mod rows;
mod rows_at;
mod run;
#[cfg(feature = "sql")]
mod source;
#[cfg(feature = "sql")]
mod sql;
mod state;
mod state_hash;
mod table_options;
mod tables;
#[cfg(test)]
pub(crate) mod testing;
mod tick;
mod travel;
mod upkeep;
mod view;
mod waiting;
mod windows;
mod writing;

use std::fmt;
use std::sync::Arc;

use worldstore_async::table::AsyncTableBackend;
use worldstore_cache::{CacheConfig, CacheRecovery, CacheStats};
use worldstore_core::manifest::Manifests;
use worldstore_core::table::{FlushOptions, Level, ListTablesOptions, Receipt, ShutdownOptions, TableName};
use worldstore_core::wrap::MetricsSnapshot;
use worldstore_core::{Error, ErrorKind, Result};

pub use aside::Unfit;
pub use catalog::CatalogPlace;
pub use diff::{Diff, TableDiff};
pub use fold::Ended;
pub use format::TableFormat;
pub use history::EntityRow;
pub use lineage::{RunInfo, RunState};
pub use merge::{Merge, MergeConflict, Resolution};
pub use open::{IfOpen, LogPlace};
pub use published::{PublishedState, PublishedTable, TableChange};
pub use removal::Dropped;
pub use replay::{ReplayOptions, Tick, Ticks};
pub use rows::{check_new, check_rows};
pub use run::Run;
pub use state::{State, StateOptions};
pub use state_hash::StateHash;
pub use table_options::{History, TableOptions};
pub use tick::{TickReceipt, TickWriter};
pub use travel::SeqAt;
pub use upkeep::{
    CompactWorldOptions, DocumentProblem, ExpireWorldOptions, ExpiredWorld, Extent, LogCheck, TableProblem,
    VerifiedWorld,
};
pub use view::{TickCount, View};
pub use waiting::LogState;

use crate::registry::{OpenOptions, Registry, masked};
use crate::storage::Storage;
use changes::Changes;
use lineage::Runs;
use manifest::WorldManifest;

/// The run that every world starts with.
pub const MAIN_RUN: &str = "main";

/// How a world is made or opened.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WorldOptions {
    /// Table format of a new world. The default is Lance, or Iceberg where only that is compiled in; for `memory:` it
    /// is memory. An existing world keeps its own.
    pub format: Option<TableFormat>,
    /// Name of a new world; the last segment of its URI by default, `world` where that is no name.
    pub name: Option<String>,
    /// When buffered rows are flushed.
    pub cache: CacheConfig,
    /// The Iceberg catalog; the SQLite file `catalog.db` in the world's folder by default. Needed where the bytes are
    /// remote.
    pub catalog: Option<CatalogPlace>,
    /// Where the log of what is acknowledged and not committed lies.
    pub log: LogPlace,
    /// What happens if another has the world open for writing. By default it is refused.
    pub if_open: IfOpen,
    /// What happens to rows of the log that their table cannot hold. By default the world is not opened.
    pub unfit: Unfit,
    /// What opens the URI; [`Registry::compiled_in`] by default.
    pub registry: Registry,
}

impl WorldOptions {
    /// Sets the table format of a new world.
    #[must_use]
    pub fn with_format(mut self, format: TableFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets the name of a new world.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets when buffered rows are flushed.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheConfig) -> Self {
        self.cache = cache;
        self
    }

    /// Sets what opens the URI.
    #[must_use]
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Sets where the log lies.
    #[must_use]
    pub fn with_log(mut self, log: LogPlace) -> Self {
        self.log = log;
        self
    }

    /// Sets what happens if another has the world open for writing.
    #[must_use]
    pub fn with_if_open(mut self, if_open: IfOpen) -> Self {
        self.if_open = if_open;
        self
    }

    /// Sets what happens to rows of the log that their table cannot hold.
    #[must_use]
    pub fn with_unfit(mut self, unfit: Unfit) -> Self {
        self.unfit = unfit;
        self
    }

    /// Sets the Iceberg catalog: an SQLite file, or a server.
    #[must_use]
    pub fn with_catalog(mut self, catalog: impl Into<CatalogPlace>) -> Self {
        self.catalog = Some(catalog.into());
        self
    }
}

/// A world: its tables, and the runs that wrote them. Clones share it.
///
/// One handle at a time may write: [`open`](Self::open) locks others out. It logs what is appended before it is
/// acknowledged, and goes on with what the log holds, so that a kill loses nothing that was acknowledged as
/// [`Durable`](Level::Durable). Any number may [`read`](Self::read) at the same time: they see what is published, every tick
/// whole.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    format: TableFormat,
    storage: Storage,
    tables: Arc<dyn AsyncTableBackend>,
    /// The same tables at any version, those of later states included.
    versions: Arc<dyn AsyncTableBackend>,
    /// None where the world is read only.
    writer: Option<writing::Writer>,
    manifests: Manifests,
    log: LogPlace,
    recovery: CacheRecovery,
    runs: Runs,
    changes: Changes,
    /// Who may write the entities of each run.
    #[cfg(feature = "ecs")]
    entity_leases: entity_leases::Leases,
}

impl World {
    /// Makes a world where there is none, and opens it for writing.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one; `Invalid` for names; those of the byte store.
    pub async fn create(uri: &str, options: &WorldOptions) -> Result<Self> {
        let document = WorldManifest::for_new(uri, options)?;
        let storage = options.registry.open(uri, &OpenOptions::default()).await?.watched();
        document.write(&storage).await.map_err(|error| error.with("world", masked(uri)))?;
        Self::writer(storage, document, options).await
    }

    /// Opens a world for writing, and for reading with what is not committed yet. What a writer before has acknowledged
    /// and not committed is in memory again; [`recovery`](Self::recovery) tells what it was.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Conflict` if another has it open, and `ConditionFailed` if it has another log, or has
    /// given this one up, unless it shall be [taken over](IfOpen::TakeOver);
    /// `Corrupt` if its document, log or manifests cannot be read, or if a table is gone or older than what was published
    /// of it, unless it shall be taken over; `Unsupported` if its table format is not compiled in; `Invalid` if it was made
    /// with a [catalog](WorldOptions::catalog) elsewhere, and none is given;
    /// `Invalid` or `Unsupported` with the context `record` if its log has rows that their table cannot hold, unless they
    /// shall be [set aside](Unfit::SetAside); those of the byte store.
    pub async fn open(uri: &str, options: &WorldOptions) -> Result<Self> {
        let (storage, document) = Self::find(uri, options).await?;
        Self::writer(storage, document, options).await
    }

    /// Opens a world for reading, as it was published last: all tables of a tick or none. It takes no lock and writes
    /// nothing, and what is published later is not seen: read again for that.
    ///
    /// # Errors
    /// `NotFound` if there is none, or it was never open for writing; `Corrupt` if its document or manifest cannot be
    /// read; `Unsupported` if its table format is not compiled in; `Invalid` if it was made with a
    /// [catalog](WorldOptions::catalog) elsewhere, and none is given; those of the byte store.
    pub async fn read(uri: &str, options: &WorldOptions) -> Result<Self> {
        let (storage, document) = Self::find(uri, options).await?;
        let (tables, manifests) = open::reader(&storage, document.tables, options).await?;
        let parts = open::Parts {
            versions: Arc::clone(tables.tables()),
            tables: Arc::new(tables),
            writer: None,
            manifests,
            log: options.log.clone(),
            recovery: CacheRecovery::default(),
        };
        Ok(Self::new(storage, document, parts))
    }

    /// Opens a world for writing, or makes it where there is none.
    ///
    /// # Errors
    /// Those of [`create`](Self::create) and [`open`](Self::open).
    pub async fn open_or_create(uri: &str, options: &WorldOptions) -> Result<Self> {
        match Self::open(uri, options).await {
            Err(error) if error.is_not_found() => match Self::create(uri, options).await {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::open(uri, options).await,
                made => made,
            },
            opened => opened,
        }
    }

    async fn find(uri: &str, options: &WorldOptions) -> Result<(Storage, WorldManifest)> {
        let storage = options.registry.open(uri, &OpenOptions::existing()).await?.watched();
        let read = WorldManifest::read(&storage).await;
        let checked = read.and_then(|document| document.check(options).map(|()| document));
        Ok((storage, checked.map_err(|error| error.with("world", masked(uri)))?))
    }

    async fn writer(storage: Storage, document: WorldManifest, options: &WorldOptions) -> Result<Self> {
        let written = open::writer(&storage, document.tables, options).await?;
        Ok(Self::new(storage, document, open::Parts::of(written, options.log.clone())))
    }

    /// A world over what is open, without a log.
    #[cfg(test)]
    fn written(storage: Storage, document: WorldManifest, written: open::Written) -> Self {
        Self::new(storage, document, open::Parts::of(written, LogPlace::None))
    }

    fn new(storage: Storage, document: WorldManifest, parts: open::Parts) -> Self {
        let runs = Runs::new(storage.backend.clone(), document.name.clone());
        let (name, format, changes) = (document.name, document.tables, Changes::default());
        let open::Parts { tables, versions, writer, manifests, log, recovery } = parts;
        let inner = Inner {
            name,
            format,
            storage,
            tables,
            versions,
            writer,
            manifests,
            log,
            recovery,
            runs,
            changes,
            #[cfg(feature = "ecs")]
            entity_leases: entity_leases::Leases::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The world's name, as its rows carry it.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The format of its tables.
    pub fn format(&self) -> TableFormat {
        self.inner.format
    }

    /// The byte store that it lives on.
    pub fn storage(&self) -> &Storage {
        &self.inner.storage
    }

    /// Its tables: reads see what is buffered too, where it is open for writing.
    pub fn table_backend(&self) -> Arc<dyn AsyncTableBackend> {
        Arc::clone(&self.inner.tables)
    }

    /// Who may write the entities of each run.
    #[cfg(feature = "ecs")]
    pub(crate) fn entity_leases(&self) -> &entity_leases::Leases {
        &self.inner.entity_leases
    }

    /// Whether appends are in a log before they are committed.
    #[cfg(feature = "ecs")]
    pub(crate) fn keeps_log(&self) -> bool {
        let place = open::place_of_log(self.storage(), &self.inner.log);
        self.inner.writer.is_some() && place.is_ok_and(|place| !matches!(place, open::LogStore::None))
    }

    /// The chain of its published states.
    pub fn manifests(&self) -> &Manifests {
        &self.inner.manifests
    }

    /// What opening it has found in the log: rows that were acknowledged and not committed by the writer before.
    pub fn recovery(&self) -> &CacheRecovery {
        &self.inner.recovery
    }

    /// Names of its tables, sorted.
    ///
    /// # Errors
    /// Those of the byte store.
    pub async fn tables(&self) -> Result<Vec<TableName>> {
        self.inner.tables.list(&ListTablesOptions::default()).await
    }

    /// Opens a run.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub async fn run(&self, name: &str) -> Result<Run> {
        let lineage = self.inner.runs.lineage(name).await?;
        Ok(Run::new(self.clone(), name.to_owned(), lineage))
    }

    /// Starts an empty run.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one of that name; `Invalid` for the name; `Unsupported` if it is open for reading only;
    /// `Fenced` if another has taken the world over.
    pub async fn create_run(&self, name: &str) -> Result<Run> {
        self.expect_unfenced().await?;
        self.inner.runs.create(name, None).await?;
        self.run(name).await
    }

    /// All runs, sorted by name.
    ///
    /// # Errors
    /// Those of the byte store; `Corrupt` for a run that cannot be read.
    pub async fn runs(&self) -> Result<Vec<RunInfo>> {
        self.inner.runs.list().await
    }

    /// Waits until the rows of a receipt are as safe as `level`.
    ///
    /// # Errors
    /// Those of [`TableCache::wait`](worldstore_cache::TableCache::wait); `Unsupported` if the world is open for reading only.
    pub async fn wait(&self, receipt: &Receipt, level: Level) -> Result<Receipt> {
        self.cache()?.wait(receipt, level).await
    }

    /// Commits what is buffered.
    ///
    /// # Errors
    /// Those of the tables; what could not be committed stays buffered.
    pub async fn flush(&self) -> Result<()> {
        self.inner.tables.flush(&FlushOptions::default()).await
    }

    /// What is buffered, and how flushes went; none where the world is open for reading only.
    pub fn stats(&self) -> Option<CacheStats> {
        self.inner.writer.as_ref().map(|writer| writer.cache.stats())
    }

    /// What went through the world's byte store since it was opened: tables, states and what else lies there, and a log
    /// kept as objects; not a log in a folder.
    pub fn store_stats(&self) -> MetricsSnapshot {
        self.inner.storage.metrics.snapshot()
    }

    /// Commits what is buffered and refuses appends from then on.
    ///
    /// # Errors
    /// Those of the tables; what could not be committed stays buffered, and it can be called again.
    pub async fn shutdown(&self) -> Result<()> {
        self.inner.tables.shutdown(&ShutdownOptions::default()).await
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { name, format, storage, .. } = &*self.inner;
        f.debug_struct("World").field("name", name).field("format", format).field("at", &storage.location).finish()
    }
}

/// Names of worlds and runs: letters, digits, `_`, `-` and `.`, not starting with `.`, at most 64 bytes.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<()> {
    let allowed = |each: char| each.is_ascii_alphanumeric() || matches!(each, '_' | '-' | '.');
    match !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.chars().all(allowed) {
        true => Ok(()),
        false => Err(Error::invalid("name must be of letters, digits, _, - and ., at most 64")
            .with("of", what)
            .with("name", format!("{name:?}"))),
    }
}
