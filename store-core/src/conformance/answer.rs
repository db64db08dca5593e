//! What a step is answered, reduced to what every backend must agree on.

use std::fmt;
use std::ops::Range;

use crate::capability::Capability;
use crate::error::ErrorKind;

/// The answer to one step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Of `stat`.
    Found(Seen),
    /// Of a change that took effect.
    Applied(Seen),
    /// Of a change whose condition was false.
    Rejected,
    /// Of a change whose fate is not known. No case allows it.
    Unknown,
    /// Of `read`.
    Content {
        /// The whole object.
        of: Seen,
        /// Which bytes of it were read.
        range: Range<u64>,
        /// The bytes, as [`digest`](super::digest) shows them.
        body: String,
    },
    /// Of `read_ranges`: each part as [`digest`](super::digest) shows it.
    Parts(Vec<String>),
    /// Of `delete`.
    Deleted(Vec<Gone>),
    /// Of `settle`.
    Settled(Fate),
    /// Of a listing: the entries of all pages.
    Listed {
        /// Objects, in the order listed.
        objects: Vec<Seen>,
        /// Folders, in the order listed.
        folders: Vec<String>,
    },
    /// Of a call that returns nothing.
    Done,
    /// Of a call that failed.
    Failed(ErrorKind),
    /// Of a call whose answer contradicts itself. No case allows it.
    Broken(String),
}

/// An object as an answer shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Seen {
    /// Its name below the folder of the case.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its version: the n-th that this key has shown, from 1. None if the backend gives none.
    pub version: Option<usize>,
}

/// What became of one key of a delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gone {
    /// There was an object.
    Deleted,
    /// There was none.
    Missing,
    /// There is none now.
    Gone,
    /// The condition was false.
    Rejected,
    /// It could not be deleted.
    Failed(ErrorKind),
}

/// What became of a write that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// The object is still the one that it wrote.
    Applied(Seen),
    /// There is no object.
    Absent,
    /// The object is what another write has written.
    Other(Seen),
}

impl Seen {
    /// An object in its n-th version.
    pub fn new(key: impl Into<String>, size: u64, version: impl Into<Option<usize>>) -> Self {
        Self { key: key.into(), size, version: version.into() }
    }
}

impl Answer {
    /// True if a backend of this capability may give the answer `got` where this one is expected: versions are not
    /// compared where there are none, order is not where none is promised, and a delete need not know what was there.
    pub fn allows(&self, got: &Self, capability: &Capability) -> bool {
        let (expected, got) = (self.clone().reduced(capability), got.clone().reduced(capability));
        match (&expected, &got) {
            (Self::Deleted(expected), Self::Deleted(got)) => {
                let allows = |(expected, got): (&Gone, &Gone)| {
                    expected == got || (*got == Gone::Gone && !matches!(expected, Gone::Failed(_)))
                };
                expected.len() == got.len() && expected.iter().zip(got).all(allows)
            }
            _ => expected == got,
        }
    }

    fn reduced(mut self, capability: &Capability) -> Self {
        match &mut self {
            Self::Found(seen)
            | Self::Applied(seen)
            | Self::Settled(Fate::Applied(seen) | Fate::Other(seen))
            | Self::Content { of: seen, .. }
                if !capability.versions =>
            {
                seen.version = None;
            }
            Self::Listed { objects, folders } => {
                if !capability.versions {
                    objects.iter_mut().for_each(|seen| seen.version = None);
                }
                if !capability.list_sorted {
                    objects.sort();
                    folders.sort();
                }
            }
            _ => {}
        }
        self
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes", self.key, self.size)?;
        match self.version {
            Some(version) => write!(f, ", v{version})"),
            None => f.write_str(")"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(seen) => write!(f, "found {seen}"),
            Self::Applied(seen) => write!(f, "applied {seen}"),
            Self::Rejected => f.write_str("rejected"),
            Self::Unknown => f.write_str("outcome unknown"),
            Self::Content { of, range, body } => write!(f, "bytes {range:?} of {of}: {body}"),
            Self::Parts(parts) => write!(f, "parts [{}]", parts.join(", ")),
            Self::Deleted(keys) => write!(f, "deleted {keys:?}"),
            Self::Settled(Fate::Applied(seen)) => write!(f, "settled: applied {seen}"),
            Self::Settled(Fate::Absent) => f.write_str("settled: no object"),
            Self::Settled(Fate::Other(seen)) => write!(f, "settled: another write's {seen}"),
            Self::Listed { objects, folders } => {
                let objects: Vec<_> = objects.iter().map(Seen::to_string).collect();
                write!(f, "listed [{}]", objects.join(", "))?;
                match folders.is_empty() {
                    true => Ok(()),
                    false => write!(f, " folders [{}]", folders.join(", ")),
                }
            }
            Self::Done => f.write_str("done"),
            Self::Failed(kind) => write!(f, "failed: {kind}"),
            Self::Broken(what) => write!(f, "broken: {what}"),
        }
    }
}
