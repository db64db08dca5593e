//! Changes: under which condition, how durable, under which token, and how they end.

use std::fmt;
use std::sync::Arc;

use super::object::{ObjectMeta, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;

/// What must hold at the moment at which a change takes effect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Condition {
    /// Nothing: the last writer wins.
    #[default]
    None,
    /// The key holds no object.
    IfAbsent,
    /// The key holds exactly this state.
    IfMatch(Version),
}

/// What survives after the call has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Whatever the operating system does: a power cut may lose or tear the object.
    None,
    /// The object's bytes are on stable storage; its name may be lost.
    File,
    /// Bytes, name and every folder made for it are on stable storage.
    #[default]
    Full,
}

/// A name for one write, kept with the object: by it a write whose outcome is unknown is found again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WriteToken(Arc<str>);

impl WriteToken {
    /// Wraps a token. No two writes may share one: a random one of 16 bytes or more is right.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) unless it has 1 to 128 ASCII letters, digits, `-`, `_` or `.`.
    pub fn new(token: impl Into<Arc<str>>) -> Result<Self> {
        let token = token.into();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        match (1..=128).contains(&token.len()) && token.bytes().all(legal) {
            true => Ok(Self(token)),
            false => Err(Error::invalid("write token is not 1 to 128 letters, digits, hyphens, underscores or dots")
                .with("token", &token)),
        }
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WriteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What reading back tells of a write with a [`WriteToken`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Settled {
    /// It took effect, and the object is still the one that it wrote.
    Applied(ObjectMeta),
    /// The key holds no object: it did not take effect, or what it wrote is deleted since.
    Absent,
    /// The key holds what another write has written: it did not take effect, or was overwritten since.
    Other(ObjectMeta),
}

/// How a change with a condition ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a change that was rejected or whose fate is unknown is not an error of the call"]
pub enum Outcome {
    /// It took effect; this is the new state.
    Applied(ObjectMeta),
    /// The condition was false; nothing changed.
    Rejected,
    /// It may or may not have taken effect. Read back before doing anything else: with a [`WriteToken`],
    /// [`settle`](crate::Backend::settle) tells.
    Unknown,
}

impl Outcome {
    /// The new state, or the error that fits the condition that was asked for.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) or [`ConditionFailed`](ErrorKind::ConditionFailed) if rejected,
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if unknown.
    pub fn applied(self, key: &Key, condition: &Condition) -> Result<ObjectMeta> {
        let (kind, message) = match (self, condition) {
            (Self::Applied(meta), _) => return Ok(meta),
            (Self::Rejected, Condition::IfAbsent) => (ErrorKind::AlreadyExists, "object exists already"),
            (Self::Rejected, _) => (ErrorKind::ConditionFailed, "object is not in the expected state"),
            (Self::Unknown, _) => (ErrorKind::OutcomeUnknown, "the change may or may not have been applied"),
        };
        Err(Error::new(kind, message).with("key", key))
    }
}

/// Options of [`settle`](crate::Backend::settle).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SettleOptions {}
