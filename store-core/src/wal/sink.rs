//! Where groups of records go, and where records come back from: what a kind of log has to bring.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

use super::record::Record;
use crate::error::{Error, ErrorKind, Result};

/// A record that waits to be written. Its number follows from its place.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub kind: u8,
    pub payload: Bytes,
}

/// The writing end, in the hands of one thread at a time.
pub(crate) trait Sink: Send + 'static {
    /// Makes durable a first part of the group, one record at least, and tells how many. `first` is the number of
    /// the first record. After a failure that is [`Effect::Refused`] nothing of the group is stored, nor will be.
    fn write(&mut self, group: &[Pending], first: u64) -> Result<usize, Failure>;

    /// Looks for a later writer. Asked after every [`write`](Self::write), before anyone is told of it.
    fn check(&mut self) -> Result<(), Failure>;

    /// Tries whether there is room again, after a refusal.
    fn make_room(&mut self) -> Result<(), Failure>;

    /// Begins a new segment, if the one that is written holds no record after this number and is worth it: so that a trim
    /// can free it. Where there is no room for one, nothing happens.
    fn turn(&mut self, through: u64) -> Result<(), Failure>;

    /// Lets go of the log. Everything is durable already, or lost: a clean end only saves work when it is opened again.
    fn close(&mut self, ending: Ending) -> Result<(), Failure>;
}

/// How a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All that was appended is durable.
    Clean,
    /// There was a failure: nothing is to be written any more.
    Failed,
}

/// What was written, for all threads at any time.
pub(crate) trait Archive: Send + Sync + Debug + 'static {
    /// Forgets records up to this number where that frees something, in whole segments, from the oldest on.
    fn trim(&self, through: u64) -> Result<Trimmed, Failure>;

    /// Records after one number, up to another, which is durable.
    fn replay(&self, after: u64, through: u64) -> Result<Records>;

    /// The first record that is kept, or that will be.
    fn first(&self) -> u64;

    /// Segments or objects.
    fn segments(&self) -> usize;
}

/// Records, read as they are asked for.
pub(crate) type Records = Box<dyn Iterator<Item = Result<Record>> + Send>;

/// What a trim did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Trimmed {
    /// The first record that is kept.
    pub first: u64,
    /// Segments that are gone: files, or objects of a log on a backend.
    pub segments: usize,
    /// Bytes of frames in them.
    pub bytes: u64,
}

/// What a failure does to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The group is not stored. The log goes on once there is room.
    Refused,
    /// Only reopening helps.
    Fatal,
}

/// A failure of which many are told.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub effect: Effect,
    kind: ErrorKind,
    cause: Arc<Error>,
}

impl Failure {
    /// Nobody knows what is stored. `Fenced` stays; anything else is `Poisoned` to whoever asks.
    pub(crate) fn fatal(cause: Error) -> Self {
        let kind = match cause.kind() {
            ErrorKind::Fenced => ErrorKind::Fenced,
            _ => ErrorKind::Poisoned,
        };
        Self { effect: Effect::Fatal, kind, cause: Arc::new(cause) }
    }

    /// It is known that nothing is stored.
    pub(crate) fn refused(cause: Error) -> Self {
        Self { effect: Effect::Refused, kind: cause.kind(), cause: Arc::new(cause) }
    }

    /// The error, for one of those who are told.
    pub(crate) fn error(&self) -> Error {
        let message = match (self.effect, self.kind) {
            (Effect::Refused, _) => "record is not stored",
            (Effect::Fatal, ErrorKind::Fenced) => "another writer has taken the log over",
            (Effect::Fatal, _) => "log has failed and must be opened again",
        };
        Error::new(self.kind, message).with("cause", &self.cause).caused_by(Cause(Arc::clone(&self.cause)))
    }
}

/// An error that has several owners.
#[derive(Debug)]
struct Cause(Arc<Error>);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)
    }
}
