//! Where worlds are and how they are buffered: from the environment, a file, or the program.

use std::path::PathBuf;

use worldstore_cache::{CacheConfig, Durability};
use worldstore_core::{Error, Result};

use super::values::{self, CODE, Values};
use crate::config::{Config, IO, Lookup, Section};
use crate::registry::{Settings, masked};
use crate::world::{TableFormat, check_name};

/// Where the worlds of a [`StorageContext`](super::StorageContext) are.
///
/// `Debug` shows no password in the URI and no setting of the scheme.
#[derive(Clone)]
#[non_exhaustive]
pub struct StorageConfig {
    /// The byte store: whatever the registry opens, as a path, `s3://bucket/prefix` or `profile:NAME`. Default
    /// `./worldstore_data`.
    pub uri: String,
    /// The folder in it that keeps these worlds apart from others: letters, digits, `_`, `-` and `.`, not starting with
    /// `.`, at most 64 bytes. Default `worlds`.
    pub namespace: String,
    /// The table format of new worlds. Default: that of [`WorldOptions`](crate::WorldOptions), Lance where it is compiled
    /// in.
    pub backend: Option<TableFormat>,
    /// Settings of the URI's scheme, as region or endpoint. Default: none.
    pub io: Settings,
    /// The folder on this machine for what a remote store cannot keep: the SQLite catalogs of Iceberg worlds. Not used
    /// where the store is a folder, which keeps them itself. Default `.worldstore_meta`.
    pub metadata: PathBuf,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            uri: "./worldstore_data".to_owned(),
            namespace: "worlds".to_owned(),
            backend: None,
            io: Settings::default(),
            metadata: PathBuf::from(".worldstore_meta"),
        }
    }
}

impl StorageConfig {
    /// What the environment (`WORLDSTORE_STORAGE_URI`, `_NAMESPACE`, `_BACKEND`, `_METADATA`, `_IO_<SETTING>`) says, then
    /// what `[storage]` of the file says, then the defaults. What the program sets afterwards wins over all. A variable
    /// that is empty counts as not set.
    ///
    /// # Errors
    /// `Invalid`, with `key` and as `at` file and line or the variable: for an unknown key, for a word that is none of the
    /// known ones, for what is empty or no name.
    pub fn load(file: Option<&Config>, lookup: &Lookup) -> Result<Self> {
        let values = Values::load(Section::Storage, file, lookup)?;
        let formats = [TableFormat::Lance, TableFormat::Iceberg, TableFormat::Memory].map(|each| (each.as_str(), each));
        let mut config = Self { backend: values.word("backend", &formats)?, ..Self::default() };
        if let Some(uri) = values.text("uri") {
            config.uri = uri.to_owned();
        }
        if let Some(namespace) = values.text("namespace") {
            config.namespace = namespace.to_owned();
        }
        if let Some(metadata) = values.text("metadata") {
            config.metadata = PathBuf::from(metadata);
        }
        for (name, found) in values.below(IO) {
            config.io = config.io.with_origin(name, found.text.clone(), found.origin.clone());
        }
        config.check_with(|key| values.origin(key))?;
        Ok(config)
    }

    /// Sets the byte store.
    #[must_use]
    pub fn with_uri(mut self, uri: impl Into<String>) -> Self {
        self.uri = uri.into();
        self
    }

    /// Sets the namespace.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets the table format of new worlds.
    #[must_use]
    pub fn with_backend(mut self, backend: TableFormat) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Sets a setting of the scheme.
    #[must_use]
    pub fn with_io(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.io = self.io.with(name, value);
        self
    }

    /// Sets the folder for metadata of remote stores.
    #[must_use]
    pub fn with_metadata(mut self, folder: impl Into<PathBuf>) -> Self {
        self.metadata = folder.into();
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        self.check_with(|_| CODE)
    }

    fn check_with<'a>(&self, origin: impl Fn(&str) -> &'a str) -> Result<()> {
        let wrong = |key: &str, rule: &str| values::wrong(Section::Storage, key, rule, origin(key));
        if self.uri.trim().is_empty() {
            return Err(wrong("uri", "setting is empty, it is a URI or a path"));
        }
        if self.metadata.as_os_str().is_empty() {
            return Err(wrong("metadata", "setting is empty, it is a folder"));
        }
        check_name("namespace", &self.namespace)
            .map_err(|error: Error| error.with("key", "storage.namespace").with("at", origin("namespace")))
    }
}

impl std::fmt::Debug for StorageConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { uri, namespace, backend, io, metadata } = self;
        let mut shown = f.debug_struct("StorageConfig");
        shown.field("uri", &masked(uri)).field("namespace", namespace).field("backend", backend);
        shown.field("io", io).field("metadata", metadata).finish()
    }
}

/// How rows are buffered: what the environment (`WORLDSTORE_CACHE_FLUSH_ROWS`, `_FLUSH_MB`, `_GLOBAL_MB`, `_IDLE_SEC`,
/// `_DIRECT_MB`, `_DURABILITY`) says, then what `[cache]` of the file says, then the defaults of [`CacheConfig`].
///
/// # Errors
/// `Invalid`, with `key`, `got` and as `at` file and line or the variable: for an unknown key, for what is no number (a unit
/// is none: `512`, not `512MB`), for zero (but `direct_mb`), for less than 32 MiB of `global_mb`, for more than 16 TiB or a year, for a durability other than `buffered` and
/// `durable`.
pub fn load_cache(file: Option<&Config>, lookup: &Lookup) -> Result<CacheConfig> {
    let values = Values::load(Section::Cache, file, lookup)?;
    let durabilities = [("buffered", Durability::Buffered), ("durable", Durability::Durable)];
    let mut config = CacheConfig::default();
    if let Some(rows) = values.parse("flush_rows", "setting is a whole number of rows")? {
        config.flush_rows = rows;
    }
    let mebibytes = "setting is a whole number of mebibytes, without a unit";
    if let Some(flush) = values.parse("flush_mb", mebibytes)? {
        config.flush_mb = flush;
    }
    if let Some(global) = values.parse("global_mb", mebibytes)? {
        config.global_mb = global;
    }
    if let Some(seconds) = values.parse("idle_sec", "setting is a number of seconds, without a unit")? {
        config.idle_sec = seconds;
    }
    if let Some(direct) = values.parse("direct_mb", mebibytes)? {
        config.direct_mb = direct;
    }
    if let Some(durability) = values.word("durability", &durabilities)? {
        config.durability = durability;
    }
    values::check_cache(&config, |key| values.origin(key))?;
    Ok(config)
}
