//! The catalog in SQLite: a file in WAL mode with full sync, or in memory.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite as SqliteDatabase, Transaction};
use tokio::sync::Mutex;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};

use super::{Database, Done, NAME_NAMESPACE, SCHEMA, Step, TABLES_ONLY, fence_of, list, look_up};
use crate::catalog::{CATALOG, NAMESPACE, check_fence};
use crate::error::{from_sqlite, is_hidden};
use crate::outside::Named;

/// How long a statement waits for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often and in which distance the database is prepared while another program prepares it.
const PREPARE_ATTEMPTS: u32 = 50;
const PREPARE_PAUSE: Duration = Duration::from_millis(20);

const COLUMNS: &str = "SELECT name FROM pragma_table_info('iceberg_tables')";
const BEGIN: &str = "BEGIN IMMEDIATE";

/// A database file, or a database in memory.
#[derive(Debug)]
pub(super) struct Sqlite {
    /// None for memory.
    path: Option<PathBuf>,
    open: Mutex<Option<Open>>,
}

#[derive(Debug, Clone)]
struct Open {
    pool: SqlitePool,
    /// What selects tables among the rows: nothing in the layout that has no views.
    tables_only: &'static str,
}

impl Sqlite {
    /// No I/O.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, open: Mutex::new(None) }
    }

    /// The database if it is there and has tables.
    async fn existing(&self) -> Result<Option<Open>> {
        let mut held = self.open.lock().await;
        if let Some(open) = &*held {
            return Ok(Some(open.clone()));
        }
        let Some(path) = &self.path else { return Ok(None) };
        let exists = tokio::fs::try_exists(path).await;
        if !exists.map_err(|source| Error::io("open catalog", source).with("catalog", path.display()))? {
            return Ok(None);
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

    async fn expect(&self, table: &TableName) -> Result<Open> {
        self.existing().await?.ok_or_else(|| Error::not_found("no such table").with("table", table))
    }

    async fn connect(&self, create: bool) -> Result<SqlitePool> {
        let options = match &self.path {
            Some(path) => SqliteConnectOptions::new().filename(path).create_if_missing(create),
            None => SqliteConnectOptions::new().in_memory(true),
        };
        let options =
            options.busy_timeout(BUSY_TIMEOUT).synchronous(SqliteSynchronous::Full).disable_statement_logging();
        let pool = match &self.path {
            Some(_) => SqlitePoolOptions::new().max_connections(4),
            // The database lives as long as its one connection.
            None => {
                SqlitePoolOptions::new().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None)
            }
        };
        pool.connect_with(options).await.map_err(|source| self.explain(source))
    }

    async fn begin(&self, pool: &SqlitePool) -> Result<Transaction<'static, SqliteDatabase>> {
        pool.begin_with(BEGIN).await.map_err(|source| self.explain(source))
    }

    fn explain(&self, source: sqlx::Error) -> Error {
        match &self.path {
            Some(path) => from_sqlite(source).with("catalog", path.display()),
            None => from_sqlite(source),
        }
    }

    /// The number of rows that a step changes.
    async fn run(
        &self,
        change: &mut Transaction<'static, SqliteDatabase>,
        table: &TableName,
        step: Step<'_>,
    ) -> sqlx::Result<u64> {
        if let Step::Insert { .. } = step {
            sqlx::query(NAME_NAMESPACE).bind(CATALOG).bind(NAMESPACE).execute(&mut **change).await?;
        }
        let query = sqlx::query(step.statement()).bind(CATALOG).bind(NAMESPACE).bind(table.as_str());
        let query = step.values().fold(query, |query, value| query.bind(value));
        Ok(query.execute(&mut **change).await?.rows_affected())
    }

    async fn look_up(
        &self,
        change: impl sqlx::Executor<'_, Database = SqliteDatabase>,
        tables_only: &str,
        table: Named<'_>,
    ) -> Result<Option<Option<String>>> {
        let query = look_up(tables_only);
        let query = sqlx::query_scalar(&query).bind(table.catalog).bind(table.namespace).bind(table.table);
        query.fetch_optional(change).await.map_err(|source| self.explain(source))
    }
}

