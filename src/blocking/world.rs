//! The mirror of a world.

use std::sync::Arc;

use worldstore_async::table::AsyncTableAdapter;
use worldstore_cache::{CacheRecovery, CacheStats};
use worldstore_core::manifest::Manifests;
use worldstore_core::table::{Level, Receipt, TableBackend, TableName};
use worldstore_core::wrap::MetricsSnapshot;

use super::{Bridge, Mirror, Run, call, start};
use crate::storage::Storage;
use crate::world::{Dropped, History, TableFormat, TableOptions, WorldOptions};
use crate::{Result, RunInfo};

/// A world: its tables, and the runs that wrote them. Clones share it. See [`crate::World`].
#[derive(Debug, Clone)]
pub struct World {
    world: crate::World,
    bridge: Bridge,
}

impl Mirror for World {
    type Async = crate::World;

    fn over(other: crate::World, bridge: &Bridge) -> Self {
        Self { world: other, bridge: bridge.clone() }
    }

    fn asynchronous(&self) -> &crate::World {
        &self.world
    }

    fn bridge(&self) -> &Bridge {
        &self.bridge
    }
}

impl World {
    /// Makes a world where there is none, and opens it for writing.
    ///
    /// # Errors
    /// Those of [`crate::World::create`] and of a [`Bridge`].
    pub fn create(uri: &str, options: &WorldOptions) -> Result<Self> {
        let (uri, options) = (uri.to_owned(), options.clone());
        Self::started(async move { crate::World::create(&uri, &options).await })
    }

    /// Opens a world for writing, and for reading with what is not committed yet. What a writer before has acknowledged
    /// and not committed is in memory again; [`recovery`](Self::recovery) tells what it was.
    ///
    /// # Errors
    /// Those of [`crate::World::open`] and of a [`Bridge`].
    pub fn open(uri: &str, options: &WorldOptions) -> Result<Self> {
        let (uri, options) = (uri.to_owned(), options.clone());
        Self::started(async move { crate::World::open(&uri, &options).await })
    }

    /// Opens a world for reading, as it was published last: all tables of a tick or none. It takes no lock and writes
    /// nothing, and what is published later is not seen: read again for that.
    ///
    /// # Errors
    /// Those of [`crate::World::read`] and of a [`Bridge`].
    pub fn read(uri: &str, options: &WorldOptions) -> Result<Self> {
        let (uri, options) = (uri.to_owned(), options.clone());
        Self::started(async move { crate::World::read(&uri, &options).await })
    }

    /// Opens a world for writing, or makes it where there is none.
    ///
    /// # Errors
    /// Those of [`create`](Self::create) and [`open`](Self::open).
    pub fn open_or_create(uri: &str, options: &WorldOptions) -> Result<Self> {
        let (uri, options) = (uri.to_owned(), options.clone());
        Self::started(async move { crate::World::open_or_create(&uri, &options).await })
    }

    fn started(opening: impl Future<Output = Result<crate::World>> + Send + 'static) -> Result<Self> {
        let bridge = start()?;
        Ok(Self { world: bridge.run(opening)?, bridge })
    }

    /// The world's name, as its rows carry it.
    pub fn name(&self) -> &str {
        self.world.name()
    }

    /// The format of its tables.
    pub fn format(&self) -> TableFormat {
        self.world.format()
    }

    /// The byte store that it lives on.
    pub fn storage(&self) -> &Storage {
        self.world.storage()
    }

    /// Its tables: reads see what is buffered too, where it is open for writing.
    pub fn table_backend(&self) -> Arc<dyn TableBackend> {
        Arc::new(AsyncTableAdapter::with_bridge(self.world.table_backend(), self.bridge.clone()))
    }

    /// The chain of its published states.
    pub fn manifests(&self) -> &Manifests {
        self.world.manifests()
    }

    /// What opening it has found in the log: rows that were acknowledged and not committed by the writer before.
    pub fn recovery(&self) -> &CacheRecovery {
        self.world.recovery()
    }

    /// Names of its tables, sorted.
    ///
    /// # Errors
    /// Those of the byte store and of a [`Bridge`].
    pub fn tables(&self) -> Result<Vec<TableName>> {
        call(self, |world| async move { world.tables().await })
    }

    /// Opens a run.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name; those of a [`Bridge`].
    pub fn run(&self, name: &str) -> Result<Run> {
        let name = name.to_owned();
        let run = call(self, |world| async move { world.run(&name).await })?;
        Ok(Run::over(run, &self.bridge))
    }

    /// Starts an empty run.
    ///
    /// # Errors
    /// Those of [`crate::World::create_run`] and of a [`Bridge`].
    pub fn create_run(&self, name: &str) -> Result<Run> {
        let name = name.to_owned();
        let run = call(self, |world| async move { world.create_run(&name).await })?;
        Ok(Run::over(run, &self.bridge))
    }

    /// All runs, sorted by name.
    ///
    /// # Errors
    /// Those of the byte store and of a [`Bridge`]; `Corrupt` for a run that cannot be read.
    pub fn runs(&self) -> Result<Vec<RunInfo>> {
        call(self, |world| async move { world.runs().await })
    }

    /// Drops a run and its rows. Its handles are refused from then on, also for reading; its name is free once this returns.
    /// Rows of appends whose callers have gone away go with it.
    ///
    /// # Errors
    /// Those of [`crate::World::drop_run`] and of a [`Bridge`].
    pub fn drop_run(&self, name: &str) -> Result<Dropped> {
        let name = name.to_owned();
        call(self, |world| async move { world.drop_run(&name).await })
    }

    /// Declares what a table is to keep, before its first rows make it. It stays with the name.
    ///
    /// # Errors
    /// Those of [`crate::World::define_table`] and of a [`Bridge`].
    pub fn define_table(&self, name: &str, options: &TableOptions) -> Result<()> {
        let (name, options) = (name.to_owned(), options.clone());
        call(self, |world| async move { world.define_table(&name, &options).await })
    }

    /// What a table keeps.
    ///
    /// # Errors
    /// Those of [`crate::World::table_history`] and of a [`Bridge`].
    pub fn table_history(&self, name: &str) -> Result<History> {
        let name = name.to_owned();
        call(self, |world| async move { world.table_history(&name).await })
    }

    /// Waits until the rows of a receipt are as safe as `level`.
    ///
    /// # Errors
    /// Those of [`crate::World::wait`] and of a [`Bridge`].
    pub fn wait(&self, receipt: &Receipt, level: Level) -> Result<Receipt> {
        let receipt = receipt.clone();
        call(self, |world| async move { world.wait(&receipt, level).await })
    }

    /// Commits what is buffered.
    ///
    /// # Errors
    /// Those of the tables and of a [`Bridge`]; what could not be committed stays buffered.
    pub fn flush(&self) -> Result<()> {
        call(self, |world| async move { world.flush().await })
    }

    /// What is buffered, and how flushes went; none where the world is open for reading only.
    pub fn stats(&self) -> Option<CacheStats> {
        self.world.stats()
    }

    /// What went through the world's byte store since it was opened: tables, states and what else lies there, and a log
    /// kept as objects; not a log in a folder.
    pub fn store_stats(&self) -> MetricsSnapshot {
        self.world.store_stats()
    }

    /// Commits what is buffered and refuses appends from then on.
    ///
    /// # Errors
    /// Those of the tables and of a [`Bridge`]; what could not be committed stays buffered, and it can be called again.
    pub fn shutdown(&self) -> Result<()> {
        call(self, |world| async move { world.shutdown().await })
    }
}
