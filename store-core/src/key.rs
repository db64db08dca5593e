//! Keys of objects and prefixes of listings: checked once, trusted afterwards, never rewritten.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

/// The longest key in bytes. S3, GCS and Azure allow 1,024.
pub const KEY_BYTES_MAX: usize = 1024;

/// The name of an object below a backend's root: segments joined by `/`.
///
/// A key is not empty and has no empty segment, no `.` and no `..`, no control character, no backslash, and at most
/// [`KEY_BYTES_MAX`] bytes. Nothing is trimmed, decoded or normalised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// Checks the text and makes a key of it.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), naming the rule that it breaks.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        check(text)?;
        Ok(Self(text.into()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder that holds the object; the root for a key of one segment.
    pub fn parent(&self) -> Prefix {
        Prefix(self.0.rsplit_once('/').map_or_else(|| "".into(), |(parent, _)| parent.into()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Key {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

/// A folder below a backend's root: like a [`Key`], or empty for the root itself. It never ends in `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(Arc<str>);

impl Prefix {
    /// The root: every object is below it.
    pub fn root() -> Self {
        Self("".into())
    }

    /// Checks the text and makes a prefix of it. The empty text is the root.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), naming the rule that it breaks.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        if !text.is_empty() {
            check(text)?;
        }
        Ok(Self(text.into()))
    }

    /// The prefix as text, without a trailing `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of an object below this folder.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) as for [`Key::new`].
    pub fn key(&self, rest: impl AsRef<str>) -> Result<Key> {
        match self.is_root() {
            true => Key::new(rest),
            false => Key::new(format!("{}/{}", self.0, rest.as_ref())),
        }
    }

    /// The folder below this one.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) as for [`Prefix::new`].
    pub fn join(&self, rest: impl AsRef<str>) -> Result<Prefix> {
        self.key(rest).map(|key| Self(key.0))
    }

    /// For messages: the root has a name there.
    pub(crate) fn told(&self) -> &str {
        if self.is_root() { "the root" } else { &self.0 }
    }

    /// What follows this prefix in `key`, if the key is below it.
    pub fn strip<'key>(&self, key: &'key str) -> Option<&'key str> {
        match self.is_root() {
            true => Some(key),
            false => key.strip_prefix(&*self.0)?.strip_prefix('/'),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(text: &str) -> Result<()> {
    if text.len() <= KEY_BYTES_MAX && is_plain(text) {
        return Ok(());
    }
    check_closely(text)
}

/// True if the text clearly keeps all rules but that of its length: printable ASCII, no segment with a dot in front.
/// Nearly all keys are of this kind, and one look at each byte is enough for them.
fn is_plain(text: &str) -> bool {
    let mut before = b'/';
    for byte in text.bytes() {
        let is_doubtful = match byte {
            b'/' | b'.' => before == b'/',
            b' '..=b'~' => byte == b'\\',
            _ => true,
        };
        if is_doubtful {
            return false;
        }
        before = byte;
    }
    before != b'/'
}

fn check_closely(text: &str) -> Result<()> {
    let broken = |rule: &str| Err(Error::invalid(rule).with("key", format!("{text:?}")));
    if text.len() > KEY_BYTES_MAX {
        let start: String = text.chars().take(40).collect();
        return Err(Error::invalid("key is too long")
            .with("key", format!("{start:?}…"))
            .with("bytes", text.len())
            .with("bytes_max", KEY_BYTES_MAX));
    }
    if text.contains('\\') {
        return broken("key contains a backslash");
    }
    if text.chars().any(char::is_control) {
        return broken("key contains a control character");
    }
    for segment in text.split('/') {
        match segment {
            "" => return broken("key has an empty segment"),
            "." | ".." => return broken("key has a dot segment"),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
