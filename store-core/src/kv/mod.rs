//! Objects on an ordered key-value store: for backends whose system has keys, values and transactions, but no objects.
//!
//! An author implements [`OrderedKv`], four calls, and has a [`Backend`](crate::Backend) in [`KvObjects`]: conditions,
//! versions, write tokens, sorted pages, and large objects that are read and written piece by piece. Authors of other
//! backends find two helpers here: [`page_by_stretches`] for listings, [`path_of_uri`] for addresses.
//!
//! # Layout
//!
//! All integers are big-endian, so that byte order is their order.
//!
//! | key | value |
//! |---|---|
//! | `h` key of the object | its head: version, size, time, token, and the body itself or where it is |
//! | `c` generation (u64) piece (u32) | one piece of a large body |
//! | `l` generation (u64) | how many pieces (u32) of this generation belong to no object, and are to be removed |
//! | `m` `layout`, `m` `serial` | version of this layout; the last number given out |
//!
//! Small bodies are in the head. A large one is staged piece by piece under a generation of its own, which is noted as
//! loose from its first piece on, and published by one transaction that writes the head and strikes the note. What a
//! killed process has left is loose, and removed when the store is opened. What a change replaces becomes loose in the
//! transaction of the change, and is removed as soon as no reader is at it.
//!
//! Generations and versions come from one counter. Opening moves it past the clock too, so that a version of a change
//! that was not durable and got lost is not given out again.

mod change;
mod head;
mod list;
mod objects;
mod pins;
mod read;
mod stretch;
mod uri;
mod writer;

use std::fmt::{Debug, Display};
use std::ops::Bound;

use crate::error::Result;
use crate::ops::Durability;

pub use objects::{KvObjects, Sizes};
pub use stretch::{Stretch, page_by_stretches};
pub use uri::path_of_uri;

/// An ordered map from bytes to bytes with transactions, in the hands of one process.
///
/// `Display` names the store without secrets, as in `redb(/data/file.redb)`.
pub trait OrderedKv: Send + Sync + Debug + Display + 'static {
    /// Describes the store. No I/O.
    fn profile(&self) -> KvProfile;

    /// Shows the value of a key; false if there is none.
    ///
    /// # Errors
    /// Those of the store.
    fn get(&self, key: &[u8], seen: SeeValue<'_>) -> Result<bool>;

    /// Shows the entries from `from` up to `end`, which is excluded, in byte order of their keys, until told to stop.
    ///
    /// # Errors
    /// Those of the store, and of `seen`.
    fn scan(&self, from: Bound<&[u8]>, end: &[u8], seen: SeeEntry<'_>) -> Result<()>;

    /// Runs a change, alone and as a whole: no other change comes between its reads and its writes, and readers see all
    /// of it or nothing. The work may be run several times; only its last run counts.
    ///
    /// With [`Durability::File`] or [`Durability::Full`] the change, and every change before it, survives whatever the
    /// store can survive when this returns.
    ///
    /// # Errors
    /// Those of the work and of the store; nothing has changed then. `OutcomeUnknown` if it is not known whether the
    /// commit happened.
    fn transact(&self, durability: Durability, work: Work<'_>) -> Result<()>;
}

/// Is shown a value.
pub type SeeValue<'see> = &'see mut dyn FnMut(&[u8]);

/// Is shown a key and its value, and says whether to go on.
pub type SeeEntry<'see> = &'see mut dyn FnMut(&[u8], &[u8]) -> Result<Scan>;

/// Does a change, and says how it ends.
pub type Work<'work> = &'work mut dyn FnMut(&mut dyn KvTransaction) -> Result<Finish>;

/// A change under way.
pub trait KvTransaction {
    /// The value of a key, as this change has left it.
    ///
    /// # Errors
    /// Those of the store.
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Sets the value of a key.
    ///
    /// # Errors
    /// Those of the store.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()>;

    /// Removes a key. A missing one is no error.
    ///
    /// # Errors
    /// Those of the store.
    fn delete(&mut self, key: &[u8]) -> Result<()>;
}

/// What a store is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KvProfile {
    /// As in [`BackendInfo`](crate::BackendInfo).
    pub scheme: &'static str,
    /// Where it is, without secrets.
    pub root: String,
    /// A durable change survives a power cut.
    pub durable: bool,
}

impl KvProfile {
    /// Describes a store.
    pub fn new(scheme: &'static str, root: impl Into<String>, durable: bool) -> Self {
        Self { scheme, root: root.into(), durable }
    }
}

/// Whether a scan goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// With the next entry.
    On,
    /// No further.
    Stop,
}

/// How a change ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It takes effect.
    Commit,
    /// It is undone.
    Abort,
}

#[cfg(test)]
pub(crate) mod tests;
