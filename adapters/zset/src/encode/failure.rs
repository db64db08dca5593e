//! What serde may say while a value is written or read, and its translation.

use std::fmt;

use worldstore_core::{Error, ErrorKind};

/// A message from serde or from the encoding.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    is_undescribed: bool,
}

impl Failure {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), is_undescribed: false }
    }

    /// The type asks what comes next, and the bytes do not say.
    pub(crate) fn undescribed() -> Self {
        Self { message: "the type needs a format that describes itself".to_owned(), is_undescribed: true }
    }

    /// True if the type can never be read.
    pub(crate) fn is_undescribed(&self) -> bool {
        self.is_undescribed
    }

    /// As an error of writing: the type does not fit.
    pub(crate) fn on_write(self) -> Error {
        Error::invalid("a row cannot be encoded").with("reason", self.message)
    }

    /// As an error of reading: the bytes do not fit.
    pub(crate) fn on_read(self) -> Error {
        Error::new(ErrorKind::Corrupt, "stored bytes are no encoding of the row's type").with("reason", self.message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl serde::ser::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl serde::de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}
