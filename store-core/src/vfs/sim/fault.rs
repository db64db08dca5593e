//! What can be made to fail, when, and how often it did.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

/// A kind of call on the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// Opening a file or folder that is there.
    Open,
    /// Making a file, with a name or without.
    Create,
    /// Reading bytes.
    Read,
    /// Writing bytes, in one piece or several.
    Write,
    /// `sync_data` of a file.
    SyncData,
    /// `sync_all` of a file.
    SyncAll,
    /// `sync` of a folder.
    SyncFolder,
    /// Reserving room.
    Allocate,
    /// Cutting or lengthening.
    SetLength,
    /// Setting a time or an attribute.
    SetMeta,
    /// A rename of either kind.
    Rename,
    /// A second name.
    Link,
    /// Removing the name of a file.
    Remove,
    /// Making a folder.
    MakeFolder,
    /// Removing a folder.
    RemoveFolder,
    /// Listing a folder.
    List,
    /// Asking for lengths, times and attributes.
    Stat,
    /// Locking.
    Lock,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Open,
        Self::Create,
        Self::Read,
        Self::Write,
        Self::SyncData,
        Self::SyncAll,
        Self::SyncFolder,
        Self::Allocate,
        Self::SetLength,
        Self::SetMeta,
        Self::Rename,
        Self::Link,
        Self::Remove,
        Self::MakeFolder,
        Self::RemoveFolder,
        Self::List,
        Self::Stat,
        Self::Lock,
    ];

    /// True if it changes what may be found after a crash. Only these are counted as points to crash at.
    pub fn changes(self) -> bool {
        !matches!(self, Self::Open | Self::Read | Self::List | Self::Stat | Self::Lock)
    }
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// `EIO`, and nothing has happened; of a sync, nobody knows what has.
    Io,
    /// `ENOSPC`, and nothing has happened; of a sync, nobody knows what has.
    NoSpace,
    /// Another number of an error.
    Errno(i32),
    /// `EIO`, though it has happened.
    IoAfter,
    /// A write that takes at most so many bytes (at least one), and no error. Other calls are not touched by it.
    Short(usize),
}

impl FaultKind {
    fn error(self) -> io::Error {
        match self {
            Self::NoSpace => Errno::NOSPC.into(),
            Self::Errno(number) => io::Error::from_raw_os_error(number),
            Self::Io | Self::IoAfter | Self::Short(_) => Errno::IO.into(),
        }
    }
}

/// A fault to come.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Fault {
    kind: FaultKind,
    operation: Option<Operation>,
    at: u64,
    lasting: bool,
}

impl Fault {
    /// Fails the next call, of any kind that can fail so, once.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, operation: None, at: 1, lasting: false }
    }

    /// Fails calls of one kind only.
    pub fn on(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Fails the n-th of these calls from now, counted from 1.
    pub fn at(self, call: u64) -> Self {
        Self { at: call.max(1), ..self }
    }

    /// Fails all calls after it too.
    pub fn from_then_on(self) -> Self {
        Self { lasting: true, ..self }
    }

    fn concerns(&self, operation: Operation) -> bool {
        let able = !matches!(self.kind, FaultKind::Short(_)) || operation == Operation::Write;
        able && self.operation.is_none_or(|only| only == operation)
    }
}

/// Tells how often a fault has struck.
#[derive(Debug, Clone)]
pub struct Activation(Arc<AtomicU64>);

impl Activation {
    /// How many calls have failed by it.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What becomes of a call.
#[derive(Debug)]
pub(super) enum Verdict {
    Pass,
    /// Fails before anything happens.
    Fail(io::Error),
    /// Happens, and fails then.
    FailAfter(io::Error),
    /// Takes so many bytes.
    Short(usize),
}

/// The faults that wait for their call.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Armed>);

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u64,
    struck: Arc<AtomicU64>,
}

impl Faults {
    pub fn add(&mut self, fault: Fault) -> Activation {
        let struck = Arc::new(AtomicU64::new(0));
        self.0.push(Armed { fault, seen: 0, struck: Arc::clone(&struck) });
        Activation(struck)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What becomes of this call. The first fault that strikes decides; all of them count.
    pub fn judge(&mut self, operation: Operation) -> Verdict {
        let mut verdict = Verdict::Pass;
        for armed in self.0.iter_mut().filter(|armed| armed.fault.concerns(operation)) {
            armed.seen += 1;
            let strikes = armed.seen == armed.fault.at || (armed.fault.lasting && armed.seen > armed.fault.at);
            if strikes && matches!(verdict, Verdict::Pass) {
                armed.struck.fetch_add(1, Ordering::Relaxed);
                verdict = match armed.fault.kind {
                    FaultKind::Short(bytes) => Verdict::Short(bytes.max(1)),
                    FaultKind::IoAfter => Verdict::FailAfter(armed.fault.kind.error()),
                    kind => Verdict::Fail(kind.error()),
                };
            }
        }
        verdict
    }
}
