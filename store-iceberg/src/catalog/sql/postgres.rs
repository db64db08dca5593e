//! The catalog in PostgreSQL: for writers on several hosts.
//!
//! Every change of a table takes a lock on its name first, which the transaction holds to its end. So whoever holds that
//! lock knows that no commit is in flight any more, also after a connection broke in the middle of one. The server's locks
//! are numbers that the whole database shares: the name has the schema of the catalog in it, so that catalogs in other
//! schemas are not waited for.

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{ConnectOptions, Postgres as PostgresDatabase, Transaction};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_db_common::postgres::{is_unclear, pool_options};

use super::{Database, Done, NAME_NAMESPACE, SCHEMA, Step, TABLES_ONLY, fence_of, list, look_up};
use crate::catalog::{CATALOG, NAMESPACE, check_fence};
use crate::error::{from_postgres, is_lost};
use crate::outside::Named;

/// Changes at once. Each has a connection while it waits for the lock on its table, up to the server's limit of 15 s.
const CHANGES_MAX: u32 = 4;
/// Reads at once. They have connections of their own, so that none waits for changes that wait for locks.
const READS_MAX: u32 = 2;
/// How long to wait for a new connection. There is always room for one: who may have it is decided before.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long to wait until others are done with their connections: longer than several changes that wait for a lock in vain.
const TURN_TIMEOUT: Duration = Duration::from_secs(60);

/// A commit is in the server's log before it counts, a lock is not waited for without end, and a writer that was stopped
/// in the middle of its change does not stop the others for long. Statements see what others have committed.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local');
    SET LOCAL lock_timeout = '15s';
    SET LOCAL idle_in_transaction_session_timeout = '10s'";

const COLUMNS: &str = "SELECT attname::text FROM pg_attribute
    WHERE attrelid = to_regclass('iceberg_tables') AND attnum > 0 AND NOT attisdropped";

/// The name under which the catalog as a whole is locked: no table's.
const WHOLE: &str = "";
/// The number of a lock, from the name that is bound and the schema of the catalog. Where there is no catalog yet, that is
/// the schema in which it would be made. It is never null, or nothing would be locked.
const LOCK_NUMBER: &str = "hashtextextended(coalesce(
    (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('iceberg_tables')),
    quote_ident(current_schema()), '') || '/' || $1, 0)";

/// A database at a server. Its tables are in the schema that the connection's search path names first.
#[derive(Debug)]
pub(super) struct Postgres {
    pool: PgPool,
    changes: Semaphore,
    reads: Semaphore,
    /// What selects tables among the rows, once the catalog's tables were seen.
    tables_only: OnceCell<&'static str>,
}

impl Postgres {
    /// No I/O.
    pub fn new(uri: &str) -> Result<Self> {
        // The URI may hold a password: neither it nor what is wrong with it is shown.
        let options = PgConnectOptions::from_str(uri).map_err(|_| Error::invalid("the catalog's URI is none"))?;
        let pool = pool_options(CHANGES_MAX + READS_MAX, CONNECT_TIMEOUT)?;
        let pool = pool.connect_lazy_with(options.disable_statement_logging());
        let turns = |most: u32| Semaphore::new(most as usize);
        Ok(Self { pool, changes: turns(CHANGES_MAX), reads: turns(READS_MAX), tables_only: OnceCell::new() })
    }

