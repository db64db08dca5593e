//! The errors of sqlx and PostgreSQL in our terms, by type and SQLSTATE.

use worldstore_core::{Error, ErrorKind};

/// Translates an error of the client or the server.
pub(super) fn translate(error: sqlx::Error) -> Error {
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

/// True if a restore by another came in between: a table was not there, or each waited for tables of the other. Nothing
/// was done then.
pub(super) fn is_overtaken(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<sqlx::Error>());
    let database = cause.and_then(sqlx::Error::as_database_error);
    database.is_some_and(|database| matches!(database.code().as_deref(), Some("42P01" | "40P01")))
}

/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn of_state(state: &str) -> (ErrorKind, &'static str) {
    match state {
        // Serialization failure, deadlock, lock timeout.
        "40001" | "40P01" | "55P03" => (ErrorKind::Conflict, "another batch is in flight"),
        "57014" => (ErrorKind::Unavailable, "the server did not finish in time"),
        "53100" => (ErrorKind::StorageFull, "no space is left at the server"),
        "42501" | "25006" => (ErrorKind::PermissionDenied, "the user may not do this"),
        "3D000" => (ErrorKind::NotFound, "the database does not exist"),
        "3F000" | "42P01" => (ErrorKind::NotFound, "the namespace does not exist"),
        "42703" | "42P07" => (ErrorKind::Invalid, "the namespace belongs to another program"),
        "22021" => (ErrorKind::Invalid, "the server takes no text with a zero byte"),
        "XX001" | "XX002" => (ErrorKind::Corrupt, "the database is damaged"),
        _ => match state.get(..2) {
            Some("28") => (ErrorKind::PermissionDenied, "the server refused user or password"),
            Some("08" | "53" | "57") => (ErrorKind::Unavailable, "the server is not available"),
            _ => (ErrorKind::Unexpected, "the server failed"),
        },
    }
}

/// The error of a commit: unless the server says that it has not, it may have taken effect.
pub(super) fn of_commit(error: sqlx::Error) -> Error {
    let refused = match &error {
        // "Connection exception" and "operator intervention", such as a shutdown, say nothing.
        sqlx::Error::Database(database) => {
            !matches!(database.code().as_deref().and_then(|state| state.get(..2)), Some("08" | "57") | None)
        }
        _ => false,
    };
    match refused {
        true => translate(error),
        false => Error::new(ErrorKind::OutcomeUnknown, "the batch may or may not have been applied").caused_by(error),
    }
}
