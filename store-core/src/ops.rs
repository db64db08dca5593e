//! Arguments and results of the operations of a backend: option structs, replies, outcomes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::capability::Capability;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};

/// An opaque token for one state of an object. Two states of one key never share a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// Wraps the token of a backend: an etag, a generation, a counter.
    pub fn new(token: impl Into<Arc<str>>) -> Self {
        Self(token.into())
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

/// A stream of chunks: the body of a read, in order and without gaps. After an error it ends.
pub type Chunks = Box<dyn Iterator<Item = Result<Bytes>> + Send>;

/// What a backend is: for messages, plans and checks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BackendInfo {
    /// One word, the same in URIs, features and configuration: `memory`, `local`, `s3`.
    pub scheme: &'static str,
    /// Where the root is, without secrets.
    pub root: String,
    /// What it can do.
    pub capability: Capability,
    /// How its names are arranged; a tree by default.
    pub namespace: Namespace,
}

/// How the names of a backend are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Namespace {
    /// As in a file system: an object is no folder, and a key below an object is refused.
    #[default]
    Tree,
    /// Keys are plain text: `a` and `a/b` can both be objects, and a folder is what keys have in common.
    Flat,
}

impl BackendInfo {
    /// Describes a backend.
    pub fn new(scheme: &'static str, root: impl Into<String>, capability: Capability) -> Self {
        Self { scheme, root: root.into(), capability, namespace: Namespace::Tree }
    }

    /// Sets the arrangement of names.
    #[must_use]
    pub fn with_namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }
}

/// A part of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadRange {
    /// Bytes from start to end, the end excluded. An end past the object is cut; a start past it is an error.
    Bounded(Range<u64>),
    /// Everything from here on.
    From(u64),
    /// The last bytes, all of them if the object is shorter.
    Last(u64),
}

impl ReadRange {
    /// The bytes that this means for an object of `size` bytes.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it starts past the end or ends before its start.
    pub fn resolve(&self, size: u64) -> Result<Range<u64>> {
        let range = match self {
            Self::Bounded(range) if range.end < range.start => {
                return Err(Error::invalid("range ends before its start")
                    .with("start", range.start)
                    .with("end", range.end));
            }
            Self::Bounded(range) => range.start..range.end.min(size),
            Self::From(start) => *start..size,
            Self::Last(length) => size.saturating_sub(*length)..size,
        };
        if range.start > size {
            return Err(Error::invalid("range starts past the end").with("start", range.start).with("size", size));
        }
        Ok(range.start..range.end.max(range.start))
    }
}

/// Checks that every range lies within an object of `size` bytes.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid), naming the range.
pub fn check_ranges(ranges: &[Range<u64>], size: u64) -> Result<()> {
    match ranges.iter().find(|range| range.start > range.end || range.end > size) {
        Some(range) => {
            Err(Error::invalid("range is not within the object").with("range", format!("{range:?}")).with("size", size))
        }
        None => Ok(()),
    }
}

/// Options of [`stat`](crate::Backend::stat).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StatOptions {}

/// Options of [`read`](crate::Backend::read).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The part to read; everything by default.
    pub range: Option<ReadRange>,
    /// Refuse to read any other state of the object.
    pub version: Option<Version>,
}

impl ReadOptions {
    /// Reads this part only.
    #[must_use]
    pub fn with_range(mut self, range: ReadRange) -> Self {
        self.range = Some(range);
        self
    }

    /// Reads this state only.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }
}

/// Result of [`read`](crate::Backend::read): metadata of the whole object, and the bytes of the part.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReadReply<Body> {
    /// The object that is read.
    pub meta: ObjectMeta,
    /// Which bytes of it follow.
    pub range: Range<u64>,
    /// The bytes.
    pub body: Body,
}

impl<Body> ReadReply<Body> {
    /// Puts the parts together.
    pub fn new(meta: ObjectMeta, range: Range<u64>, body: Body) -> Self {
        Self { meta, range, body }
    }
}

/// Options of [`read_ranges`](crate::Backend::read_ranges).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadRangesOptions {
    /// Refuse to read any other state of the object.
    pub version: Option<Version>,
}

impl ReadRangesOptions {
    /// Reads this state only.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }
}

/// Options of [`write`](crate::Backend::write) and [`open_writer`](crate::Backend::open_writer).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// What must hold when the object is published.
    pub condition: Condition,
    /// What survives after the call has returned.
    pub durability: Durability,
    /// A name for this write, so that it can be found if its outcome is unknown. None by default.
    pub token: Option<WriteToken>,
}