    /// A connection for reading.
    async fn reader(&self) -> Result<Turn<'_, PoolConnection<PostgresDatabase>>> {
        let permit = turn(&self.reads, "read").await?;
        let connection = self.pool.acquire().await.map_err(from_postgres)?;
        Ok(Turn { connection, _permit: permit })
    }

    /// What selects tables; none if there is no catalog.
    async fn existing(&self) -> Result<Option<&'static str>> {
        if let Some(tables_only) = self.tables_only.get() {
            return Ok(Some(tables_only));
        }
        let mut reader = self.reader().await?;
        let columns = sqlx::query_scalar(COLUMNS).fetch_all(&mut *reader.connection).await;
        let columns: Vec<String> = columns.map_err(from_postgres)?;
        if columns.is_empty() {
            return Ok(None);
        }
        let tables_only = match columns.iter().any(|column| column == "iceberg_type") {
            true => TABLES_ONLY,
            false => "",
        };
        Ok(Some(self.tables_only.get_or_init(|| async { tables_only }).await))
    }

    /// A transaction that is alone with this name until it ends.
    async fn begin(&self, name: &str) -> Result<Turn<'_, Transaction<'static, PostgresDatabase>>> {
        let permit = turn(&self.changes, "change").await?;
        // On a task of its own, which ends also if the caller goes away. The client only knows that a connection is in a
        // transaction once the server has answered; given up before, it would go back to the pool inside of one.
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(BEGIN).await }).await;
        let begun = begun.map_err(|source| Error::unexpected("the change was interrupted").caused_by(source))?;
        let mut connection = begun.map_err(from_postgres)?;
        let lock = format!("SELECT pg_advisory_xact_lock({LOCK_NUMBER})");
        let lock = sqlx::query(&lock).bind(lock_name(name)).execute(&mut *connection).await;
        lock.map_err(from_postgres)?;
        Ok(Turn { connection, _permit: permit })
    }

    async fn look_up(
        &self,
        change: impl sqlx::Executor<'_, Database = PostgresDatabase>,
        tables_only: &str,
        table: Named<'_>,
    ) -> Result<Option<Option<String>>> {
        let query = look_up(tables_only);
        let query = sqlx::query_scalar(&query).bind(table.catalog).bind(table.namespace).bind(table.table);
        query.fetch_optional(change).await.map_err(from_postgres)
    }
}

/// A connection, and the right to have one as long as it is used.
struct Turn<'catalog, Connection> {
    connection: Connection,
    _permit: SemaphorePermit<'catalog>,
}

/// Waits for the right to a connection.
async fn turn<'catalog>(turns: &'catalog Semaphore, what: &'static str) -> Result<SemaphorePermit<'catalog>> {
    let busy = || {
        Error::new(
            ErrorKind::Unavailable,
            "all connections to the catalog are in use: the server is slow, or locks are held",
        )
        .with("wanted", what)
        .with("waited_s", TURN_TIMEOUT.as_secs())
        .with("see", "pg_stat_activity")
    };
    let taken = timeout(TURN_TIMEOUT, turns.acquire()).await.map_err(|source| busy().caused_by(source))?;
    taken.map_err(|source| Error::unexpected("connections are not given out any more").caused_by(source))
}

#[async_trait]
impl Database for Postgres {
    async fn exists(&self) -> Result<bool> {
        Ok(self.existing().await?.is_some())
    }

    async fn make(&self) -> Result<()> {
        let complete = "SELECT to_regclass('worldstore_fence') IS NOT NULL";
        let mut reader = self.reader().await?;
        let complete = sqlx::query_scalar::<_, bool>(complete).fetch_one(&mut *reader.connection).await;
        drop(reader);
        let complete = complete.map_err(from_postgres)?;
        if complete && self.existing().await? == Some(TABLES_ONLY) {
            return Ok(());
        }
        // Two that make tables at once would meet in the server's own tables.
        let mut change = self.begin(WHOLE).await?;
        for statement in SCHEMA {
            sqlx::query(statement).execute(&mut *change.connection).await.map_err(from_postgres)?;
        }
        let column = "ALTER TABLE iceberg_tables ADD COLUMN IF NOT EXISTS iceberg_type VARCHAR(5)";
        sqlx::query(column).execute(&mut *change.connection).await.map_err(from_postgres)?;
        change.connection.commit().await.map_err(from_postgres)
    }

