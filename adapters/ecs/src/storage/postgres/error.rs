//! The errors of sqlx and PostgreSQL, where they mean something of ours.

use worldstore_core::{Error, ErrorKind};
use worldstore_db_common::postgres::{cause, is_unclear, state, translate_with};

/// Translates an error of the client or the server.
pub(super) fn translate(error: sqlx::Error) -> Error {
    translate_with(error, |state| match state {
        "40001" | "40P01" | "55P03" => Some((ErrorKind::Conflict, "another batch is in flight")),
        "3F000" | "42P01" => Some((ErrorKind::NotFound, "the namespace does not exist")),
        "42703" | "42P07" => Some((ErrorKind::Invalid, "the namespace belongs to another program")),
        "22021" => Some((ErrorKind::Invalid, "the server takes no text with a zero byte")),
        _ => None,
    })
}

/// True if a restore by another came in between: a table was not there, or each waited for tables of the other. Nothing
/// was done then.
pub(super) fn is_overtaken(error: &Error) -> bool {
    matches!(cause(error).and_then(state).as_deref(), Some("42P01" | "40P01"))
}

/// The error of a commit: unless the server says that it has not, it may have taken effect.
pub(super) fn of_commit(error: sqlx::Error) -> Error {
    match is_unclear(&error) {
        true => Error::new(ErrorKind::OutcomeUnknown, "the batch may or may not have been applied").caused_by(error),
        false => translate(error),
    }
}
