//! Errors, to and from those of object_store. Ours travels inside theirs and comes out as it went in.

use std::error::Error as StdError;
use std::sync::Arc;

use object_store::Error as StoreError;
use worldstore_core::{Error, ErrorKind};

const STORE: &str = "worldstore";

/// Our error as one of object_store's, with ours as its source.
pub fn to_object_store(error: Error) -> StoreError {
    let path = error.context().find(|(key, _)| *key == "key").map_or_else(String::new, |(_, key)| key.to_owned());
    let kind = error.kind();
    let source = Box::new(Carried(Arc::new(error)));
    match kind {
        ErrorKind::NotFound => StoreError::NotFound { path, source },
        ErrorKind::AlreadyExists => StoreError::AlreadyExists { path, source },
        ErrorKind::ConditionFailed => StoreError::Precondition { path, source },
        ErrorKind::PermissionDenied => StoreError::PermissionDenied { path, source },
        ErrorKind::Unsupported => StoreError::NotSupported { source },
        _ => StoreError::Generic { store: STORE, source },
    }
}

pub(super) fn not_implemented(operation: &str) -> StoreError {
    StoreError::NotImplemented { operation: operation.to_owned(), implementer: STORE.to_owned() }
}

/// An error of object_store as ours: the one that it carries, else one of the kind that fits.
pub fn from_object_store(error: StoreError) -> Error {
    if let Some(ours) = find(&error) {
        return Error::new(ours.kind(), ours.message()).retry_as(ours.retry()).caused_by(error);
    }
    let (kind, message) = match &error {
        StoreError::NotFound { .. } => (ErrorKind::NotFound, "no such object"),
        StoreError::AlreadyExists { .. } => (ErrorKind::AlreadyExists, "object exists already"),
        StoreError::Precondition { .. } => (ErrorKind::ConditionFailed, "object is not in the expected state"),
        StoreError::NotModified { .. } => (ErrorKind::ConditionFailed, "object is not modified"),
        StoreError::PermissionDenied { .. } => (ErrorKind::PermissionDenied, "access was refused"),
        StoreError::Unauthenticated { .. } => (ErrorKind::PermissionDenied, "credentials are missing or wrong"),
        StoreError::InvalidPath { .. } => (ErrorKind::Invalid, "path is no key"),
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
            (ErrorKind::Unsupported, "the object store cannot do this")
        }
        _ => (ErrorKind::Unavailable, "the object store failed"),
    };
    Error::new(kind, message).caused_by(error)
}

/// The error of ours somewhere among the sources of another.
pub fn find<'error>(error: &'error (dyn StdError + 'static)) -> Option<&'error Error> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(Carried(ours)) = current.downcast_ref::<Carried>() {
            return Some(ours);
        }
        if let Some(ours) = current.downcast_ref::<Error>() {
            return Some(ours);
        }
        next = current.source();
    }
    None
}

/// Our error on its way through foreign code, which may clone what it wraps.
#[derive(Debug, Clone)]
struct Carried(Arc<Error>);

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Carried {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