    async fn pointer(&self, table: Named<'_>) -> Result<Option<Option<String>>> {
        let Some(tables_only) = self.existing().await? else { return Ok(None) };
        let mut reader = self.reader().await?;
        self.look_up(&mut *reader.connection, tables_only, table).await
    }

    async fn settled(&self, table: &TableName) -> Result<Option<Option<String>>> {
        let Some(tables_only) = self.existing().await? else { return Ok(None) };
        let mut alone = self.begin(table.as_str()).await?;
        self.look_up(&mut *alone.connection, tables_only, Named::ours(table)).await
    }

    async fn list(&self) -> Result<Vec<String>> {
        let Some(tables_only) = self.existing().await? else { return Ok(Vec::new()) };
        let query = list(tables_only);
        let query = sqlx::query_scalar(&query).bind(CATALOG).bind(NAMESPACE);
        let mut reader = self.reader().await?;
        query.fetch_all(&mut *reader.connection).await.map_err(from_postgres)
    }

    async fn change(&self, table: &TableName, step: Step<'_>, epoch: Option<u64>) -> Result<Done> {
        if self.existing().await?.is_none() {
            return Err(Error::not_found("no such table").with("table", table));
        }
        let mut change = self.begin(table.as_str()).await?;
        if let Some(epoch) = epoch {
            check_fence(fence(&mut change.connection).await.map_err(from_postgres)?, epoch)?;
        }
        let rows = match run(&mut change.connection, table, step).await {
            Ok(rows) => rows,
            // Another program changed the row at the same moment.
            Err(source) if is_lost(&source) => return Ok(Done::Lost),
            Err(source) => return Err(from_postgres(source)),
        };
        if rows == 0 {
            // Nothing was changed, so an error here changes nothing either.
            drop(change.connection.rollback().await);
            return Ok(Done::Lost);
        }
        match change.connection.commit().await {
            Ok(()) => Ok(Done::Yes),
            Err(source) if is_unclear(&source) => Ok(Done::Unclear(from_postgres(source))),
            Err(source) => Err(from_postgres(source)),
        }
    }

    async fn raise(&self, epoch: i64) -> Result<u64> {
        let raise = "INSERT INTO worldstore_fence AS fence VALUES ($1, $2)
            ON CONFLICT (catalog_name) DO UPDATE SET epoch = greatest(fence.epoch, excluded.epoch) RETURNING epoch";
        let mut change = self.begin(WHOLE).await?;
        let raised = sqlx::query_scalar(raise).bind(CATALOG).bind(epoch).fetch_one(&mut *change.connection).await;
        let raised = raised.map_err(from_postgres)?;
        change.connection.commit().await.map_err(from_postgres)?;
        Ok(fence_of(Some(raised)))
    }

    async fn close(&self) {
        // The pool opens connections again when they are needed, a closed one never: idle ones end by themselves.
    }
}

fn lock_name(name: &str) -> String {
    format!("{CATALOG}/{NAMESPACE}/{name}")
}

/// The number of rows that a step changes.
async fn run(
    change: &mut Transaction<'static, PostgresDatabase>,
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

/// The epoch that the fence stands at; it stays there until the transaction ends. A catalog that another program made
/// has none.
async fn fence(change: &mut Transaction<'static, PostgresDatabase>) -> sqlx::Result<u64> {
    let there = sqlx::query_scalar("SELECT to_regclass('worldstore_fence') IS NOT NULL");
    if !there.fetch_one(&mut **change).await? {
        return Ok(0);
    }
    let lock = format!("SELECT pg_advisory_xact_lock_shared({LOCK_NUMBER})");
    sqlx::query(&lock).bind(lock_name(WHOLE)).execute(&mut **change).await?;
    let fence = "SELECT epoch FROM worldstore_fence WHERE catalog_name = $1";
    sqlx::query_scalar(fence).bind(CATALOG).fetch_optional(&mut **change).await.map(fence_of)
}
