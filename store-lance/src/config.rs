//! Where the tables lie, and how much is cached of them.

use worldstore_core::table::TableName;
use worldstore_core::{Prefix, Result};

/// What a table's folder ends in.
pub(crate) const FOLDER_ENDING: &str = ".lance";

/// When the indexes of tables are made and brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenIndexed {
    /// At the end of each compaction.
    #[default]
    Compacted,
    /// Only by [`LanceTables::index`](crate::LanceTables::index).
    Asked,
}

/// Settings of [`LanceTables`](crate::LanceTables).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LanceConfig {
    /// The folder of the tables below the backend's root. Default: the root.
    pub prefix: Prefix,
    /// One dataset in place of many: every name means it. Default: none.
    pub dataset: Option<Prefix>,
    /// Bound of the cache of indexes in bytes. Default 64 MiB.
    pub index_cache_bytes: usize,
    /// Bound of the cache of manifests and file metadata in bytes. Default 64 MiB.
    pub metadata_cache_bytes: usize,
    /// When the indexes of tables with base columns are made and brought up to date. Default: at each compaction.
    pub indexed: WhenIndexed,
    /// At a compaction, indexes are brought up to date if more rows than this are in none. Default 100,000: to read a
    /// column of fewer costs no more than to read an index.
    pub unindexed_rows_max: u64,
}

impl Default for LanceConfig {
    fn default() -> Self {
        Self {
            prefix: Prefix::root(),
            dataset: None,
            index_cache_bytes: 64 << 20,
            metadata_cache_bytes: 64 << 20,
            indexed: WhenIndexed::default(),
            unindexed_rows_max: 100_000,
        }
    }
}

impl LanceConfig {
    /// Sets the folder of the tables.
    #[must_use]
    pub fn with_prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// Means one dataset, in this folder of whatever name, and no others: for datasets that another program has made.
    #[must_use]
    pub fn with_dataset(mut self, folder: Prefix) -> Self {
        self.dataset = Some(folder);
        self
    }

    /// The folder of a table.
    pub(crate) fn folder_of(&self, table: &TableName) -> Result<Prefix> {
        match &self.dataset {
            Some(folder) => Ok(folder.clone()),
            None => self.prefix.join(format!("{table}{FOLDER_ENDING}")),
        }
    }

    /// Sets when indexes are made and brought up to date.
    #[must_use]
    pub fn with_indexed(mut self, when: WhenIndexed) -> Self {
        self.indexed = when;
        self
    }

    /// Sets how many rows may be in no index.
    #[must_use]
    pub fn with_unindexed_rows_max(mut self, rows: u64) -> Self {
        self.unindexed_rows_max = rows;
        self
    }
}
