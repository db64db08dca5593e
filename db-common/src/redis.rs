//! Errors of a Redis server and its client, and connections that wait for each other.

mod pool;

use redis::{RedisError, ServerErrorKind};
use worldstore_core::{Error, ErrorKind, Result};

use crate::Meaning;

pub use pool::{Limits, Pool};

/// Translates an error of a call that has changed nothing, or can be made again; it becomes the cause of ours, with the server's code.
///
/// - `Unavailable`: a server that cannot be reached, starts, is a replica now, or has broken off.
/// - `PermissionDenied`, `StorageFull` (out of memory): as the server says.
/// - `Corrupt`: a key holds another type.
/// - `Invalid`: an address that the client cannot use.
/// - `Unexpected`: anything else.
pub fn translate(error: RedisError) -> Error {
    let (kind, message) = match error.kind() {
        redis::ErrorKind::Io => (ErrorKind::Unavailable, "server cannot be reached"),
        redis::ErrorKind::Parse => (ErrorKind::Unavailable, "server broke off its answer"),
        redis::ErrorKind::AuthenticationFailed => (ErrorKind::PermissionDenied, "server refused the credentials"),
        redis::ErrorKind::InvalidClientConfig => (ErrorKind::Invalid, "address of the server is wrong"),
        redis::ErrorKind::UnexpectedReturnType => (ErrorKind::Corrupt, "server holds something else under our keys"),
        redis::ErrorKind::Server(kind) => of_server(kind, error.code()),
        _ => of_server(ServerErrorKind::ResponseError, error.code()),
    };
    let failed = Error::new(kind, message);
    let failed = error.code().iter().fold(failed, |failed, code| failed.with("code", code));
    failed.caused_by(error)
}

fn of_server(kind: ServerErrorKind, code: Option<&str>) -> Meaning {
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
pub fn is_broken(error: &RedisError) -> bool {
    matches!(error.kind(), redis::ErrorKind::Io | redis::ErrorKind::Parse) || error.is_unrecoverable_error()
}

/// Checks the name that the keys of a program begin with, as their hash tag: what two of them hold does not mix.
///
/// # Errors
/// `Invalid` unless it has 1 to 128 ASCII letters, digits, `-`, `_`, `.`, `:` or `/`.
pub fn check_namespace(name: &str) -> Result<()> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    match (1..=128).contains(&name.len()) && name.bytes().all(legal) {
        true => Ok(()),
        false => {
            let error = Error::invalid("namespace is not 1 to 128 letters, digits, or any of - _ . : /");
            Err(error.with("namespace", name))
        }
    }
}

#[cfg(test)]
mod tests;
