//! The catalog: one row for each table, with the location of its newest metadata file, in the layout of PyIceberg's
//! SQL catalog. A commit replaces that location if it is still the one that the commit was built on.

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::Mutex;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::CatalogLocation;
use crate::error::from_sql;

/// The name of the catalog in its database: what PyIceberg's `load_catalog` has to be called with.
pub const CATALOG: &str = "worldstore";
/// The namespace that all tables are in.
pub const NAMESPACE: &str = "world";

/// How long a statement waits for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often and in which distance the database is prepared while another program prepares it.
const PREPARE_ATTEMPTS: u32 = 50;
const PREPARE_PAUSE: Duration = Duration::from_millis(20);

const COLUMNS: &str = "SELECT name FROM pragma_table_info('iceberg_tables')";
const TABLES_ONLY: &str = "AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";

const SCHEMA: [&str; 2] = [
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
];

/// What became of a compare and swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swap {
    /// The catalog points to the new metadata.
    Won,
    /// The catalog pointed elsewhere; nothing changed.
    Lost,
}

/// The database, opened when it is first needed.
#[derive(Debug)]
pub(crate) struct Catalog {
    location: CatalogLocation,
    open: Mutex<Option<Open>>,
}

#[derive(Debug, Clone)]
struct Open {
    pool: SqlitePool,
    /// What selects tables among the rows: nothing in the layout that has no views.
    tables_only: &'static str,
}

impl Catalog {
    /// No I/O.
    pub fn new(location: CatalogLocation) -> Self {
        Self { location, open: Mutex::new(None) }
    }

    /// The database if it is there and has tables.
    async fn existing(&self) -> Result<Option<Open>> {
        let mut held = self.open.lock().await;
        if let Some(open) = &*held {
            return Ok(Some(open.clone()));
        }
        match &self.location {
            CatalogLocation::Memory => return Ok(None),
            CatalogLocation::File(path) => {
                let exists = tokio::fs::try_exists(path).await;
                if !exists.map_err(|source| Error::io("open catalog", source).with("catalog", path.display()))? {
                    return Ok(None);
                }
            }
        }
        let pool = self.connect(false).await?;
        let columns: Vec<String> =
            sqlx::query_scalar(COLUMNS).fetch_all(&pool).await.map_err(|source| self.explain(source))?;
        if columns.is_empty() {
            return Ok(None);
        }
        let tables_only = match columns.iter().any(|column| column == "iceberg_type") {
            true => TABLES_ONLY,
            false => "",
        };
        Ok(Some(held.insert(Open { pool, tables_only }).clone()))
    }

    /// The database, made if it is missing.
    async fn made(&self) -> Result<SqlitePool> {
        let mut held = self.open.lock().await;
        if let CatalogLocation::File(path) = &self.location
            && let Some(folder) = path.parent()
        {
            tokio::fs::create_dir_all(folder).await.map_err(|source| Error::io("create catalog", source))?;
        }
        let pool = match &*held {
            Some(open) => open.pool.clone(),
            None => self.connect(true).await?,
        };
        let mut attempt = 1;
        while let Err(source) = prepare(&pool).await {
            // SQLite does not wait for another program that switches the journal at the same moment.
            let error = self.explain(source);
            if error.kind() != ErrorKind::Unavailable || attempt == PREPARE_ATTEMPTS {
                return Err(error);
            }
            attempt += 1;
            tokio::time::sleep(PREPARE_PAUSE).await;
        }
        *held = Some(Open { pool: pool.clone(), tables_only: TABLES_ONLY });
        Ok(pool)
    }

