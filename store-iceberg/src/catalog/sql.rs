//! A catalog in a database: one row for each table, with the location of its newest metadata file, in the layout of
//! PyIceberg's SQL catalog. A commit replaces that location if it is still the one that the commit was built on.
//!
//! [`SqlCatalog`] settles what became of a change; the databases run the statements.

use std::fmt::Debug;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use iceberg::MetadataLocation;
use iceberg::io::FileIO;
use iceberg::spec::TableMetadata;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};

use super::{
    CATALOG, Catalog, Fenced, NAMESPACE, Pointers, Prepared, Swap, check_fence, exists_already, missing, unknown,
    unseen,
};
use crate::clock::check_readable;
use crate::commit::{Place, discard, unchanged};
use crate::config::CatalogLocation;
use crate::error::{from_iceberg, of_table};
use crate::outside::Named;
use crate::state::State;
use crate::storage::Root;

mod postgres;
mod sqlite;

use postgres::Postgres;
use sqlite::Sqlite;

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

/// The statements of a [`Step`]: both databases number what is bound.
const NAME_NAMESPACE: &str =
    "INSERT INTO iceberg_namespace_properties VALUES ($1, $2, 'exists', 'true') ON CONFLICT DO NOTHING";
const INSERT: &str = "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location,
    previous_metadata_location, iceberg_type) VALUES ($1, $2, $3, $4, NULL, 'TABLE') ON CONFLICT DO NOTHING";
const SWAP: &str = "UPDATE iceberg_tables SET metadata_location = $5, previous_metadata_location = $4
    WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3 AND metadata_location = $4";
const REMOVE: &str = "DELETE FROM iceberg_tables
    WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3 AND metadata_location = $4";

/// Finds a table's row, and the location in it.
fn look_up(tables_only: &str) -> String {
    format!(
        "SELECT metadata_location FROM iceberg_tables
         WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3 {tables_only}"
    )
}

/// Lists the names of all tables.
fn list(tables_only: &str) -> String {
    format!("SELECT table_name FROM iceberg_tables WHERE catalog_name = $1 AND table_namespace = $2 {tables_only}")
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

    /// What makes the change, and needs the table's name before [`values`](Self::values).
    fn statement(self) -> &'static str {
        match self {
            Self::Insert { .. } => INSERT,
            Self::Swap { .. } => SWAP,
            Self::Remove { .. } => REMOVE,
        }
    }

    /// What its statement is bound to, in this order.
    fn values(self) -> impl Iterator<Item = &'change str> {
        self.before().into_iter().chain(self.after())
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
    /// The commit was perhaps written, and failed then: who opens the database next may find it, and until then nobody does.
    Hidden(Error),
}

