//! Which server and namespace, and how they are used. The password shows nowhere.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use worldstore_core::{Error, Result};
use worldstore_db_common::postgres::{check_schema, milliseconds};

use super::Postgres;
use crate::planted::Planted;

/// The namespace unless configured.
pub const NAMESPACE: &str = "worldstore_ecs";
/// Connections at most, unless configured.
pub const CONNECTIONS_MAX: u32 = 8;
/// How long a call waits for a connection, unless configured.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server works on one statement, unless configured.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a batch waits for those of others, unless configured.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// How a [`Postgres`] storage is opened. `Debug` shows no password.
#[derive(Clone)]
pub struct PostgresConfig {
    options: PgConnectOptions,
    pub(super) namespace: String,
    pub(super) shard: u16,
    pub(super) connections_max: u32,
    pub(super) acquire_timeout: Duration,
    statement_timeout: Duration,
    lock_timeout: Duration,
    pub(super) planted: Planted,
}

impl PostgresConfig {
    /// Reads `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    /// `Invalid`. The address is not repeated: it may hold a password.
    pub fn from_uri(uri: &str) -> Result<Self> {
        if !uri.starts_with("postgres://") && !uri.starts_with("postgresql://") {
            return Err(Error::invalid("URI does not start with postgres://"));
        }
        // The cause is not kept: it could repeat what it could not read.
        let options = PgConnectOptions::from_str(uri).map_err(|_| Error::invalid("URI is not one of a server"))?;
        Ok(Self {
            options: options.application_name("worldstore"),
            namespace: NAMESPACE.to_owned(),
            shard: 0,
            connections_max: CONNECTIONS_MAX,
            acquire_timeout: ACQUIRE_TIMEOUT,
            statement_timeout: STATEMENT_TIMEOUT,
            lock_timeout: LOCK_TIMEOUT,
            planted: Planted::default(),
        })
    }

    /// Sets the namespace: the schema that holds the tables, [`NAMESPACE`] by default. It is made if there is none.
    ///
    /// # Errors
    /// `Invalid` unless it has 1 to 48 small letters, digits and `_`, begins with a letter, and not with `pg_`.
    pub fn with_namespace(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        check_schema("namespace", &name)?;
        self.namespace = name;
        Ok(self)
    }

    /// Sets the shard of the entities of a new namespace; one that exists keeps its own. 0 by default.
    #[must_use]
    pub fn with_shard(mut self, shard: u16) -> Self {
        self.shard = shard;
        self
    }

    /// Sets how many connections are opened at most, [`CONNECTIONS_MAX`] (8) by default. Each query holds one until it is
    /// dropped.
    #[must_use]
    pub fn with_connections_max(mut self, count: u32) -> Self {
        self.connections_max = count.max(1);
        self
    }

    /// Sets how long a call waits for a connection before it fails as unavailable, [`ACQUIRE_TIMEOUT`] (10 s) by default.
    #[must_use]
    pub fn with_acquire_timeout(mut self, time: Duration) -> Self {
        self.acquire_timeout = time;
        self
    }

    /// Sets how long the server works on one statement, [`STATEMENT_TIMEOUT`] (60 s) by default.
    #[must_use]
    pub fn with_statement_timeout(mut self, time: Duration) -> Self {
        self.statement_timeout = time;
        self
    }

    /// Sets how long a batch waits for those of others before it fails with `Conflict`, [`LOCK_TIMEOUT`] (10 s) by
    /// default.
    #[must_use]
    pub fn with_lock_timeout(mut self, time: Duration) -> Self {
        self.lock_timeout = time;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_planted(mut self, planted: impl Into<Planted>) -> Self {
        self.planted = planted.into();
        self
    }

    /// Connects, and makes the tables if the namespace is new.
    ///
    /// # Errors
    /// `Unavailable` if the server cannot be reached, `PermissionDenied` if it refuses the user, `NotFound` without the
    /// database, `Invalid` if the namespace belongs to another program, another version of this format or another shard,
    /// `Unsupported` outside of a tokio runtime.
    pub async fn connect(self) -> Result<Postgres> {
        Postgres::connect(self).await
    }

    /// Where it is, without secrets.
    pub(super) fn location(&self) -> String {
        let (host, port) = (self.options.get_host(), self.options.get_port());
        let database = self.options.get_database().unwrap_or_default();
        format!("{host}:{port}/{database}?namespace={}", self.namespace)
    }

    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.clone().options([
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("lock_timeout", milliseconds(self.lock_timeout)),
        ])
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("location", &self.location())
            .field("shard", &self.shard)
            .field("connections_max", &self.connections_max)
            .finish_non_exhaustive()
    }
}