    async fn connect(&self, create: bool) -> Result<SqlitePool> {
        let options = match &self.location {
            CatalogLocation::File(path) => SqliteConnectOptions::new().filename(path).create_if_missing(create),
            CatalogLocation::Memory => SqliteConnectOptions::new().in_memory(true),
        };
        let options =
            options.busy_timeout(BUSY_TIMEOUT).synchronous(SqliteSynchronous::Full).disable_statement_logging();
        let pool = match &self.location {
            CatalogLocation::File(_) => SqlitePoolOptions::new().max_connections(4),
            // The database lives as long as its one connection.
            CatalogLocation::Memory => {
                SqlitePoolOptions::new().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None)
            }
        };
        pool.connect_with(options).await.map_err(|source| self.explain(source))
    }

    fn explain(&self, source: sqlx::Error) -> Error {
        match &self.location {
            CatalogLocation::File(path) => from_sql(source).with("catalog", path.display()),
            CatalogLocation::Memory => from_sql(source),
        }
    }

    /// The location of a table's newest metadata file.
    ///
    /// # Errors
    /// `NotFound` if the catalog or the table in it is missing.
    pub async fn pointer(&self, table: &TableName) -> Result<String> {
        let missing = || Error::not_found("no such table").with("table", table);
        let Open { pool, tables_only } = self.existing().await?.ok_or_else(missing)?;
        let query = format!(
            "SELECT metadata_location FROM iceberg_tables
             WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? {tables_only}"
        );
        let query = sqlx::query_scalar::<_, Option<String>>(&query).bind(CATALOG).bind(NAMESPACE).bind(table.as_str());
        let found = query.fetch_optional(&pool).await.map_err(|source| self.explain(source))?;
        let nowhere = || Error::new(ErrorKind::Corrupt, "the catalog names no metadata of the table");
        found.ok_or_else(missing)?.ok_or_else(|| nowhere().with("table", table))
    }

    /// All tables, sorted. Rows whose names are no table names are another program's.
    pub async fn list(&self) -> Result<Vec<TableName>> {
        let Some(Open { pool, tables_only }) = self.existing().await? else { return Ok(Vec::new()) };
        let query = format!(
            "SELECT table_name FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? {tables_only}"
        );
        let query = sqlx::query_scalar::<_, String>(&query).bind(CATALOG).bind(NAMESPACE);
        let names = query.fetch_all(&pool).await.map_err(|source| self.explain(source))?;
        let mut tables: Vec<_> = names.iter().filter_map(|name| TableName::new(name).ok()).collect();
        tables.sort();
        Ok(tables)
    }

    /// Enters a new table.
    ///
    /// # Errors
    /// `AlreadyExists` if it is there; `OutcomeUnknown` if it may be ours.
    pub async fn insert(&self, table: &TableName, metadata: &str) -> Result<()> {
        let pool = self.made().await?;
        let mut change = pool.begin_with("BEGIN IMMEDIATE").await.map_err(|source| self.explain(source))?;
        let namespace =
            "INSERT INTO iceberg_namespace_properties VALUES (?, ?, 'exists', 'true') ON CONFLICT DO NOTHING";
        let entered = sqlx::query(namespace).bind(CATALOG).bind(NAMESPACE).execute(&mut *change).await;
        entered.map_err(|source| self.explain(source))?;
        let insert = "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location,
            previous_metadata_location, iceberg_type) VALUES (?, ?, ?, ?, NULL, 'TABLE')";
        let entry = sqlx::query(insert).bind(CATALOG).bind(NAMESPACE).bind(table.as_str()).bind(metadata);
        match entry.execute(&mut *change).await {
            Ok(_) => {}
            Err(sqlx::Error::Database(found)) if found.is_unique_violation() => {
                return Err(Error::new(ErrorKind::AlreadyExists, "table exists already").with("table", table));
            }
            Err(source) => return Err(self.explain(source)),
        }
        match change.commit().await {
            Ok(()) => Ok(()),
            Err(source) => self.read_back(table, None, metadata, self.explain(source)).await,
        }
    }

    /// Lets a table point to `new` if it points to `old`.
    ///
    /// # Errors
    /// `OutcomeUnknown` if it may point there; after any other error it does not.
    pub async fn swap(&self, table: &TableName, old: &str, new: &str) -> Result<Swap> {
        let missing = || Error::not_found("no such table").with("table", table);
        let Open { pool, .. } = self.existing().await?.ok_or_else(missing)?;
        let mut change = pool.begin_with("BEGIN IMMEDIATE").await.map_err(|source| self.explain(source))?;
        let update = "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?
            WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?";
        let update = sqlx::query(update).bind(new).bind(old).bind(CATALOG).bind(NAMESPACE).bind(table.as_str());
        let done = update.bind(old).execute(&mut *change).await.map_err(|source| self.explain(source))?;
        if done.rows_affected() == 0 {
            // Nothing was changed, so an error here changes nothing either.
            drop(change.rollback().await);
            return Ok(Swap::Lost);
        }
        match change.commit().await {
            Ok(()) => Ok(Swap::Won),
            Err(source) => self.read_back(table, Some(old), new, self.explain(source)).await.map(|()| Swap::Won),
        }
    }

    /// Takes a table out if it points to `old`.
    ///
    /// # Errors
    /// `OutcomeUnknown` if it may be gone; after any other error it is not.
    pub async fn remove(&self, table: &TableName, old: &str) -> Result<Swap> {
        let missing = || Error::not_found("no such table").with("table", table);
        let Open { pool, .. } = self.existing().await?.ok_or_else(missing)?;
        let mut change = pool.begin_with("BEGIN IMMEDIATE").await.map_err(|source| self.explain(source))?;
        let delete = "DELETE FROM iceberg_tables
            WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?";
        let delete = sqlx::query(delete).bind(CATALOG).bind(NAMESPACE).bind(table.as_str()).bind(old);
        let done = delete.execute(&mut *change).await.map_err(|source| self.explain(source))?;
        if done.rows_affected() == 0 {
            drop(change.rollback().await);
            return Ok(Swap::Lost);
        }
        let Err(source) = change.commit().await else { return Ok(Swap::Won) };
        let error = self.explain(source);
        match self.pointer(table).await {
            Err(gone) if gone.is_not_found() => Ok(Swap::Won),
            Ok(found) if found == old => Err(error),
            _ => Err(Error::new(ErrorKind::OutcomeUnknown, "the table may or may not be gone").caused_by(error)),
        }
    }

    /// After an error of a commit, the catalog says whether it took effect.
    async fn read_back(&self, table: &TableName, old: Option<&str>, new: &str, error: Error) -> Result<()> {
        match (self.pointer(table).await, old) {
            (Ok(found), _) if found == new => Ok(()),
            (Ok(found), Some(old)) if found == old => Err(error),
            (Err(missing), None) if missing.is_not_found() => Err(error),
            _ => Err(Error::new(ErrorKind::OutcomeUnknown, "the change may or may not have happened")
                .with("table", table)
                .caused_by(error)),
        }
    }

    /// Closes the database file. It is opened again if it is needed. A catalog in memory stays: it would be lost.
    pub async fn close(&self) {
        if self.location == CatalogLocation::Memory {
            return;
        }
        let held = self.open.lock().await.take();
        if let Some(open) = held {
            open.pool.close().await;
        }
    }
}

/// Makes the tables that are missing. A catalog of the layout before views gets the column for them.
async fn prepare(pool: &SqlitePool) -> sqlx::Result<()> {
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
    if journal == "delete" {
        sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await?;
    }
    for statement in SCHEMA {
        sqlx::query(statement).execute(pool).await?;
    }
    let columns: Vec<String> = sqlx::query_scalar(COLUMNS).fetch_all(pool).await?;
    if !columns.iter().any(|column| column == "iceberg_type") {
        sqlx::query("ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)").execute(pool).await?;
    }
    Ok(())
}
