//! Which server and namespace, and the limits.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo};
use worldstore_core::{Error, Result};
use worldstore_db_common::redis::{Limits, check_namespace};

use super::Redis;
use crate::planted::Planted;

/// The namespace unless configured.
pub const NAMESPACE: &str = "worldstore-ecs";

/// What the server promises of batches that it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Nothing: the storage says that it is volatile.
    #[default]
    Unknown,
    /// They are on its disk: it runs with `appendonly yes` and `appendfsync always`. That is checked when connecting, for
    /// which the user needs `CONFIG GET`.
    Always,
}

/// How a [`Redis`] storage is opened. `Debug` shows no password.
#[derive(Clone)]
pub struct RedisConfig {
    pub(super) info: ConnectionInfo,
    pub(super) namespace: String,
    pub(super) shard: u16,
    pub(super) persistence: Persistence,
    pub(super) limits: Limits,
    pub(super) planted: Planted,
}

impl RedisConfig {
    /// Reads `redis://user:password@host:port/database`.
    ///
    /// # Errors
    /// `Invalid`. The address is not repeated: it may hold a password.
    pub fn from_uri(uri: &str) -> Result<Self> {
        // The client's reason may repeat parts of the address.
        let info = uri.into_connection_info().map_err(|_| Error::invalid("URI is not one of a Redis server"))?;
        Ok(Self {
            info,
            namespace: NAMESPACE.to_owned(),
            shard: 0,
            persistence: Persistence::default(),
            limits: Limits::default(),
            planted: Planted::default(),
        })
    }

    /// Sets the namespace: what two of them hold does not mix. [`NAMESPACE`] by default.
    ///
    /// # Errors
    /// `Invalid` unless it has 1 to 128 ASCII letters, digits, `-`, `_`, `.`, `:` or `/`.
    pub fn with_namespace(mut self, namespace: &str) -> Result<Self> {
        check_namespace(namespace)?;
        self.namespace = namespace.to_owned();
        Ok(self)
    }

    /// Sets the shard of the entities of a new namespace; one that exists keeps its own. 0 by default.
    #[must_use]
    pub fn with_shard(mut self, shard: u16) -> Self {
        self.shard = shard;
        self
    }

    /// Says what the server promises. Nothing by default.
    #[must_use]
    pub fn with_persistence(mut self, persistence: Persistence) -> Self {
        self.persistence = persistence;
        self
    }

    /// Sets how many connections are open at most. 16 by default. A call that finds them all in use waits for one, as long as
    /// a command may take.
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

    #[doc(hidden)]
    #[must_use]
    pub fn with_planted(mut self, planted: impl Into<Planted>) -> Self {
        self.planted = planted.into();
        self
    }

    /// Connects, and makes the namespace if it is new.
    ///
    /// # Errors
    /// `Unavailable` if the server cannot be reached; `PermissionDenied` for wrong credentials; `Unsupported` if it does
    /// not keep what [`Persistence::Always`] says; `Invalid` if the namespace is of another version or another shard, or a
    /// limit is zero.
    pub fn connect(self) -> Result<Redis> {
        Redis::connect(self)
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("server", &self.info.addr().to_string())
            .field("namespace", &self.namespace)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}
