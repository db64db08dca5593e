//! Which server, which namespace in it, and the limits.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use worldstore_core::{Error, Result};
use worldstore_db_common::redis::{Limits, Pool, check_namespace, translate};

use crate::backend::Redis;
use crate::space::{Space, Times};

/// How a Redis server is reached. `Debug` shows no password.
///
/// ```
/// # fn main() -> worldstore_core::Result<()> {
/// use worldstore_redis::RedisConfig;
///
/// let config = RedisConfig::from_uri("redis://me:secret@localhost:6380/2?namespace=worlds")?;
/// assert_eq!(config.to_string(), "localhost:6380/2?namespace=worlds");
/// assert!(!format!("{config:?}").contains("secret"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisConfig {
    info: ConnectionInfo,
    namespace: String,
    persistence: Persistence,
    limits: Limits,
    times: Times,
    sizes: Sizes,
}

/// What the server promises of changes that it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Nothing: `durable` is not declared.
    #[default]
    Unknown,
    /// They are on its disk: it runs with `appendonly yes` and `appendfsync always`. That is checked when connecting, for
    /// which the user needs `CONFIG GET`.
    Always,
}

/// How bodies are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub small_bytes_max: usize,
    pub piece_bytes: usize,
}

const SCHEMES: [&str; 2] = ["redis://", "rediss://"];
const EXPECTED: &str = "redis://user:password@host:port/database?namespace=name";

impl RedisConfig {
    /// The namespace if none is named: `worldstore`.
    pub const NAMESPACE: &'static str = "worldstore";

    /// A server without credentials, and its database 0.
    ///
    /// # Errors
    /// `Invalid` if the host is empty.
    pub fn new(host: &str, port: u16) -> Result<Self> {
        match host.is_empty() {
            true => Err(Error::invalid("server has no host")),
            false => (host, port).into_connection_info().map(Self::of).map_err(translate),
        }
    }

