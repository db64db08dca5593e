//! A write-ahead log: records that are durable once they are acknowledged, in the order in which they were appended.
//!
//! [`Wal::open`] opens the log in a folder of a [`Vfs`] and tells, as a [`Recovery`], what it has found and mended.
//! [`Wal::append`] gives a record its number and returns at once; [`Appended::wait`] returns when the record is durable,
//! and so does the [`Appended`] as a future, under any runtime. Records of many threads share a sync. [`Wal::replay`]
//! reads them back, [`Wal::trim`] forgets those that are kept elsewhere. [`WalReader`] reads a log without opening it for
//! writing; [`salvage`] copies what can be read of a damaged one. [`Wal::open_objects`] opens a log on a [`Backend`]. [`format`](mod@format) holds the bytes.
//!
//! ```
//! use worldstore_core::vfs::OsVfs;
//! use worldstore_core::wal::{RecordKind, Wal, WalOptions};
//!
//! # fn main() -> worldstore_core::Result<()> {
//! # let folder = tempfile::tempdir().map_err(|source| worldstore_core::Error::io("make folder", source))?;
//! # let path = folder.path();
//! let vfs = OsVfs::open(path)?;
//! let (wal, recovery) = Wal::open(&vfs, "log", WalOptions::new())?;
//! assert!(recovery.created);
//!
//! // Durable when it returns.
//! assert_eq!(wal.append_durable(RecordKind::DATA, "one")?, 1);
//! // Several on their way at once.
//! let two = wal.append(RecordKind::DATA, "two")?;
//! let three = wal.append(RecordKind::new(7)?, "three")?;
//! two.wait()?;
//! three.wait()?;
//! assert_eq!(wal.durable(), 3);
//!
//! let payloads = wal.replay(1)?.map(|record| Ok(record?.payload)).collect::<worldstore_core::Result<Vec<_>>>()?;
//! assert_eq!(payloads, ["two", "three"]);
//! wal.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Promises
//! - A record that was acknowledged is in the log after a kill or a power cut at any moment, once, with its bytes.
//! - One that was not is wholly there or wholly not; and only if all before it are.
//! - After a sync that failed nothing is acknowledged any more: everyone who waits, and everyone who comes, gets
//!   `Poisoned`. Opening the log again reads what is there.
//! - Once another writer has opened the log, nothing that this one writes is acknowledged: it gets `Fenced`.
//! - Bytes that are damaged are told, as `Corrupt` with file and offset. A log whose damage a crash cannot explain is not
//!   opened for writing, and not changed.
//!
//! All of it holds on disks that do what they say when they are told to sync.

mod engine;
mod files;
pub mod format;
mod handle;
mod objects;
mod options;
mod record;
mod sink;
mod stats;
mod sync;

pub use engine::{Appended, Waiting};
pub use files::{Cut, Recovery, Salvage, SegmentReport, SegmentState, WalReader, WalReport, salvage, survey};
pub use handle::{Replay, Wal};
pub use objects::{ObjectRecovery, ObjectReport, ObjectWalReader, salvage_objects, survey_objects};
#[doc(hidden)]
pub use options::Threads;
pub use options::{IfLocked, OverBudget, WalOptions};
pub use record::{Record, RecordKind};
pub use sink::Trimmed;
pub use stats::WalStats;

#[cfg(doc)]
use crate::{backend::Backend, vfs::Vfs};

#[cfg(test)]
mod tests;
