//! The connections, and transactions on them.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPool;
use sqlx::{Postgres, Transaction};
use worldstore_core::{Durability, Error, Result};
use worldstore_db_common::postgres::{is_unclear, pool_options};

use crate::config::PostgresConfig;
use crate::error::{interrupted, translate};
use crate::schema;

/// What sees one state of the database.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

#[derive(Debug)]
pub(crate) struct Server {
    pub pool: PgPool,
    /// The quoted name of the schema.
    pub namespace: String,
    /// The namespace's random name: what versions begin with.
    pub name: String,
    /// Whether the server syncs its log.
    pub syncs: bool,
    /// Where it is, without secrets.
    pub location: String,
    pub abandoned_after: Duration,
}

/// How a transaction ended that did not fail.
pub(crate) enum Committed {
    Yes,
    /// Nobody knows: with the reason.
    Unclear(Error),
}

impl Server {
    pub(crate) async fn connect(config: PostgresConfig) -> Result<Arc<Self>> {
        let pool = pool_options(config.connections_max, config.acquire_timeout)?;
        let pool = pool.connect_with(config.options()?).await.map_err(translate)?;
        let mut connection = pool.acquire().await.map_err(translate)?;
        let namespace = format!("\"{}\"", config.namespace);
        let name = schema::prepare(&mut connection, &namespace).await?;
        let fsync = sqlx::query_scalar::<_, String>("SELECT current_setting('fsync')");
        let syncs = fsync.fetch_one(&mut *connection).await.map_err(translate)? == "on";
        drop(connection);
        let (location, abandoned_after) = (config.location(), config.abandoned_after);
        Ok(Arc::new(Self { pool, namespace, name, syncs, location, abandoned_after }))
    }

    /// A statement on the tables of the namespace.
    pub(crate) fn sql(&self, template: &str) -> String {
        template.replace("{ns}", &self.namespace)
    }

    /// A transaction that changes something. It sees what others have committed whenever a statement begins.
    pub(crate) async fn change(&self, durability: Durability) -> Result<Transaction<'static, Postgres>> {
        // Name and bytes of an object are in one log: who asks for the bytes gets both.
        let begin = match durability {
            Durability::None => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = off",
            Durability::File | Durability::Full => {
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on"
            }
        };
        self.begin(begin).await
    }

    /// A transaction that sees one state.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'static, Postgres>> {
        self.begin(SNAPSHOT).await
    }

    /// Begins on a task of its own, which ends also if the caller goes away. The client only knows that a connection is
    /// in a transaction once the server has answered; given up before, it would go back to the pool inside of one.
    async fn begin(&self, statement: &'static str) -> Result<Transaction<'static, Postgres>> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(statement).await }).await;
        begun.map_err(interrupted)?.map_err(translate)
    }
}

/// Ends a transaction with its changes.
pub(crate) async fn commit(transaction: Transaction<'static, Postgres>) -> Result<Committed> {
    match transaction.commit().await {
        Ok(()) => Ok(Committed::Yes),
        Err(error) if is_unclear(&error) => Ok(Committed::Unclear(translate(error))),
        Err(error) => Err(translate(error)),
    }
}
