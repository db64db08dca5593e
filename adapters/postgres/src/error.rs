//! The errors of sqlx and PostgreSQL in our terms, by type and SQLSTATE.

use tokio::task::JoinError;
use worldstore_core::{Error, ErrorKind};

/// Translates an error of the client or the server.
pub(crate) fn translate(error: sqlx::Error) -> Error {
    let (kind, message) = match &error {
        sqlx::Error::Database(database) => of_state(database.code().as_deref().unwrap_or_default()),
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => {
            (ErrorKind::Unavailable, "the connection to the server failed")
        }
        sqlx::Error::PoolTimedOut => (ErrorKind::Unavailable, "no connection to the server came free in time"),
        sqlx::Error::PoolClosed => (ErrorKind::Poisoned, "the connections are closed"),
        sqlx::Error::Tls(_) => (ErrorKind::Unavailable, "the encrypted connection failed"),
        sqlx::Error::Configuration(_) => (ErrorKind::Invalid, "the settings of the connection are wrong"),
        _ => (ErrorKind::Unexpected, "the server answered what was not expected"),
    };
    Error::new(kind, message).caused_by(error)
}

/// The error of a task that did not end by itself.
pub(crate) fn interrupted(error: JoinError) -> Error {
    match error.is_cancelled() {
        true => Error::new(ErrorKind::Poisoned, "the runtime has shut down").caused_by(error),
        false => Error::unexpected("the client panicked").caused_by(error),
    }
}

/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn of_state(state: &str) -> (ErrorKind, &'static str) {
    match state {
        // Serialization failure, deadlock, lock timeout.
        "40001" | "40P01" | "55P03" => (ErrorKind::Conflict, "another change is in flight"),
        "57014" => (ErrorKind::Unavailable, "the server did not finish in time"),
        "53100" => (ErrorKind::StorageFull, "no space is left at the server"),
        "42501" | "25006" => (ErrorKind::PermissionDenied, "the user may not do this"),
        "3D000" => (ErrorKind::NotFound, "the database does not exist"),
        "3F000" | "42P01" => (ErrorKind::NotFound, "the namespace does not exist"),
        "42703" | "42P07" => (ErrorKind::Invalid, "the namespace belongs to another program"),
        "XX001" | "XX002" => (ErrorKind::Corrupt, "the database is damaged"),
        _ => match state.get(..2) {
            Some("28") => (ErrorKind::PermissionDenied, "the server refused user or password"),
            Some("08" | "53" | "57") => (ErrorKind::Unavailable, "the server is not available"),
            _ => (ErrorKind::Unexpected, "the server failed"),
        },
    }
}

/// True if a commit that failed in this way may have taken effect: no answer of the server says that it has not.
pub(crate) fn is_unclear(error: &sqlx::Error) -> bool {
    match error {
        // "Connection exception" and "operator intervention", such as a shutdown.
        sqlx::Error::Database(database) => {
            matches!(database.code().as_deref().and_then(|state| state.get(..2)), Some("08" | "57") | None)
        }
        _ => true,
    }
}
