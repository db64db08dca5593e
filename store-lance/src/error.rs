//! Lance's errors as ours.

use lance_core::Error as LanceError;
use worldstore_async::object_store::find_error;
use worldstore_core::{Error, ErrorKind};

/// The error of ours in one of Lance's. Its `External` shows the cause of what it holds as its own, and so hides it.
fn carried(error: &LanceError) -> Option<&Error> {
    match error {
        LanceError::External { source } => find_error(source.as_ref()),
        other => find_error(other),
    }
}

/// How the text of an error of ours begins, where it came through an object store.
const TOLD: &str = "Generic worldstore error: ";
/// Kinds of errors that reading and writing files has.
const KINDS: [ErrorKind; 5] = [
    ErrorKind::Unavailable,
    ErrorKind::StorageFull,
    ErrorKind::PermissionDenied,
    ErrorKind::OutcomeUnknown,
    ErrorKind::Corrupt,
];

/// The kind of an error of ours of which there is only the text: Lance copies those that several wait for as texts.
fn told(error: &LanceError) -> Option<ErrorKind> {
    let text = error.to_string();
    let (_, told) = text.split_once(TOLD)?;
    let (kind, _) = told.split_once(':')?;
    KINDS.into_iter().find(|known| known.as_str() == kind)
}

/// Translates an error of Lance: one of ours that it carries keeps its kind.
pub(crate) fn from_lance(source: LanceError) -> Error {
    if let Some(ours) = carried(&source) {
        let mut error = Error::new(ours.kind(), ours.message()).retry_as(ours.retry());
        for key in ["have", "expected", "epoch", "key"] {
            if let Some((_, value)) = ours.context().find(|(name, _)| *name == key) {
                error = error.with(key, value.to_owned());
            }
        }
        return error.caused_by(source);
    }
    if let Some(kind) = told(&source) {
        return Error::new(kind, "a file of the table cannot be read or written").caused_by(source);
    }
    if source.is_not_found() {
        // However deep in the causes: a file that was there when it was looked up may have expired since.
        return Error::new(ErrorKind::NotFound, "no such table, version or file").caused_by(source);
    }
    let (kind, message) = match &source {
        LanceError::DatasetNotFound { .. } | LanceError::VersionNotFound { .. } => {
            (ErrorKind::NotFound, "no such table or version")
        }
        LanceError::DatasetAlreadyExists { .. } => (ErrorKind::AlreadyExists, "table exists already"),
        LanceError::CommitConflict { .. }
        | LanceError::RetryableCommitConflict { .. }
        | LanceError::TooMuchWriteContention { .. }
        | LanceError::IncompatibleTransaction { .. } => {
            (ErrorKind::Conflict, "another change of the table is in flight")
        }
        LanceError::InvalidInput { .. } | LanceError::SchemaMismatch { .. } | LanceError::Schema { .. } => {
            (ErrorKind::Invalid, "Lance refused the call")
        }
        LanceError::NotSupported { .. } => (ErrorKind::Unsupported, "Lance does not have this"),
        LanceError::CorruptFile { .. } => (ErrorKind::Corrupt, "a file of the table is damaged"),
        LanceError::Timeout { .. } => (ErrorKind::Unavailable, "Lance ran out of time"),
        _ => (ErrorKind::Unexpected, "Lance failed"),
    };
    Error::new(kind, message).caused_by(source)
}

#[cfg(test)]
mod tests;
