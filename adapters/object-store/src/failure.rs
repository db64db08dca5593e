//! Failures of an object store as errors of ours, and what they say about a change.

use std::error::Error as StdError;

use object_store::Error as StoreError;
use worldstore_async::object_store::from_object_store;
use worldstore_core::{Condition, Error, ErrorKind};

use crate::attempts::{Hint, Seen};

/// What a failed change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The condition was false.
    Rejected,
    /// Nothing happened, and the error says why.
    Failed,
    /// It may have happened.
    Unclear,
}

/// Judges a failed change at the place to which the condition belongs.
pub(crate) fn fate(error: &StoreError, seen: Seen, condition: &Condition) -> Fate {
    if seen.unclear || seen.status.is_some_and(|status| (200..300).contains(&status)) {
        return Fate::Unclear;
    }
    match (error, condition) {
        (_, Condition::IfAbsent | Condition::IfMatch(_)) if seen.status == Some(412) => Fate::Rejected,
        (_, Condition::IfAbsent) if seen.hint == Some(Hint::BlobExists) => Fate::Rejected,
        (StoreError::Precondition { .. }, Condition::IfMatch(_)) => Fate::Rejected,
        // 409 is another change in flight, which may fail yet: not the same as "exists".
        (StoreError::AlreadyExists { .. }, Condition::IfAbsent) if seen.status != Some(409) => Fate::Rejected,
        (StoreError::Generic { source, .. }, _) if !seen.watched => unwatched(&**source),
        _ => Fate::Failed,
    }
}

/// Without a watched client the sources are all there is. An error of the operating system is definite; anything else
/// is not, unless the request never left.
fn unwatched(source: &(dyn StdError + 'static)) -> Fate {
    let mut next = Some(source);
    while let Some(error) = next {
        #[cfg(feature = "cloud")]
        if let Some(http) = error.downcast_ref::<object_store::client::HttpError>() {
            return match http.kind() {
                object_store::client::HttpErrorKind::Connect => Fate::Failed,
                _ => Fate::Unclear,
            };
        }
        if error.is::<std::io::Error>() {
            return Fate::Failed;
        }
        next = error.source();
    }
    Fate::Unclear
}

/// The error of ours for one of an object store. The status decides where object_store does not.
pub(crate) fn error_of(error: StoreError, seen: Seen) -> Error {
    let ours = classify(error, seen);
    match seen.retry_after {
        Some(pause) => ours.with_retry_after(pause),
        None => ours,
    }
}

fn classify(error: StoreError, seen: Seen) -> Error {
    let vague = matches!(error, StoreError::Generic { .. } | StoreError::AlreadyExists { .. });
    let (kind, message) = match (seen.hint, seen.status) {
        (Some(Hint::Folder), _) => (ErrorKind::NotFound, "the name is that of a folder"),
        (Some(Hint::BlocksGone), _) => (ErrorKind::Conflict, "another write has thrown away the parts of this one"),
        (_, status) => match status {
            Some(404) if vague => (ErrorKind::NotFound, "no such bucket or object"),
            Some(401 | 403) if vague => (ErrorKind::PermissionDenied, "access was refused"),
            Some(409) => (ErrorKind::Conflict, "another change is in flight"),
            Some(301 | 302 | 303 | 307 | 308) => (ErrorKind::Invalid, "the service points to another address"),
            Some(416) => (ErrorKind::Invalid, "range is not within the object"),
            Some(501) => (ErrorKind::Unsupported, "the service cannot do this"),
            Some(507) => (ErrorKind::StorageFull, "the service is full"),
            Some(408 | 429) => (ErrorKind::Unavailable, "the service is overloaded"),
            Some(400..=499) if vague => (ErrorKind::Unexpected, "the service refused the request"),
            _ => return from_object_store(error),
        },
    };
    Error::new(kind, message).caused_by(error)
}
