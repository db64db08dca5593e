//! The client's errors in the terms of worldstore.

use redis::{RedisError, ServerErrorKind};
use worldstore_core::{Error, ErrorKind};

/// Translates an error of a call that has changed nothing, or can be made again.
pub(crate) fn failed(error: RedisError) -> Error {
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
pub(crate) fn is_broken(error: &RedisError) -> bool {
    matches!(error.kind(), redis::ErrorKind::Io | redis::ErrorKind::Parse) || error.is_unrecoverable_error()
}
