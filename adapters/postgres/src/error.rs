//! The errors of sqlx and PostgreSQL, where they mean something of ours.

use tokio::task::JoinError;
use worldstore_core::{Error, ErrorKind};
use worldstore_db_common::postgres::translate_with;

/// Translates an error of the client or the server.
pub(crate) fn translate(error: sqlx::Error) -> Error {
    translate_with(error, |state| match state {
        "3F000" | "42P01" => Some((ErrorKind::NotFound, "the namespace does not exist")),
        "42703" | "42P07" => Some((ErrorKind::Invalid, "the namespace belongs to another program")),
        _ => None,
    })
}

/// The error of a task that did not end by itself.
pub(crate) fn interrupted(error: JoinError) -> Error {
    match error.is_cancelled() {
        true => Error::new(ErrorKind::Poisoned, "the runtime has shut down").caused_by(error),
        false => Error::unexpected("the client panicked").caused_by(error),
    }
}
