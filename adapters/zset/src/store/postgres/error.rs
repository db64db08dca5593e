//! The errors of sqlx and PostgreSQL, where they mean something of ours.

use worldstore_core::{Error, ErrorKind};
use worldstore_db_common::postgres::{cause, is_unclear, state, translate_with};

/// Translates an error of the client or the server.
pub(super) fn translate(error: sqlx::Error) -> Error {
    translate_with(error, |state| match state {
        "40001" | "40P01" | "55P03" => Some((ErrorKind::Conflict, "another step holds the schema")),
        "22003" => Some((ErrorKind::Invalid, "a sum of weights leaves the range of 64 bits")),
        "54000" => Some((ErrorKind::Invalid, "a row is too large for the primary key of the server")),
        "3F000" | "42P01" => Some((ErrorKind::NotFound, "the store has no such table")),
        "42703" | "42P07" => Some((ErrorKind::Invalid, "the schema belongs to another program")),
        _ => None,
    })
}

/// True if a number does not fit its type.
pub(super) fn is_out_of_range(error: &sqlx::Error) -> bool {
    state(error).as_deref() == Some("22003")
}

/// True if the connection can be used no longer: the server has ended the session, or it was not the server that failed.
pub(super) fn is_broken(error: &Error) -> bool {
    let ended = |error| matches!(state(error).as_deref(), Some("25P03" | "25P04"));
    cause(error).is_some_and(|error| ended(error) || is_unclear(error))
}
