//! What a table is to keep, declared before it is made and kept as a small document.

use serde::{Deserialize, Serialize};
use worldstore_core::table::{DescribeOptions, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use super::changes::lock;
use super::{World, document};

const FOLDER: &str = "histories";

/// What a table keeps of the states that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum History {
    /// All rows.
    #[default]
    Full,
    /// What changed. Each append is the full state of the table in that run and tick: rows that differ from the entity's
    /// last are stored, and a row that is not active for each entity that is missing. Ticks come in ascending order.
    Changes,
}

/// How a table is made.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TableOptions {
    /// What it keeps. All rows by default.
    pub history: History,
}

impl TableOptions {
    /// Sets what it keeps.
    #[must_use]
    pub fn with_history(mut self, history: History) -> Self {
        self.history = history;
        self
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableRecord {
    history: History,
}

fn key(table: &TableName) -> String {
    format!("{FOLDER}/{table}.json")
}

impl World {
    /// Declares what a table is to keep, before its first rows make it. It stays with the name.
    ///
    /// # Errors
    /// `AlreadyExists` if there is such a table, or if it was declared as something else; `Invalid` for the name; `Fenced` if
    /// another has taken the world over.
    pub async fn define_table(&self, name: &str, options: &TableOptions) -> Result<()> {
        self.expect_unfenced().await?;
        let table = TableName::new(name)?;
        let _one_at_a_time = self.inner.changes.declaring.lock().await;
        let taken = |message: &str| Error::new(ErrorKind::AlreadyExists, message).with("table", &table);
        if self.has_table(&table).await? {
            return Err(taken("the table exists, what it keeps cannot be declared any more"));
        }
        let backend = &self.inner.storage.backend;
        match document::create(backend, &key(&table), &TableRecord { history: options.history }).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let record: TableRecord = document::read(backend, &key(&table)).await?;
                if record.history != options.history {
                    return Err(taken("the table was declared as something else"));
                }
            }
            made => made?,
        }
        // Rows that came meanwhile have made it as a full table, unless they came after the document.
        let known = lock(&self.inner.changes.histories).get(&table).copied();
        match known {
            Some(history) if history != options.history => {
                document::remove(backend, &key(&table)).await?;
                Err(taken("the table was made meanwhile"))
            }
            _ => Ok(()),
        }
    }

    /// What a table keeps.
    ///
    /// # Errors
    /// `Invalid` for the name; `Corrupt` if its document cannot be read; those of the byte store.
    pub async fn table_history(&self, name: &str) -> Result<History> {
        let table = TableName::new(name)?;
        match self.has_table(&table).await? {
            true => self.history_of(&table).await,
            false => self.read_history(&table).await,
        }
    }

    /// What an existing table keeps. It never changes.
    pub(super) async fn history_of(&self, table: &TableName) -> Result<History> {
        let known = lock(&self.inner.changes.histories).get(table).copied();
        match known {
            Some(history) => Ok(history),
            None => {
                // Not between a declaration's look at what is known and its document.
                let _undeclared = self.inner.changes.declaring.lock().await;
                let history = self.read_history(table).await?;
                lock(&self.inner.changes.histories).insert(table.clone(), history);
                Ok(history)
            }
        }
    }

    async fn read_history(&self, table: &TableName) -> Result<History> {
        match document::read::<TableRecord>(&self.inner.storage.backend, &key(table)).await {
            Err(error) if error.is_not_found() => Ok(History::Full),
            found => found.map(|record| record.history),
        }
    }

    /// What is wrong with the documents of what tables keep, by key. A table that has none keeps all rows.
    pub(super) async fn history_problems(&self) -> Result<Vec<(String, Error)>> {
        let backend = &self.inner.storage.backend;
        let mut names = document::names(backend, FOLDER).await?;
        names.sort_unstable();
        let mut problems = Vec::new();
        for name in names {
            let read = match TableName::new(&name) {
                Ok(table) => document::read::<TableRecord>(backend, &key(&table)).await.map(drop),
                Err(error) => Err(error),
            };
            // One that is gone was taken back since it was listed.
            if let Err(error) = read.or_else(|error| if error.is_not_found() { Ok(()) } else { Err(error) }) {
                problems.push((format!("{FOLDER}/{name}.json"), error));
            }
        }
        Ok(problems)
    }

    async fn has_table(&self, table: &TableName) -> Result<bool> {
        match self.inner.tables.describe(table, &DescribeOptions::default()).await {
            Err(error) if error.is_not_found() => Ok(false),
            found => found.map(|_| true),
        }
    }
}
