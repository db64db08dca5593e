//! Connections, calls of scripts, and the client's errors in our terms.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use redis::{Client, Connection, RedisError, RedisResult, Script, ScriptInvocation, ServerErrorKind, Value};
use worldstore_core::{Error, ErrorKind, Result};

use super::config::RedisConfig;

/// So many connections are kept while nobody uses them.
const IDLE_MAX: usize = 8;

pub(super) struct Server {
    client: Client,
    config: RedisConfig,
    /// What all keys begin with.
    prefix: String,
    idle: Mutex<Vec<Connection>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client holds the password.
        f.debug_struct("Server").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Server {
    pub fn new(client: Client, config: RedisConfig) -> Self {
        let prefix = format!("{{{}}}:", config.namespace);
        Self { client, config, prefix, idle: Mutex::default() }
    }

    /// Runs a script that changes nothing; once more, if the connection turns out to be broken.
    pub fn look(&self, script: &Script, arguments: impl Fn(&mut ScriptInvocation<'_>)) -> Result<Value> {
        match self.call(script, &arguments) {
            Ok(Err(error)) if is_broken(&error) && !error.is_timeout() => {
                self.call(script, &arguments)?.map_err(failed)
            }
            called => called?.map_err(failed),
        }
    }

    /// Runs a script that must not be run twice.
    ///
    /// # Errors
    /// `OutcomeUnknown` if the answer was lost; nothing has changed with every other error.
    pub fn change(&self, script: &Script, arguments: impl Fn(&mut ScriptInvocation<'_>)) -> Result<Value> {
        self.call(script, &arguments)?.map_err(|error| match is_broken(&error) {
            true => Error::new(ErrorKind::OutcomeUnknown, "the answer of the server was lost").caused_by(failed(error)),
            false => failed(error),
        })
    }

    fn call(&self, script: &Script, arguments: &impl Fn(&mut ScriptInvocation<'_>)) -> Result<RedisResult<Value>> {
        let mut connection = self.connection()?;
        let mut call = script.prepare_invoke();
        call.key(&self.prefix);
        arguments(&mut call);
        let answer = call.invoke::<Value>(&mut connection);
        if !answer.as_ref().is_err_and(is_broken) {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_MAX {
                idle.push(connection);
            }
        }
        Ok(answer)
    }

    fn connection(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut connection) = idle
            && redis::cmd("PING").exec(&mut connection).is_ok()
        {
            return Ok(connection);
        }
        self.connect().map_err(failed)
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(self.config.connect_timeout)?;
        connection.set_read_timeout(Some(self.config.command_timeout))?;
        connection.set_write_timeout(Some(self.config.command_timeout))?;
        Ok(connection)
    }

    /// A setting of the server.
    pub fn setting(&self, name: &str) -> Result<String> {
        let mut connection = self.connection()?;
        let found: Vec<String> = redis::cmd("CONFIG").arg("GET").arg(name).query(&mut connection).map_err(failed)?;
        Ok(found.into_iter().nth(1).unwrap_or_default())
    }
}

/// Translates an error of a call that has changed nothing, or can be made again.
pub(super) fn failed(error: RedisError) -> Error {
    let (kind, message) = match error.kind() {
        redis::ErrorKind::Io => (ErrorKind::Unavailable, "server cannot be reached"),
        redis::ErrorKind::Parse => (ErrorKind::Unavailable, "server broke off its answer"),
        redis::ErrorKind::AuthenticationFailed => (ErrorKind::PermissionDenied, "server refused the credentials"),
        redis::ErrorKind::InvalidClientConfig => (ErrorKind::Invalid, "address of the server is wrong"),
        redis::ErrorKind::Server(kind) => of_server(kind, error.code()),
        _ => of_server(ServerErrorKind::ResponseError, error.code()),
    };
    let failed = Error::new(kind, message);
    let failed = error.code().iter().fold(failed, |failed, code| failed.with("code", code));
    failed.caused_by(error)
}

fn of_server(kind: ServerErrorKind, code: Option<&str>) -> (ErrorKind, &'static str) {
    match (kind, code) {
        (ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown, _)
        | (ServerErrorKind::MasterDown, _)
        | (_, Some("BUSY" | "MISCONF")) => (ErrorKind::Unavailable, "server is not ready"),
        (ServerErrorKind::ReadOnly, _) => (ErrorKind::Unavailable, "server is a replica now"),
        (ServerErrorKind::Moved | ServerErrorKind::Ask, _) => {
            (ErrorKind::Unavailable, "namespace lives on another node of the cluster")
        }
        (ServerErrorKind::NoPerm, _) | (_, Some("NOAUTH" | "WRONGPASS" | "DENIED")) => {
            (ErrorKind::PermissionDenied, "server refused access")
        }
        (_, Some("OOM")) => (ErrorKind::StorageFull, "server is out of memory"),
        (_, Some("WRONGTYPE")) => (ErrorKind::Corrupt, "server holds something else under our keys"),
        _ => (ErrorKind::Unexpected, "server refused the command"),
    }
}

/// True if it is not known what the server has made of the call, and the connection is of no use any more.
fn is_broken(error: &RedisError) -> bool {
    matches!(error.kind(), redis::ErrorKind::Io | redis::ErrorKind::Parse) || error.is_unrecoverable_error()
}