impl WriteOptions {
    /// Publishes only if the key holds no object.
    pub fn if_absent() -> Self {
        Self { condition: Condition::IfAbsent, ..Self::default() }
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Names the write, so that it can be found if its outcome is unknown.
    #[must_use]
    pub fn with_token(mut self, token: WriteToken) -> Self {
        self.token = Some(token);
        self
    }

    /// Sets the durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}

/// Options of [`settle`](crate::Backend::settle).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SettleOptions {}

/// Options of [`delete`](crate::Backend::delete).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct DeleteOptions {
    /// What must hold of each key when its object goes. [`Condition::IfAbsent`] is refused as invalid.
    pub condition: Condition,
}

impl DeleteOptions {
    /// Checks that the condition is one that a delete can have.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for [`Condition::IfAbsent`].
    pub fn check(&self) -> Result<()> {
        match self.condition {
            Condition::IfAbsent => Err(Error::invalid("what is absent cannot be deleted")),
            Condition::None | Condition::IfMatch(_) => Ok(()),
        }
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }
}

/// What became of one key of a delete.
#[derive(Debug)]
pub enum Deleted {
    /// It held an object, which is gone.
    Deleted,
    /// It held none.
    Missing,
    /// The backend does not tell whether there was one; there is none now.
    Gone,
    /// The condition was false: it holds no object, or one in another state. Nothing changed.
    Rejected,
    /// It could not be deleted.
    Failed(Error),
}

/// Options of [`list`](crate::Backend::list).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ListOptions {
    /// Only keys greater than this one, in byte order.
    pub after: Option<Key>,
    /// At most so many entries in the page; the backend's own page size by default.
    pub limit: Option<usize>,
    /// One level only: what lies deeper is reported as folders.
    pub one_level: bool,
    /// Where the page before ended.
    pub token: Option<PageToken>,
}

impl ListOptions {
    /// One level only.
    #[must_use]
    pub fn one_level(mut self) -> Self {
        self.one_level = true;
        self
    }

    /// Only keys after this one.
    #[must_use]
    pub fn with_after(mut self, after: Key) -> Self {
        self.after = Some(after);
        self
    }

    /// At most so many entries.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Goes on where a page ended.
    #[must_use]
    pub fn with_token(mut self, token: PageToken) -> Self {
        self.token = Some(token);
        self
    }
}

/// Where a page of a listing ended; opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(Arc<str>);

impl PageToken {
    /// Wraps a backend's token.
    pub fn new(token: impl Into<Arc<str>>) -> Self {
        Self(token.into())
    }

    /// The token, for the backend that made it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a listing.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ListPage {
    /// Objects, sorted by key in byte order.
    pub objects: Vec<ObjectMeta>,
    /// Folders, sorted; only for listings of one level.
    pub folders: Vec<Prefix>,
    /// Where to go on; none on the last page.
    pub next: Option<PageToken>,
}

/// Options of [`copy`](crate::Backend::copy).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CopyOptions {
    /// What must hold at the target when the copy is published.
    pub condition: Condition,
    /// What survives after the call has returned.
    pub durability: Durability,
}

impl CopyOptions {
    /// Publishes only if the target holds no object.
    pub fn if_absent() -> Self {
        Self { condition: Condition::IfAbsent, ..Self::default() }
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Sets the durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}

/// Options of [`rename`](crate::Backend::rename).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RenameOptions {
    /// What must hold at the target when the object appears there.
    pub condition: Condition,
    /// What survives after the call has returned.
    pub durability: Durability,
}

impl RenameOptions {
    /// Moves only if the target holds no object.
    pub fn if_absent() -> Self {
        Self { condition: Condition::IfAbsent, ..Self::default() }
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Sets the durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}

/// Options of [`check`](crate::Backend::check).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CheckOptions {}

/// Options of [`sign`](crate::backend::Presign::sign).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PresignOptions {
    /// What the link allows.
    pub access: Access,
    /// How long it is valid. An hour by default.
    pub valid_for: Duration,
}

/// What a signed link allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To read the object.
    Read,
    /// To write the object.
    Write,
}

impl PresignOptions {
    /// A link that is valid for an hour.
    pub fn new(access: Access) -> Self {
        Self { access, valid_for: Duration::from_secs(3600) }
    }

    /// Sets how long it is valid.
    #[must_use]
    pub fn valid_for(mut self, time: Duration) -> Self {
        self.valid_for = time;
        self
    }
}
