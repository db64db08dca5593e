//! The settings: server, database, namespace, limits and timeouts. The password shows nowhere.

use std::fmt;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;
use worldstore_core::{Error, Result};
use worldstore_db_common::postgres::{check_schema, milliseconds};

use crate::backend::PostgresBackend;

/// The namespace unless configured.
pub const NAMESPACE: &str = "worldstore";
/// Connections at most, unless configured.
pub const CONNECTIONS_MAX: u32 = 16;
/// How long a call waits for a connection, unless configured.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server works on one statement, unless configured.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the server waits for another change of the same object, unless configured.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// For how long a writer must have been silent before its chunks are removed, unless configured.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Longer is as good as for ever. The clocks of client and server do not reach much further.
const TIME_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Whether the connection is encrypted. All but [`Off`](Self::Off) take the feature `tls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encryption {
    /// Plain text, password exchange apart: for the same machine and for trusted networks.
    #[default]
    Off,
    /// Encrypted, to whoever answers (`sslmode=require`).
    Required,
    /// Encrypted, to a server whose certificate names the host (`sslmode=verify-full`).
    Verified,
}

/// Which database and namespace, and how they are used.
#[derive(Clone)]
pub struct PostgresConfig {
    url: Url,
    pub(crate) namespace: String,
    pub(crate) connections_max: u32,
    pub(crate) acquire_timeout: Duration,
    statement_timeout: Duration,
    lock_timeout: Duration,
    pub(crate) abandoned_after: Duration,
    encryption: Encryption,
}

impl PostgresConfig {
    /// Reads `postgres://user:password@host:port/database`, with the query parameters `namespace` and `sslmode`
    /// (`disable`, the default, `require`, `verify-full`). The port is 5432 by default. User and password fall back to
    /// `PGUSER`, `PGPASSWORD` and the user's password file.
    ///
    /// # Errors
    /// `Invalid`, naming the part that is wrong. The address is not repeated: it may hold a password.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let mut url = Url::parse(uri).map_err(|error| Error::invalid("URI is none").caused_by(error))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(Error::invalid("URI does not start with postgres://").with("scheme", url.scheme()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(Error::invalid("URI names no host"));
        }
        let database = url.path().trim_start_matches('/');
        if database.is_empty() || database.contains('/') {
            return Err(Error::invalid("URI does not name one database: write postgres://host/database"));
        }
        if url.fragment().is_some() {
            return Err(Error::invalid("URI has a fragment: write # as %23"));
        }
        let parameters: Vec<_> =
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        url.set_query(None);
        let config = Self {
            url,
            namespace: NAMESPACE.to_owned(),
            connections_max: CONNECTIONS_MAX,
            acquire_timeout: ACQUIRE_TIMEOUT,
            statement_timeout: STATEMENT_TIMEOUT,
            lock_timeout: LOCK_TIMEOUT,
            abandoned_after: ABANDONED_AFTER,
            encryption: Encryption::Off,
        };
        parameters.iter().try_fold(config, |config, (name, value)| config.with_parameter(name, value))
    }

    fn with_parameter(self, name: &str, value: &str) -> Result<Self> {
        match (name, value) {
            ("namespace", name) => self.with_namespace(name),
            ("sslmode", "disable") => Ok(self.with_encryption(Encryption::Off)),
            ("sslmode", "require") => Ok(self.with_encryption(Encryption::Required)),
            ("sslmode", "verify-full") => Ok(self.with_encryption(Encryption::Verified)),
            ("sslmode", mode) => {
                Err(Error::invalid("sslmode is none of disable, require, verify-full").with("sslmode", mode))
            }
            // The value may be a password.
            (name, _) => {
                Err(Error::invalid("URI has an unknown parameter: namespace and sslmode are known")
                    .with("parameter", name))
            }
        }
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

    /// Sets how many connections are opened at most, [`CONNECTIONS_MAX`] (16) by default. Each stream of a large object
    /// holds one until it is dropped.
    #[must_use]
    pub fn with_connections_max(mut self, count: u32) -> Self {
        self.connections_max = count.max(1);
        self
    }

    /// Sets how long a call waits for a connection before it fails as unavailable, [`ACQUIRE_TIMEOUT`] (10 s) by
    /// default.
    #[must_use]
    pub fn with_acquire_timeout(mut self, time: Duration) -> Self {
        self.acquire_timeout = time;
        self
    }

    /// Sets how long the server works on one statement before the call fails as unavailable, [`STATEMENT_TIMEOUT`]
    /// (60 s) by default.
    #[must_use]
    pub fn with_statement_timeout(mut self, time: Duration) -> Self {
        self.statement_timeout = time;
        self
    }

    /// Sets how long the server waits for another change of the same object before the call fails with `Conflict`,
    /// [`LOCK_TIMEOUT`] (10 s) by default.
    #[must_use]
    pub fn with_lock_timeout(mut self, time: Duration) -> Self {
        self.lock_timeout = time;
        self
    }

    /// Sets for how long a writer must have been silent before connecting removes its chunks, [`ABANDONED_AFTER`]
    /// (24 h) by default. A writer that comes back later fails as poisoned.
    #[must_use]
    pub fn with_abandoned_after(mut self, time: Duration) -> Self {
        self.abandoned_after = time.min(TIME_MAX);
        self
    }

    /// Sets whether the connection is encrypted; it is not by default.
    #[must_use]
    pub fn with_encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Connects, makes the tables if the namespace is new, and removes what abandoned writers left.
    ///
    /// # Errors
    /// `Unavailable` if the server cannot be reached, `PermissionDenied` if it refuses the user, `NotFound` without the
    /// database, `Invalid` if the namespace belongs to another program or another version of this format,
    /// `Unsupported` for encryption without the feature `tls`, and outside of a tokio runtime.
    pub async fn connect(self) -> Result<PostgresBackend> {
        PostgresBackend::connect(self).await
    }

    /// Where it is, without secrets.
    pub(crate) fn location(&self) -> String {
        let (host, port) = (self.url.host_str().unwrap_or_default(), self.url.port().unwrap_or(5432));
        format!("{host}:{port}{}?namespace={}", self.url.path(), self.namespace)
    }

    pub(crate) fn options(&self) -> Result<PgConnectOptions> {
        // The cause is not kept: it could repeat what it could not read.
        let options = PgConnectOptions::from_url(&self.url)
            .map_err(|_| Error::invalid("user, password or database of the URI are no text"))?;
        let mode = match self.encryption {
            Encryption::Off => PgSslMode::Disable,
            _ if cfg!(not(feature = "tls")) => {
                return Err(Error::unsupported("encryption takes the feature tls, which is not compiled in"));
            }
            Encryption::Required => PgSslMode::Require,
            Encryption::Verified => PgSslMode::VerifyFull,
        };
        Ok(options.ssl_mode(mode).application_name("worldstore").options([
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("lock_timeout", milliseconds(self.lock_timeout)),
        ]))
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("location", &self.location())
            .field("connections_max", &self.connections_max)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field("abandoned_after", &self.abandoned_after)
            .field("encryption", &self.encryption)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
