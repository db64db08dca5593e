//! What can go wrong between here and the server, and how it reads as an error.

use worldstore_core::{Error, ErrorKind};

use crate::wire::status;

/// Why a request has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server answered with this code.
    Status { code: u32, message: String },
    /// The connection was lost while the answer was waited for.
    Lost,
    /// The server sent nothing at all for the request timeout; the connection was given up.
    Timeout,
    /// The connection was lost before the request was sent.
    NotSent,
    /// The server answered what it may not answer; the connection was given up.
    Garbled(&'static str),
}

pub type Answer<T> = Result<T, Failure>;

impl Failure {
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Status { code: status::NO_SUCH_FILE, .. })
    }

    pub fn is_eof(&self) -> bool {
        matches!(self, Self::Status { code: status::EOF, .. })
    }

    /// True if the request may have been carried out although no answer came.
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::Lost | Self::Timeout | Self::Garbled(_))
    }

    pub fn into_error(self, operation: &'static str) -> Error {
        let (kind, message) = match &self {
            Self::Lost => (ErrorKind::Unavailable, "the connection was lost before the answer came"),
            Self::Timeout => (ErrorKind::Unavailable, "the server has sent nothing for the request timeout"),
            Self::NotSent => (ErrorKind::Unavailable, "the connection was lost before the request was sent"),
            Self::Garbled(what) => (ErrorKind::Unexpected, *what),
            Self::Status { code, .. } => match *code {
                status::NO_SUCH_FILE => (ErrorKind::NotFound, "no such object"),
                status::PERMISSION_DENIED => (ErrorKind::PermissionDenied, "access was refused"),
                status::BAD_MESSAGE => (ErrorKind::Invalid, "the server refuses the name or the request"),
                status::NO_CONNECTION | status::CONNECTION_LOST => {
                    (ErrorKind::Unavailable, "the server says that it has no connection")
                }
                status::OP_UNSUPPORTED => (ErrorKind::Unsupported, "the server does not have this operation"),
                _ => (ErrorKind::Unexpected, "the server reports a failure and no reason"),
            },
        };
        let error = Error::new(kind, message).during(operation);
        match self {
            Self::Status { code, message } => error.with("status", code).with("server", format!("{message:?}")),
            _ => error,
        }
    }
}
