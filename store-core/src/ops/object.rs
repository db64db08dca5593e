//! What is known of an object: its version, its metadata.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;

/// An opaque token for one state of an object. Two states of one key never share a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// Wraps the token of a backend: an etag, a generation, a counter.
    pub fn new(token: impl Into<Arc<str>>) -> Self {
        Self(token.into())
    }

    /// A number in decimal digits, without the detour of the standard formatting.
    pub(crate) fn of_number(number: u64) -> Self {
        let mut digits = [b'0'; 20];
        let (mut rest, mut begin) = (number, digits.len() - 1);
        while rest > 9 {
            digits[begin] += (rest % 10) as u8;
            rest /= 10;
            begin -= 1;
        }
        digits[begin] += rest as u8;
        // Nothing is lost: it is ASCII.
        Self::new(&*String::from_utf8_lossy(&digits[begin..]))
    }

    /// The token. Only its equality means something.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectMeta {
    /// The name below the backend's root.
    pub key: Key,
    /// Length in bytes.
    pub size: u64,
    /// The token of this state, where the backend has one.
    pub version: Option<Version>,
    /// When it was last written, where the backend knows.
    pub modified: Option<SystemTime>,
}

impl ObjectMeta {
    /// Metadata with key and size only.
    pub fn new(key: Key, size: u64) -> Self {
        Self { key, size, version: None, modified: None }
    }

    /// Sets the version.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets the time of the last write.
    #[must_use]
    pub fn with_modified(mut self, modified: SystemTime) -> Self {
        self.modified = Some(modified);
        self
    }

    /// Checks a pinned version.
    ///
    /// # Errors
    /// [`ConditionFailed`](ErrorKind::ConditionFailed) if the object is in another state.
    pub fn expect_version(&self, version: Option<&Version>) -> Result<()> {
        match version {
            Some(version) if self.version.as_ref() != Some(version) => {
                Err(Error::new(ErrorKind::ConditionFailed, "object is not in the expected state")
                    .with("key", &self.key)
                    .with("expected", version))
            }
            _ => Ok(()),
        }
    }
}

/// Options of [`stat`](crate::Backend::stat).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StatOptions {}

#[cfg(test)]
mod tests;