#[async_trait]
impl Database for Sqlite {
    async fn exists(&self) -> Result<bool> {
        Ok(self.path.is_none() || self.existing().await?.is_some())
    }

    async fn make(&self) -> Result<()> {
        let mut held = self.open.lock().await;
        if let Some(folder) = self.path.as_deref().and_then(|path| path.parent()) {
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
        *held = Some(Open { pool, tables_only: TABLES_ONLY });
        Ok(())
    }

    async fn pointer(&self, table: Named<'_>) -> Result<Option<Option<String>>> {
        let Some(Open { pool, tables_only }) = self.existing().await? else { return Ok(None) };
        self.look_up(&pool, tables_only, table).await
    }

    async fn settled(&self, table: &TableName) -> Result<Option<Option<String>>> {
        let Some(Open { pool, tables_only }) = self.existing().await? else { return Ok(None) };
        // Waits for the lock of a transaction that is still being rolled back.
        let mut alone = self.begin(&pool).await?;
        self.look_up(&mut *alone, tables_only, Named::ours(table)).await
    }

    async fn list(&self) -> Result<Vec<String>> {
        let Some(Open { pool, tables_only }) = self.existing().await? else { return Ok(Vec::new()) };
        let query = list(tables_only);
        let query = sqlx::query_scalar(&query).bind(CATALOG).bind(NAMESPACE);
        query.fetch_all(&pool).await.map_err(|source| self.explain(source))
    }

    async fn change(&self, table: &TableName, step: Step<'_>, epoch: Option<u64>) -> Result<Done> {
        let Open { pool, .. } = self.expect(table).await?;
        let mut change = self.begin(&pool).await?;
        if let Some(epoch) = epoch {
            let fence = fence(&mut change).await.map_err(|source| self.explain(source))?;
            check_fence(fence, epoch)?;
        }
        let rows = self.run(&mut change, table, step).await.map_err(|source| self.explain(source))?;
        if rows == 0 {
            // Nothing was changed, so an error here changes nothing either.
            drop(change.rollback().await);
            return Ok(Done::Lost);
        }
        Ok(match change.commit().await {
            Ok(()) => Done::Yes,
            Err(source) if is_hidden(&source) => Done::Hidden(self.explain(source)),
            Err(source) => Done::Unclear(self.explain(source)),
        })
    }

    async fn raise(&self, epoch: i64) -> Result<u64> {
        let Some(Open { pool, .. }) = self.existing().await? else {
            return Err(Error::unexpected("the catalog was not made"));
        };
        let raise = "INSERT INTO worldstore_fence VALUES (?, ?)
            ON CONFLICT (catalog_name) DO UPDATE SET epoch = max(epoch, excluded.epoch) RETURNING epoch";
        let raised = sqlx::query_scalar(raise).bind(CATALOG).bind(epoch).fetch_one(&pool).await;
        raised.map(|epoch| fence_of(Some(epoch))).map_err(|source| self.explain(source))
    }

    async fn close(&self) {
        if self.path.is_none() {
            return;
        }
        let held = self.open.lock().await.take();
        if let Some(open) = held {
            open.pool.close().await;
        }
    }
}

/// The epoch that the fence stands at. A catalog that another program made has none.
async fn fence(change: &mut Transaction<'static, SqliteDatabase>) -> sqlx::Result<u64> {
    let there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'worldstore_fence'";
    if sqlx::query_scalar::<_, i64>(there).fetch_one(&mut **change).await? == 0 {
        return Ok(0);
    }
    let fence = sqlx::query_scalar("SELECT epoch FROM worldstore_fence WHERE catalog_name = ?").bind(CATALOG);
    fence.fetch_optional(&mut **change).await.map(fence_of)
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