/// The statements on one kind of database. After an error nothing has changed.
#[async_trait]
trait Database: Debug + Send + Sync {
    /// Whether the catalog's tables are there. Makes nothing.
    async fn exists(&self) -> Result<bool>;
    /// Makes what is missing.
    async fn make(&self) -> Result<()>;
    /// The row of a table, and the location in it. None without a catalog.
    async fn pointer(&self, table: Named<'_>) -> Result<Option<Option<String>>>;
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
pub(super) struct SqlCatalog {
    database: Arc<dyn Database>,
}

impl SqlCatalog {
    /// No I/O.
    ///
    /// # Errors
    /// `Invalid` if the URI of a server is none, or if the location is no database.
    pub fn new(location: &CatalogLocation) -> Result<Self> {
        Ok(Self {
            database: match location {
                CatalogLocation::File(path) => Arc::new(Sqlite::new(Some(PathBuf::clone(path)))),
                CatalogLocation::Memory => Arc::new(Sqlite::new(None)),
                CatalogLocation::Postgres(uri) => Arc::new(Postgres::new(uri)?),
                CatalogLocation::Rest(_) => return Err(Error::invalid("a REST catalog is no database")),
            },
        })
    }

    async fn pointer(&self, table: &TableName) -> Result<String> {
        known(table, self.database.pointer(Named::ours(table)).await?)
    }

    async fn insert(&self, table: &TableName, metadata: &str) -> Result<()> {
        match self.change(table, Step::Insert { new: metadata }, None).await? {
            Swap::Won => Ok(()),
            Swap::Lost => Err(exists_already(table)),
        }
    }

    async fn change(&self, table: &TableName, step: Step<'_>, epoch: Option<u64>) -> Result<Swap> {
        let done = self.database.change(table, step, epoch).await?;
        self.tell(table, step, done).await
    }

    /// What became of a change that ended so.
    async fn tell(&self, table: &TableName, step: Step<'_>, done: Done) -> Result<Swap> {
        match done {
            Done::Yes => Ok(Swap::Won),
            Done::Lost => Ok(Swap::Lost),
            Done::Unclear(error) => self.read_back(table, step, error).await,
            // What can be read back now tells nothing.
            Done::Hidden(error) => Err(unknown(table, error)),
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

    /// Whether a commit took effect; none if that cannot be read, or cannot be known.
    ///
    /// The catalog is asked when no change of ours is in flight any more. Every metadata file names those before it, about
    /// a hundred of them: ours among them took effect; its base without it was followed by another.
    async fn is_there(&self, place: Place<'_>, base: &State, prepared: &State) -> Option<bool> {
        let pointer = self.settled(place.table).await.ok()?;
        if pointer == prepared.pointer {
            return Some(true);
        }
        if pointer == base.pointer {
            return Some(false);
        }
        let metadata = TableMetadata::read_from(place.io, &pointer).await.ok()?;
        let is_named = |state: &State| metadata.metadata_log().iter().any(|entry| entry.metadata_file == state.pointer);
        match (is_named(prepared), is_named(base)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }
}

#[async_trait]
impl Pointers for SqlCatalog {
    async fn pointer_of(&self, table: Named<'_>) -> Result<Option<String>> {
        Ok(self.database.pointer(table).await?.flatten())
    }
}

#[async_trait]
impl Catalog for SqlCatalog {
    async fn exists(&self) -> Result<bool> {
        self.database.exists().await
    }

    async fn make(&self) -> Result<()> {
        self.database.make().await
    }

    async fn names(&self) -> Result<Vec<String>> {
        let mut names = self.database.list().await?;
        names.sort();
        Ok(names)
    }

    async fn location_of(&self, root: &Root, name: &str) -> Result<String> {
        let table = Named { catalog: CATALOG, namespace: NAMESPACE, table: name };
        let pointer = self.database.pointer(table).await?.flatten().ok_or_else(unseen)?;
        let metadata = TableMetadata::read_from(&root.file_io(), pointer).await.map_err(from_iceberg)?;
        Ok(metadata.location().to_owned())
    }

    async fn load(&self, root: &Root, table: &TableName, held: Option<Arc<State>>) -> Result<Arc<State>> {
        let mut pointer = self.pointer(table).await?;
        if let Some(held) = held
            && held.pointer == pointer
        {
            return Ok(held);
        }
        let io = root.file_io();
        loop {
            match State::load(&io, table, pointer.clone()).await {
                Ok(state) => return Ok(Arc::new(state)),
                Err(error) => {
                    // Other programs delete metadata files that they have replaced.
                    let newer = self.pointer(table).await?;
                    if newer == pointer {
                        return Err(of_table(error, table).with("metadata", pointer));
                    }
                    pointer = newer;
                }
            }
        }
    }

    async fn settled(&self, table: &TableName) -> Result<String> {
        known(table, self.database.settled(table).await?)
    }

    async fn create(&self, root: &Root, table: &TableName, metadata: TableMetadata) -> Result<State> {
        let pointer = MetadataLocation::new_with_metadata(metadata.location(), &metadata);
        let state = State::new(metadata, pointer.to_string())?;
        let written = [pointer.to_string()];
        if let Err(error) = write(&root.file_io(), &state.metadata, &pointer).await {
            discard(root, &written).await;
            return Err(error);
        }
        match self.insert(table, &state.pointer).await {
            Ok(()) => Ok(state),
            Err(error) => {
                if error.kind() != ErrorKind::OutcomeUnknown {
                    discard(root, &written).await;
                }
                Err(error)
            }
        }
    }

    async fn enter(&self, table: &TableName, metadata: &str) -> Result<()> {
        self.insert(table, metadata).await
    }

    async fn commit(
        &self,
        place: Place<'_>,
        base: &State,
        prepared: Prepared,
        written: &mut Vec<String>,
    ) -> Result<Option<State>> {
        let location = MetadataLocation::from_str(&base.pointer).map_err(from_iceberg)?;
        let location = location.with_next_version().with_new_metadata(&prepared.metadata);
        written.push(location.to_string());
        write(place.io, &prepared.metadata, &location).await?;
        let state = State::new(prepared.metadata, location.to_string())?;
        let step = Step::Swap { old: &base.pointer, new: &state.pointer };
        let done = self.database.change(place.table, step, place.epoch).await?;
        let is_hidden = matches!(done, Done::Hidden(_));
        match self.tell(place.table, step, done).await {
            Ok(Swap::Won) => Ok(Some(state)),
            Ok(Swap::Lost) => Ok(None),
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown && !is_hidden => {
                match self.is_there(place, base, &state).await {
                    Some(true) => Ok(Some(state)),
                    Some(false) => Ok(None),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn remove(&self, table: &TableName, state: &State) -> Result<Swap> {
        self.change(table, Step::Remove { old: &state.pointer }, None).await
    }

    async fn claim(&self, epoch: u64) -> Result<Fenced> {
        let number = i64::try_from(epoch);
        let number = number.map_err(|source| Error::invalid("epoch is too great").caused_by(source))?;
        self.database.make().await?;
        check_fence(self.database.raise(number).await?, epoch)?;
        Ok(Fenced::Everywhere)
    }

    fn leaves_metadata_to_us(&self) -> bool {
        true
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

/// Writes metadata that can be read again. After an error the table is as it was.
async fn write(io: &FileIO, metadata: &TableMetadata, location: &MetadataLocation) -> Result<()> {
    check_readable(metadata)?;
    metadata.write_to(io, location).await.map_err(|source| unchanged(from_iceberg(source)))
}

fn known(table: &TableName, found: Option<Option<String>>) -> Result<String> {
    let nowhere = || Error::new(ErrorKind::Corrupt, "the catalog names no metadata of the table").with("table", table);
    found.ok_or_else(|| missing(table))?.ok_or_else(nowhere)
}

/// The epoch in a row of the fence; 0 without one.
fn fence_of(row: Option<i64>) -> u64 {
    row.map_or(0, i64::unsigned_abs)
}

#[cfg(test)]
mod tests;
