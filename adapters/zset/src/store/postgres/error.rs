//! The errors of sqlx and PostgreSQL in our terms, by type and SQLSTATE.

use worldstore_core::{Error, ErrorKind};

/// Translates an error of the client or the server.
pub(super) fn translate(error: sqlx::Error) -> Error {
    let (kind, message) = match &error {
        sqlx::Error::Database(database) => of_state(database.code().as_deref().unwrap_or_default()),
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => {
            (ErrorKind::Unavailable, "the connection to the server failed")
        }
        sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => {
            (ErrorKind::Invalid, "the settings of the connection are wrong")
        }
        _ => (ErrorKind::Unexpected, "the server answered what was not expected"),
    };
    Error::new(kind, message).caused_by(error)
}

/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn of_state(state: &str) -> (ErrorKind, &'static str) {
    match state {
        // Serialization failure, deadlock, lock timeout.
        "40001" | "40P01" | "55P03" => (ErrorKind::Conflict, "another step holds the schema"),
        "22003" => (ErrorKind::Invalid, "a sum of weights leaves the range of 64 bits"),
        "54000" => (ErrorKind::Invalid, "a row is too large for the primary key of the server"),
        // The server ends sessions whose transactions are idle, or open, for too long.
        "25P03" | "25P04" => (ErrorKind::Unavailable, "the server has ended the session"),
        "57014" => (ErrorKind::Unavailable, "the server did not finish in time"),
        "53100" => (ErrorKind::StorageFull, "no space is left at the server"),
        "42501" | "25006" => (ErrorKind::PermissionDenied, "the user may not do this"),
        "3D000" => (ErrorKind::NotFound, "the database does not exist"),
        "3F000" | "42P01" => (ErrorKind::NotFound, "the store has no such table"),
        "42703" | "42P07" => (ErrorKind::Invalid, "the schema belongs to another program"),
        "XX001" | "XX002" => (ErrorKind::Corrupt, "the database is damaged"),
        _ => match state.get(..2) {
            Some("28") => (ErrorKind::PermissionDenied, "the server refused user or password"),
            Some("08" | "53" | "57") => (ErrorKind::Unavailable, "the server is not available"),
            _ => (ErrorKind::Unexpected, "the server failed"),
        },
    }
}

/// True if a number does not fit its type.
pub(super) fn is_out_of_range(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.code().as_deref() == Some("22003"))
}

/// True if a commit that failed in this way may have taken effect: no answer of the server says that it has not.
pub(super) fn is_unclear(error: &sqlx::Error) -> bool {
    match error {
        // "Connection exception" and "operator intervention", such as a shutdown.
        sqlx::Error::Database(database) => {
            matches!(database.code().as_deref().and_then(|state| state.get(..2)), Some("08" | "57") | None)
        }
        _ => true,
    }
}

/// True if the connection can be used no longer.
pub(super) fn is_broken(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<sqlx::Error>());
    match source {
        Some(sqlx::Error::Database(database)) => match database.code().as_deref() {
            Some("25P03" | "25P04") | None => true,
            Some(state) => matches!(state.get(..2), Some("08" | "57") | None),
        },
        Some(_) => true,
        None => false,
    }
}