    /// The server of `redis://user:password@host:port/database?namespace=name`. Everything but the host can be left out;
    /// the port is 6379 then, the database 0. User and password may hold percent escapes. With feature `tls`
    /// `rediss://` connects under TLS, with the system's certificates.
    ///
    /// # Errors
    /// `Invalid`, naming the part that is wrong; `Unsupported` for TLS without the feature. The address is not repeated:
    /// it may hold a password.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let broken = |reason: &str| Error::invalid(reason).with("expected", EXPECTED);
        if !SCHEMES.iter().any(|scheme| uri.starts_with(scheme)) {
            return Err(broken("URI has another scheme"));
        }
        if uri.starts_with("rediss:") && !cfg!(feature = "tls") {
            return Err(Error::unsupported("this build connects without TLS only: it lacks the feature tls"));
        }
        let mut url = redis::parse_redis_url(uri).ok_or_else(|| broken("URI is none"))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(broken("URI has no host"));
        }
        if url.fragment().is_some() {
            return Err(broken("URI has a fragment"));
        }
        let mut namespace = Self::NAMESPACE.to_owned();
        for (name, value) in url.query_pairs() {
            match &*name {
                "namespace" => namespace = value.into_owned(),
                _ => return Err(broken("URI has an unknown parameter").with("parameter", name)),
            }
        }
        url.set_query(None);
        let database = url.path().trim_start_matches('/');
        if !database.is_empty() && database.parse::<u32>().is_err() {
            return Err(broken("URI has a database that is no number").with("database", database));
        }
        // The client's reason may repeat parts of the address.
        let info = url.into_connection_info().map_err(|_| broken("URI is not one of a Redis server"))?;
        Self::of(info).with_namespace(&namespace)
    }

    fn of(info: ConnectionInfo) -> Self {
        Self {
            info,
            namespace: Self::NAMESPACE.to_owned(),
            persistence: Persistence::default(),
            limits: Limits::default(),
            times: Times { staged_for: Duration::from_secs(3600), replaced_for: Duration::from_secs(60) },
            sizes: Sizes { small_bytes_max: 64 << 10, piece_bytes: 512 << 10 },
        }
    }

    /// Sets the namespace: what two of them hold does not mix. `worldstore` by default.
    ///
    /// # Errors
    /// `Invalid` unless it has 1 to 128 ASCII letters, digits, `-`, `_`, `.`, `:` or `/`.
    pub fn with_namespace(mut self, namespace: &str) -> Result<Self> {
        check_namespace(namespace)?;
        self.namespace = namespace.to_owned();
        Ok(self)
    }

    /// Sets the user and the password. Without a user it is the password of the server's default user.
    #[must_use]
    pub fn with_credentials(mut self, user: Option<&str>, password: &str) -> Self {
        let settings = self.info.redis_settings().clone().set_password(password);
        let settings = user.into_iter().fold(settings, |settings, user| settings.set_username(user));
        self.info = self.info.set_redis_settings(settings);
        self
    }

    /// Sets the number of the database. 0 by default.
    #[must_use]
    pub fn with_database(mut self, database: u32) -> Self {
        let settings = self.info.redis_settings().clone().set_db(i64::from(database));
        self.info = self.info.set_redis_settings(settings);
        self
    }

    /// Says what the server promises. Nothing by default.
    #[must_use]
    pub fn with_persistence(mut self, persistence: Persistence) -> Self {
        self.persistence = persistence;
        self
    }

    /// Sets how many connections are open at most. 16 by default. A call that finds them all in use waits for one, as
    /// long as a command may take.
    #[must_use]
    pub fn with_connections_max(mut self, connections: usize) -> Self {
        self.limits.connections_max = connections;
        self
    }

    /// Sets how long connecting may take. 5 seconds by default.
    #[must_use]
    pub fn with_connect_timeout(mut self, time: Duration) -> Self {
        self.limits.connect_timeout = time;
        self
    }

    /// Sets how long sending a command, and waiting for its answer, may take each. 30 seconds by default.
    #[must_use]
    pub fn with_command_timeout(mut self, time: Duration) -> Self {
        self.limits.command_timeout = time;
        self
    }

    /// Sets how long what a writer has staged is kept after its last piece. An hour by default: a writer that is idle
    /// for longer fails, and one that was killed is forgotten then.
    #[must_use]
    pub fn with_staged_for(mut self, time: Duration) -> Self {
        self.times.staged_for = time;
        self
    }

    /// Sets how long the pieces of a replaced or deleted object are kept after they were last read. 60 seconds by
    /// default: a reader that is idle for longer fails with `Conflict`.
    #[must_use]
    pub fn with_replaced_for(mut self, time: Duration) -> Self {
        self.times.replaced_for = time;
        self
    }

    /// Sets the largest body, in bytes, that is stored at once. 64 KiB by default.
    #[must_use]
    pub fn with_small_bytes_max(mut self, bytes: usize) -> Self {
        self.sizes.small_bytes_max = bytes;
        self
    }

    /// Sets the bytes of a piece of a larger body. 512 KiB by default.
    #[must_use]
    pub fn with_piece_bytes(mut self, bytes: usize) -> Self {
        self.sizes.piece_bytes = bytes;
        self
    }

    /// Connects, and checks that the server answers.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be reached; `PermissionDenied` for wrong credentials; `Unsupported` if it does not
    /// keep what [`Persistence::Always`] says; `Invalid` for limits and times of nothing.
    pub fn connect(&self) -> Result<Redis> {
        self.connect_space().map_err(|error| error.during("connect").with("server", self))
    }

    fn connect_space(&self) -> Result<Redis> {
        if self.sizes.piece_bytes == 0 {
            return Err(Error::invalid("a limit is zero"));
        }
        let pool = Pool::new(self.info.clone(), self.limits)?;
        pool.ask(|connection| redis::cmd("PING").exec(connection))?;
        if self.persistence == Persistence::Always {
            pool.check_synced()?;
        }
        let durable = self.persistence == Persistence::Always;
        Ok(Redis::new(Space::new(pool, &self.namespace, self.times), self.sizes, self.to_string(), durable))
    }
}

impl fmt::Display for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = match self.info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => (host.as_str(), *port),
            _ => ("unknown", 0),
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        write!(f, "{host}:{port}/{}?namespace={}", self.info.redis_settings().db(), self.namespace)
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("server", &self.to_string())
            .field("user", &self.info.redis_settings().username())
            .field("password", &self.info.redis_settings().password().map(|_| "***"))
            .field("persistence", &self.persistence)
            .field("limits", &self.limits)
            .field("times", &self.times)
            .field("sizes", &self.sizes)
            .finish()
    }
}
