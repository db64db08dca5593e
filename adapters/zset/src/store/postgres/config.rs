//! Where the database is. The password shows nowhere.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use worldstore_core::{Error, Result};
use worldstore_db_common::postgres::{check_schema, milliseconds};

use super::Postgres;

/// How many prepared statements the connection keeps: six for each table of a large circuit.
const STATEMENTS: usize = 768;

/// Which database and schema, and how long a step waits.
#[derive(Clone)]
pub struct PostgresConfig {
    options: PgConnectOptions,
    schema: String,
    lock_timeout: Duration,
    statement_timeout: Duration,
}

impl PostgresConfig {
    /// Reads `postgres://user:password@host:port/database`. What is missing comes from the `PG…` variables.
    ///
    /// # Errors
    /// `Invalid` if it is no such address. It is not repeated: it may hold a password.
    pub fn from_uri(uri: &str) -> Result<Self> {
        if !uri.starts_with("postgres://") && !uri.starts_with("postgresql://") {
            return Err(Error::invalid("the address does not begin with postgres://"));
        }
        let options = PgConnectOptions::from_str(uri)
            .map_err(|_| Error::invalid("the address is not postgres://user:password@host:port/database"))?;
        let (lock_timeout, statement_timeout) = (Duration::from_secs(10), Duration::from_secs(300));
        Ok(Self { options, schema: "zset".to_owned(), lock_timeout, statement_timeout })
    }

    /// Sets the schema that holds the tables of one circuit (default: `zset`). It is made with the tables.
    ///
    /// # Errors
    /// `Invalid` unless it has 1 to 48 small letters, digits and `_`, begins with a letter, and not with `pg_`.
    pub fn with_schema(mut self, schema: impl Into<String>) -> Result<Self> {
        let schema = schema.into();
        check_schema("schema", &schema)?;
        self.schema = schema;
        Ok(self)
    }

    /// Sets how long a step waits for another worker's step before it fails with `Conflict` (default: 10 s).
    #[must_use]
    pub fn with_lock_timeout(mut self, wait: Duration) -> Self {
        self.lock_timeout = wait;
        self
    }

    /// Sets how long the server works on one statement before it fails as unavailable (default: 300 s).
    #[must_use]
    pub fn with_statement_timeout(mut self, time: Duration) -> Self {
        self.statement_timeout = time;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// `Unavailable` if the server cannot be reached, `PermissionDenied` if it refuses the user, `NotFound` without the
    /// database, `Invalid` for an address that asks for encryption, which is not compiled in, `Unsupported` for a server
    /// before PostgreSQL 15.
    pub fn open(self) -> Result<Postgres> {
        let location = self.location();
        Postgres::connect(self).map_err(|error| error.with("store", format!("postgres({location})")))
    }

    /// Where it is, without secrets.
    pub(super) fn location(&self) -> String {
        let (host, port) = (self.options.get_host(), self.options.get_port());
        format!("{host}:{port}/{} schema {}", self.options.get_database().unwrap_or_default(), self.schema)
    }

    /// The quoted name of the schema.
    pub(super) fn schema(&self) -> String {
        format!("\"{}\"", self.schema)
    }

    pub(super) fn options(&self) -> Result<PgConnectOptions> {
        // Tables grow from nothing faster than statistics follow; all that is asked here goes by the primary key.
        let settings = [
            ("lock_timeout", milliseconds(self.lock_timeout)),
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("plan_cache_mode", "force_generic_plan".to_owned()),
            ("enable_seqscan", "off".to_owned()),
            ("enable_bitmapscan", "off".to_owned()),
            ("jit", "off".to_owned()),
        ];
        let options = self.options.clone().application_name("worldstore-zset").options(settings);
        Ok(options.statement_cache_capacity(STATEMENTS).disable_statement_logging())
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("location", &self.location())
            .field("lock_timeout", &self.lock_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}
