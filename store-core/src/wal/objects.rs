//! The log on a backend: one immutable object for each group, created if absent.
//!
//! | key below the log's folder | what |
//! |---|---|
//! | `{first}-{number}` | an object of the log; both numbers have 20 digits |
//! | `floor/{first}-{number}` | empty: what comes before this object has been trimmed |
//!
//! Objects are numbered without gaps from 1. Each has the header of a segment, with its number, the sequence number of its
//! first record and the epoch of its writer, and then either the frames of one group and a seal, or one fence.
//!
//! **Who writes.** A writer opens the log by creating a fence as the next object, with an epoch above that of the object
//! before. Where an object comes next is decided by what came before: so all who would write there want the same key,
//! and the backend lets one of them. A writer that was overtaken finds the fence of its successor at the place where
//! it would go on, and is fenced, however long it slept. Fences are never deleted, so that this holds when
//! everything around them has been trimmed; and should one be missing all the same, the look for later objects after each write
//! finds the successor's before anything is acknowledged.
//!
//! **Unclear outcomes** are settled by the write's token, or by reading the object back: no two writers ever write the
//! same bytes. A write that failed in passing is made again with the same bytes, so one that arrives late does no harm.

mod archive;
mod names;
mod object;
mod open;
mod reader;
mod replay;
mod salvage;
mod shelf;
mod sink;

pub use open::ObjectRecovery;
pub(crate) use open::{Opened, open};
pub use reader::{ObjectReport, ObjectWalReader};
pub use salvage::{salvage_objects, survey_objects};

#[cfg(test)]
mod tests;
