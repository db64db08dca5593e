//! Numbers of failures: what the system says, to be told apart.

use std::io;

use rustix::io::Errno;

use crate::error::{Error, ErrorKind};

/// The number of a failure of a file system, which always has one.
pub(super) fn errno_of(error: io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

/// Translates a failure of a read: a link, a file on the way or a missing folder all mean that there is no object.
pub(super) fn absent_or(operation: &'static str, errno: Errno) -> Error {
    match errno {
        Errno::LOOP | Errno::XDEV => Error::new(ErrorKind::PermissionDenied, "symbolic links are not followed")
            .during(operation)
            .caused_by(errno),
        Errno::NOTDIR => Error::not_found("no such object").during(operation).caused_by(errno),
        other => failed(operation, other),
    }
}

pub(super) fn failed(operation: &'static str, errno: Errno) -> Error {
    Error::io(operation, errno.into())
}
