//! Upkeep of a world: tables are compacted, old states expire, and what is kept is verified.

mod expire;
mod verify;

use std::collections::BTreeMap;

use worldstore_core::table::{Compaction, TableName};
use worldstore_core::{Error, Result};

use super::World;

pub use expire::{ExpireWorldOptions, ExpiredWorld};
pub use verify::{DocumentProblem, Extent, LogCheck, TableProblem, VerifiedWorld};

/// How tables are compacted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CompactWorldOptions {
    /// Only these tables; all by default.
    pub tables: Option<Vec<TableName>>,
    /// Rows that a file shall have. Default 1,000,000.
    pub file_rows: usize,
}

impl Default for CompactWorldOptions {
    fn default() -> Self {
        Self { tables: None, file_rows: 1_000_000 }
    }
}

impl CompactWorldOptions {
    /// Compacts these tables only.
    #[must_use]
    pub fn with_tables(mut self, tables: impl IntoIterator<Item = TableName>) -> Self {
        self.tables = Some(tables.into_iter().collect());
        self
    }

    /// Sets the rows that a file shall have.
    #[must_use]
    pub fn with_file_rows(mut self, rows: usize) -> Self {
        self.file_rows = rows;
        self
    }
}

impl World {
    /// Rewrites the files of tables into fewer, larger ones, and publishes that. What is buffered is committed first. Rows
    /// and states stay as they are; older states keep the files that they had until they [expire](Self::expire).
    ///
    /// # Errors
    /// `NotFound` for a table, before any is compacted; `Invalid` for files without rows; `Unsupported` if it is open for
    /// reading only; those of the tables, with `table`. Tables that were compacted before stay so.
    pub async fn compact(&self, options: &CompactWorldOptions) -> Result<BTreeMap<TableName, Compaction>> {
        self.cache()?;
        if options.file_rows == 0 {
            return Err(Error::invalid("a file has 1 row at least"));
        }
        let there = self.tables().await?;
        let chosen = options.tables.as_ref().unwrap_or(&there);
        if let Some(missing) = chosen.iter().find(|table| !there.contains(table)) {
            return Err(Error::not_found("no such table").with("table", missing));
        }
        let mut compacted = BTreeMap::new();
        let settings = worldstore_core::table::CompactOptions::default().with_file_rows(options.file_rows);
        for table in chosen {
            let done = self.inner.tables.compact(table, &settings).await;
            compacted.insert(table.clone(), done.map_err(|error| error.with("table", table))?);
        }
        self.flush().await?;
        Ok(compacted)
    }
}

#[cfg(test)]
mod tests;
