//! The catalog: one row for each table, with the location of its newest metadata file, in the layout of PyIceberg's
//! SQL catalog. A commit replaces that location if it is still the one that the commit was built on.
//!
//! [`Catalog`] settles what became of a change; the databases run the statements.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::CatalogLocation;

mod postgres;
mod sqlite;

use postgres::Postgres;
use sqlite::Sqlite;

/// The name of the catalog in its database: what PyIceberg's `load_catalog` has to be called with.
pub const CATALOG: &str = "worldstore";
/// The namespace that all tables are in.
pub const NAMESPACE: &str = "world";

/// What selects tables in a layout that has views too.
const TABLES_ONLY: &str = "AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";

/// What both databases understand. The last table is ours: the epoch below which no commit counts.
const SCHEMA: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS iceberg_tables (
        catalog_name VARCHAR(255) NOT NULL,
        table_namespace VARCHAR(255) NOT NULL,
        table_name VARCHAR(255) NOT NULL,
        metadata_location VARCHAR(1000),
        previous_metadata_location VARCHAR(1000),
        iceberg_type VARCHAR(5),
        PRIMARY KEY (catalog_name, table_namespace, table_name))",
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
        catalog_name VARCHAR(255) NOT NULL,
        namespace VARCHAR(255) NOT NULL,
        property_key VARCHAR(255) NOT NULL,
        property_value VARCHAR(1000) NOT NULL,
        PRIMARY KEY (catalog_name, namespace, property_key))",
    "CREATE TABLE IF NOT EXISTS worldstore_fence (
        catalog_name VARCHAR(255) NOT NULL,
        epoch BIGINT NOT NULL,
        PRIMARY KEY (catalog_name))",
];

/// What became of a compare and swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swap {
    /// The catalog points to the new metadata.
    Won,
    /// The catalog pointed elsewhere; nothing changed.
    Lost,
}

/// A change of one table's row.
#[derive(Debug, Clone, Copy)]
enum Step<'change> {
    Insert { new: &'change str },
    Swap { old: &'change str, new: &'change str },
    Remove { old: &'change str },
}

impl<'change> Step<'change> {
    /// The location before the change.
    fn before(self) -> Option<&'change str> {
        match self {
            Self::Insert { .. } => None,
            Self::Swap { old, .. } | Self::Remove { old } => Some(old),
        }
    }

    /// The location after it.
    fn after(self) -> Option<&'change str> {
        match self {
            Self::Insert { new } | Self::Swap { new, .. } => Some(new),
            Self::Remove { .. } => None,
        }
    }
}

/// How a change ended that did not surely fail.
#[derive(Debug)]
enum Done {
    Yes,
    /// The row was not as the step wants it; nothing changed.
    Lost,
    /// The commit failed in a way that leaves open what became of it.
    Unclear(Error),
}

/// The statements on one kind of database. After an error nothing has changed.
#[async_trait]
trait Database: Debug + Send + Sync {
    /// Whether the catalog's tables are there. Makes nothing.
    async fn exists(&self) -> Result<bool>;
    /// Makes what is missing.
    async fn make(&self) -> Result<()>;
    /// The row of a table, and the location in it. None without a catalog.
    async fn pointer(&self, table: &TableName) -> Result<Option<Option<String>>>;
    /// The same once no change of ours is in flight any more.
    async fn settled(&self, table: &TableName) -> Result<Option<Option<String>>>;
    /// The names of all tables. None without a catalog.
    async fn list(&self) -> Result<Vec<String>>;
    /// One transaction: checks the fence against the writer's epoch if it has one, and changes the row.
    async fn change(&self, table: &TableName, step: Step<'_>, epoch: Option<u64>) -> Result<Done>;
    /// Raises the fence to this epoch unless it is higher, and gives what it then is.
    async fn raise(&self, epoch: i64) -> Result<u64>;
    /// Lets go of all connections.
    async fn close(&self);
}

/// The database, opened when it is first needed.
#[derive(Debug)]
pub(crate) struct Catalog {
    database: Arc<dyn Database>,
}

impl Catalog {
    /// No I/O.
    ///
    /// # Errors
    /// `Invalid` if the URI of a server is none.
    pub fn new(location: &CatalogLocation) -> Result<Self> {
        Ok(Self {
            database: match location {
                CatalogLocation::File(path) => Arc::new(Sqlite::new(Some(PathBuf::clone(path)))),
                CatalogLocation::Memory => Arc::new(Sqlite::new(None)),
                CatalogLocation::Postgres(uri) => Arc::new(Postgres::new(uri)?),
            },
        })
    }

