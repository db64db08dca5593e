//! Connections: a few, each used by one call at a time.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{Client, Connection, IntoConnectionInfo, RedisResult};
use worldstore_core::{Error, ErrorKind, Result};

use super::{is_broken, translate};

/// A connection that was idle for longer is asked whether it still works.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Limits of a [`Pool`]; none may be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many connections are open at most; 16 by default. A call that finds them all in use waits for one, as long as a command
    /// may take.
    pub connections_max: usize,
    /// How long connecting may take; 5 seconds by default.
    pub connect_timeout: Duration,
    /// How long sending a command, and waiting for its answer, may take each; 30 seconds by default.
    pub command_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (connect_timeout, command_timeout) = (Duration::from_secs(5), Duration::from_secs(30));
        Self { connections_max: 16, connect_timeout, command_timeout }
    }
}

/// Connections to a server, each used by one call at a time. One that was idle for over a second is asked first whether it still
/// works, and one that broke is closed. `Debug` shows no password.
///
/// ```no_run
/// use worldstore_db_common::redis::{Limits, Pool};
///
/// # fn main() -> worldstore_core::Result<()> {
/// let pool = Pool::new("redis://localhost:6379", Limits::default())?;
/// let ticks: i64 = pool.change(|connection| redis::cmd("INCR").arg("{counters}:ticks").query(connection))?;
/// # Ok(()) }
/// ```
pub struct Pool {
    client: Client,
    limits: Limits,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<(Connection, Instant)>,
    /// Idle ones and those in use.
    open: usize,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client holds the password.
        f.debug_struct("Pool").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool for a server; nothing is connected yet.
    ///
    /// # Errors
    /// `Invalid` if a limit is zero, or the address is none that the client can use. It is not repeated: it may hold a password.
    pub fn new(server: impl IntoConnectionInfo, limits: Limits) -> Result<Self> {
        if limits.connections_max == 0 || [limits.connect_timeout, limits.command_timeout].contains(&Duration::ZERO) {
            return Err(Error::invalid("a limit is zero"));
        }
        #[cfg(feature = "tls")]
        choose_cryptography();
        // The client's reason may repeat parts of the address.
        let server = server.into_connection_info().map_err(|_| Error::invalid("URI is not one of a Redis server"))?;
        let client = Client::open(server).map_err(translate)?;
        Ok(Self { client, limits, state: Mutex::default(), freed: Condvar::new() })
    }

    /// Makes a call that can be made again: once more, if the connection turns out to be broken.
    ///
    /// # Errors
    /// As [`translate`]; `Unavailable` too if all connections stay in use.
    pub fn ask<Value>(&self, call: impl Fn(&mut Connection) -> RedisResult<Value>) -> Result<Value> {
        match self.once(&call)? {
            Err(error) if is_broken(&error) && !error.is_timeout() => self.once(&call)?.map_err(translate),
            result => result.map_err(translate),
        }
    }

    /// Makes a call that must not be made twice.
    ///
    /// # Errors
    /// `OutcomeUnknown` if the answer was lost; nothing has changed with every other error, as of [`ask`](Self::ask).
    pub fn change<Value>(&self, call: impl Fn(&mut Connection) -> RedisResult<Value>) -> Result<Value> {
        self.once(&call)?.map_err(|error| match is_broken(&error) {
            true => {
                Error::new(ErrorKind::OutcomeUnknown, "the answer of the server was lost").caused_by(translate(error))
            }
            false => translate(error),
        })
    }

    /// Checks that the server syncs each change before it answers: `appendonly yes` and `appendfsync always`.
    ///
    /// # Errors
    /// `Unsupported` if it does not, with the setting; `PermissionDenied` if the user may not ask.
    pub fn check_synced(&self) -> Result<()> {
        for (name, needed) in [("appendonly", "yes"), ("appendfsync", "always")] {
            let setting: Vec<String> =
                self.ask(|connection| redis::cmd("CONFIG").arg("GET").arg(name).query(connection))?;
            let is = setting.get(1).map_or("unknown", String::as_str);
            if is != needed {
                let error = Error::unsupported("server does not sync what it answers");
                return Err(error.with("setting", name).with("needed", needed).with("is", is));
            }
        }
        Ok(())
    }

    fn once<Value>(&self, call: &impl Fn(&mut Connection) -> RedisResult<Value>) -> Result<RedisResult<Value>> {
        let mut lease = self.lease()?;
        let result = call(&mut lease.connection);
        if !result.as_ref().is_err_and(is_broken) {
            lease.give_back();
        }
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self) -> Result<Lease<'_>> {
        loop {
            let place = self.place()?;
            let Some((mut connection, since)) = place.idle else {
                let connection = self.connect().map_err(translate)?;
                return Ok(place.slot.with(connection));
            };
            let asked = match since.elapsed() < TRUSTED_FOR {
                true => Ok(()),
                false => redis::cmd("PING").exec(&mut connection),
            };
            match asked {
                Ok(()) => return Ok(place.slot.with(connection)),
                // The others are as dead, and each would be waited for as long.
                Err(error) if error.is_timeout() => self.close_idle(),
                Err(_) => {}
            }
            // Given up with its slot; the next one is tried, and at last a new one.
        }
    }

    fn close_idle(&self) {
        let mut state = self.lock();
        let idle = std::mem::take(&mut state.idle);
        state.open -= idle.len();
        drop(state);
        self.freed.notify_all();
    }

    /// An idle connection, or the right to open one; waits for the time of a command if there is neither.
    fn place(&self) -> Result<Place<'_>> {
        let begun = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(idle) = state.idle.pop() {
                return Ok(Place { idle: Some(idle), slot: Slot(Some(self)) });
            }
            if state.open < self.limits.connections_max {
                state.open += 1;
                return Ok(Place { idle: None, slot: Slot(Some(self)) });
            }
            let Some(left) = self.limits.command_timeout.checked_sub(begun.elapsed()) else {
                return Err(Error::new(ErrorKind::Unavailable, "all connections are in use")
                    .with("connections_max", self.limits.connections_max));
            };
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(self.limits.connect_timeout)?;
        connection.set_read_timeout(Some(self.limits.command_timeout))?;
        connection.set_write_timeout(Some(self.limits.command_timeout))?;
        Ok(connection)
    }
}

/// rustls has one implementation for the whole process; whoever has chosen one before keeps it.
#[cfg(feature = "tls")]
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails only if another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

struct Place<'pool> {
    idle: Option<(Connection, Instant)>,
    slot: Slot<'pool>,
}

/// The right to have one connection open; free again when dropped.
struct Slot<'pool>(Option<&'pool Pool>);

impl<'pool> Slot<'pool> {
    fn with(self, connection: Connection) -> Lease<'pool> {
        Lease { slot: self, connection }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let Some(pool) = self.0.take() {
            pool.lock().open -= 1;
            pool.freed.notify_one();
        }
    }
}

/// A connection in use. It is closed when dropped.
struct Lease<'pool> {
    slot: Slot<'pool>,
    connection: Connection,
}

impl Lease<'_> {
    fn give_back(mut self) {
        if let Some(pool) = self.slot.0.take() {
            pool.lock().idle.push((self.connection, Instant::now()));
            pool.freed.notify_one();
        }
    }
}
