//! How one object goes from one place to another, and what came of it.

use std::fmt;
use std::sync::Arc;

use super::crc::Crc32c;
use crate::error::{Error, Result};
use crate::ops::{Condition, CopyOptions, Durability, ObjectMeta, WriteOptions};

/// How much of what arrived is checked. Lengths are checked always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// The bytes are counted and summed up as they go through; the target is trusted to keep them.
    #[default]
    Passing,
    /// The target is read again and compared by checksum. A download is compared before it gets its name, an object in
    /// a store after it was published: if it differs, that is `Corrupt`, and it stays for you to look at.
    ReadBack,
}

/// What becomes of a download that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resume {
    /// It leaves nothing, and the next one begins anew.
    #[default]
    Anew,
    /// It stays beside the target as `NAME.worldstore-part`, with its source's version in `NAME.worldstore-pin`, and the
    /// next one goes on there if the source is still in that version. Otherwise, and if the source has no versions, it
    /// begins anew; the report tells.
    Continue,
}

/// Where the bytes of a transfer between stores go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Route {
    /// Between two backends, through this process. Within one backend they stay where they are, and a backend that
    /// cannot copy in place is refused as `Unsupported`.
    #[default]
    Auto,
    /// Through this process in either case.
    Stream,
}

/// Which way the bytes took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Through this process.
    Streamed,
    /// They were copied where they are.
    InPlace,
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes that have been handed to the target, those of an earlier attempt included.
    pub done_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

impl Progress {
    pub(super) fn new(done_bytes: u64, total_bytes: u64) -> Self {
        Self { done_bytes, total_bytes }
    }
}

/// Somebody who is told how far a transfer is: after each chunk, by whichever thread moves it.
#[derive(Clone)]
pub struct Watcher(Arc<dyn Fn(Progress) + Send + Sync>);

impl Watcher {
    /// Wraps a function. It should be quick: the transfer waits for it.
    pub fn new(watch: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(watch))
    }

    /// Tells it.
    pub fn tell(&self, progress: Progress) {
        (self.0)(progress);
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// Options of [`upload`](crate::Store::upload), [`download`](crate::Store::download) and
/// [`transfer`](crate::Store::transfer).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TransferOptions {
    /// What must hold at the target when the object appears there; nothing by default. A local file can be asked to be
    /// absent, and has no version to match.
    pub condition: Condition,
    /// What survives after the call has returned; everything by default.
    pub durability: Durability,
    /// How much is checked; what goes through by default.
    pub verify: Verify,
    /// Whether a download that broke off is gone on with; not by default. No other transfer has it.
    pub resume: Resume,
    /// Where bytes go within one backend; nowhere by default.
    pub route: Route,
    /// Who is told how far it is; nobody by default.
    pub watcher: Option<Watcher>,
}

impl TransferOptions {
    /// Only if the target is absent.
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

    /// Sets how much is checked.
    #[must_use]
    pub fn with_verify(mut self, verify: Verify) -> Self {
        self.verify = verify;
        self
    }

    /// Sets what becomes of a download that broke off.
    #[must_use]
    pub fn with_resume(mut self, resume: Resume) -> Self {
        self.resume = resume;
        self
    }

    /// Sets where bytes go within one backend.
    #[must_use]
    pub fn with_route(mut self, route: Route) -> Self {
        self.route = route;
        self
    }

    /// Tells this function how far it is.
    #[must_use]
    pub fn with_progress(mut self, watch: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Watcher::new(watch));
        self
    }

    /// The part that is for a write.
    pub fn to_write(&self) -> WriteOptions {
        WriteOptions::default().with_condition(self.condition.clone()).with_durability(self.durability)
    }

    /// The part that is for a copy.
    pub fn to_copy(&self) -> CopyOptions {
        CopyOptions::default().with_condition(self.condition.clone()).with_durability(self.durability)
    }

    /// Checks that nothing is to be gone on with.
    ///
    /// # Errors
    /// `Unsupported` otherwise.
    pub fn refuse_resume(&self) -> Result<()> {
        match self.resume {
            Resume::Anew => Ok(()),
            Resume::Continue => Err(Error::unsupported("only a download can be gone on with")),
        }
    }
}

/// What came of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferReport {
    /// The object in the store: the new one, or for a download the source.
    pub meta: ObjectMeta,
    /// Bytes of the object.
    pub bytes: u64,
    /// Bytes of them that an earlier attempt had brought.
    pub resumed_bytes: u64,
    /// Checksum of the object; none if it was copied in place and not read.
    pub checksum: Option<Crc32c>,
    /// Which way the bytes took.
    pub taken: Taken,
}

impl TransferReport {
    /// Of a transfer through this process.
    pub fn streamed(meta: ObjectMeta, bytes: u64, checksum: Crc32c) -> Self {
        Self { meta, bytes, resumed_bytes: 0, checksum: Some(checksum), taken: Taken::Streamed }
    }

    /// Of a copy where the data is.
    pub fn in_place(meta: ObjectMeta, checksum: Option<Crc32c>) -> Self {
        Self { bytes: meta.size, meta, resumed_bytes: 0, checksum, taken: Taken::InPlace }
    }

    /// Sets what an earlier attempt had brought.
    #[must_use]
    pub fn with_resumed_bytes(mut self, bytes: u64) -> Self {
        self.resumed_bytes = bytes;
        self
    }
}