    /// Whether there is a catalog at all.
    pub async fn exists(&self) -> Result<bool> {
        self.database.exists().await
    }

    /// Makes the catalog if there is none.
    pub async fn make(&self) -> Result<()> {
        self.database.make().await
    }

    /// The location of a table's newest metadata file.
    ///
    /// # Errors
    /// `NotFound` if the catalog or the table in it is missing.
    pub async fn pointer(&self, table: &TableName) -> Result<String> {
        known(table, self.database.pointer(table).await?)
    }

    /// The same, but only once no commit of ours can change it any more.
    pub async fn settled(&self, table: &TableName) -> Result<String> {
        known(table, self.database.settled(table).await?)
    }

    /// All tables, sorted. Rows whose names are no table names are another program's.
    pub async fn list(&self) -> Result<Vec<TableName>> {
        let mut tables: Vec<_> =
            self.database.list().await?.iter().filter_map(|name| TableName::new(name).ok()).collect();
        tables.sort();
        Ok(tables)
    }

    /// Enters a new table into a catalog that was made before.
    ///
    /// # Errors
    /// `AlreadyExists` if it is there; `OutcomeUnknown` if it may be ours.
    pub async fn insert(&self, table: &TableName, metadata: &str) -> Result<()> {
        match self.change(table, Step::Insert { new: metadata }, None).await? {
            Swap::Won => Ok(()),
            Swap::Lost => Err(Error::new(ErrorKind::AlreadyExists, "table exists already").with("table", table)),
        }
    }

    /// Lets a table point to `new` if it points to `old` and nobody has claimed a greater epoch than the writer's.
    ///
    /// # Errors
    /// `OutcomeUnknown` if it may point there; after any other error it does not. `Fenced` by a greater epoch.
    pub async fn swap(&self, table: &TableName, old: &str, new: &str, epoch: Option<u64>) -> Result<Swap> {
        self.change(table, Step::Swap { old, new }, epoch).await
    }

    /// Takes a table out if it points to `old`.
    ///
    /// # Errors
    /// `OutcomeUnknown` if it may be gone; after any other error it is not.
    pub async fn remove(&self, table: &TableName, old: &str) -> Result<Swap> {
        self.change(table, Step::Remove { old }, None).await
    }

    async fn change(&self, table: &TableName, step: Step<'_>, epoch: Option<u64>) -> Result<Swap> {
        match self.database.change(table, step, epoch).await? {
            Done::Yes => Ok(Swap::Won),
            Done::Lost => Ok(Swap::Lost),
            Done::Unclear(error) => self.read_back(table, step, error).await,
        }
    }

    /// After an error of a commit, the catalog says whether it took effect.
    async fn read_back(&self, table: &TableName, step: Step<'_>, error: Error) -> Result<Swap> {
        match self.database.settled(table).await {
            Ok(found) => match found.flatten() {
                found if found.as_deref() == step.after() => Ok(Swap::Won),
                found if found.as_deref() == step.before() => Err(error),
                _ => Err(unknown(table, error)),
            },
            Err(_) => Err(unknown(table, error)),
        }
    }

    /// Claims an epoch: from now on no commit of a writer with a smaller one takes effect.
    ///
    /// # Errors
    /// `Fenced` if a greater one was claimed.
    pub async fn claim(&self, epoch: u64) -> Result<()> {
        let number = i64::try_from(epoch);
        let number = number.map_err(|source| Error::invalid("epoch is too great").caused_by(source))?;
        self.database.make().await?;
        check_fence(self.database.raise(number).await?, epoch)
    }

    /// Lets go of the database. It is opened again if it is needed. A catalog in memory stays: it would be lost.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

fn known(table: &TableName, found: Option<Option<String>>) -> Result<String> {
    let nowhere = || Error::new(ErrorKind::Corrupt, "the catalog names no metadata of the table").with("table", table);
    found.ok_or_else(|| Error::not_found("no such table").with("table", table))?.ok_or_else(nowhere)
}

fn unknown(table: &TableName, error: Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "the change may or may not have happened")
        .with("table", table)
        .caused_by(error)
}

fn check_fence(fence: u64, epoch: u64) -> Result<()> {
    match epoch < fence {
        true => Err(Error::new(ErrorKind::Fenced, "a writer of a greater epoch has taken the catalog over")
            .with("have", fence)
            .with("epoch", epoch)),
        false => Ok(()),
    }
}

/// The epoch in a row of the fence; 0 without one.
fn fence_of(row: Option<i64>) -> u64 {
    row.map_or(0, i64::unsigned_abs)
}
