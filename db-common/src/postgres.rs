//! Pools of connections to PostgreSQL, and its errors by type and [SQLSTATE](https://www.postgresql.org/docs/15/errcodes-appendix.html).

mod pool;

use std::borrow::Cow;

use sqlx::Error as ClientError;
use worldstore_core::{Error, ErrorKind};

use crate::Meaning;

pub use pool::{SCHEMA_BYTES_MAX, check_schema, milliseconds, pool_options};

/// Translates an error of the client or the server; it becomes the cause of ours.
///
/// - `Conflict`: a serialization failure, a deadlock, or a lock that was not given in time.
/// - `Unavailable`: no connection, none free in time, a statement or a session that the server has ended, a server that stops or has
///   no memory.
/// - `PermissionDenied`, `NotFound` (database, schema or table), `StorageFull`, `Corrupt`: as the server says.
/// - `Invalid`: settings that the client cannot use.
/// - `Poisoned`: the pool is closed.
/// - `Unexpected`: anything else.
pub fn translate(error: ClientError) -> Error {
    translate_with(error, |_| None)
}

/// [`translate`], with meanings of one's own for what the server answers, asked first.
///
/// ```
/// use worldstore_core::ErrorKind;
/// use worldstore_db_common::postgres::translate_with;
///
/// let error = translate_with(sqlx::Error::PoolClosed, |state| match state {
///     "42P01" => Some((ErrorKind::NotFound, "the counter does not exist")),
///     _ => None,
/// });
/// assert_eq!(error.kind(), ErrorKind::Poisoned);
/// ```
pub fn translate_with(error: ClientError, own: impl FnOnce(&str) -> Option<Meaning>) -> Error {
    let (kind, message) = match &error {
        ClientError::Database(_) => {
            let state = state(&error).unwrap_or_default();
            own(&state).unwrap_or_else(|| of_state(&state))
        }
        ClientError::Io(_) | ClientError::WorkerCrashed | ClientError::BeginFailed => {
            (ErrorKind::Unavailable, "the connection to the server failed")
        }
        ClientError::PoolTimedOut => (ErrorKind::Unavailable, "no connection to the server came free in time"),
        ClientError::PoolClosed => (ErrorKind::Poisoned, "the connections are closed"),
        ClientError::Tls(_) => (ErrorKind::Unavailable, "the encrypted connection failed"),
        ClientError::Configuration(_) => (ErrorKind::Invalid, "the settings of the connection are wrong"),
        _ => (ErrorKind::Unexpected, "the server answered what was not expected"),
    };
    Error::new(kind, message).caused_by(error)
}

fn of_state(state: &str) -> Meaning {
    match state {
        // Serialization failure, deadlock, lock timeout.
        "40001" | "40P01" | "55P03" => (ErrorKind::Conflict, "another change is in flight"),
        "57014" => (ErrorKind::Unavailable, "the server did not finish in time"),
        // It ends sessions whose transactions are idle, or open, for too long.
        "25P03" | "25P04" => (ErrorKind::Unavailable, "the server has ended the session"),
        "53100" => (ErrorKind::StorageFull, "no space is left at the server"),
        "42501" | "25006" => (ErrorKind::PermissionDenied, "the user may not do this"),
        "3D000" => (ErrorKind::NotFound, "the database does not exist"),
        "3F000" => (ErrorKind::NotFound, "the schema does not exist"),
        "42P01" => (ErrorKind::NotFound, "the table does not exist"),
        "XX001" | "XX002" => (ErrorKind::Corrupt, "the database is damaged"),
        _ => match state.get(..2) {
            Some("28") => (ErrorKind::PermissionDenied, "the server refused user or password"),
            Some("08" | "53" | "57") => (ErrorKind::Unavailable, "the server is not available"),
            _ => (ErrorKind::Unexpected, "the server failed"),
        },
    }
}

/// The SQLSTATE that the server answered: five characters. `None` if it is not the server that failed.
pub fn state(error: &ClientError) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(|error| error.code())
}

/// The client's error that an error of ours was made of.
pub fn cause(error: &Error) -> Option<&ClientError> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref())
}

/// True if a commit that failed in this way may have taken effect: no answer of the server says that it has not.
///
/// An answer of class 08 ("connection exception") or 57 ("operator intervention", as a shutdown) says nothing.
pub fn is_unclear(error: &ClientError) -> bool {
    let state = state(error);
    matches!(state.as_deref().and_then(|state| state.get(..2)), Some("08" | "57") | None)
}

#[cfg(test)]
mod tests;
