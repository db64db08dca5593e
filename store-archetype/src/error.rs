//! Errors of the serde bridge in the terms of the workspace.

use worldstore_core::{Error, ErrorKind};

/// What serde or its bridge to Arrow refused.
pub(crate) fn from_serde(kind: ErrorKind, message: &'static str, source: serde_arrow::Error) -> Error {
    Error::new(kind, message).with("reason", source.message().to_lowercase()).caused_by(source)
}
