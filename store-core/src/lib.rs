//! Byte and table contracts of worldstore, with no runtime and hardly a dependency.
//!
//! - [`Backend`] is what an author of a byte store implements; [`Store`] is what callers use, and [`kernel`] holds its
//!   rules without the I/O.
//! - [`Memory`] and [`Local`] are backends; the conformance kit (feature `conformance`) tests others.
//! - [`kv`] makes a backend of an ordered key-value store.
//! - [`vfs`] is the file system under everything durable, as an argument.
//! - [`wal`] is a write-ahead log on it.
//! - [`transfer`] moves much at once: many keys, files in and out, folders between stores. [`hive`] writes and reads
//!   partition paths.
//! - Feature `table` adds append-only tables over Arrow: [`table::TableBackend`], scans, predicates, and tables in
//!   memory.
//!
//! The async mirror of everything here is `worldstore-async`; nouns live here only.

pub mod backend;
pub mod capability;
pub mod error;
pub mod hive;
pub mod kernel;
pub mod key;
pub mod kv;
pub mod listing;
pub mod memory;
pub mod ops;
#[doc(hidden)]
pub mod planted;
pub mod store;
#[cfg(feature = "table")]
pub mod table;
pub mod transfer;
pub mod vfs;
pub mod wal;
pub mod wrap;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(unix)]
pub mod local;

pub use backend::{Backend, Presign, Writer};
pub use capability::Capability;
pub use error::{Error, ErrorKind, Result, Retry};
pub use kernel::{
    Ability, Child, Content, FolderInfo, FolderInfoOptions, ListFilesOptions, ListFoldersOptions, Missing,
    ResolutionPlan, SeekOptions,
};
pub use key::{Key, Prefix};
#[cfg(unix)]
pub use local::Local;
pub use memory::Memory;
pub use ops::*;
pub use store::{AtomicWriter, Entries, SeekReader, Store};

/// Compiles and runs the examples of the README.
#[cfg(all(doctest, feature = "conformance"))]
#[doc = include_str!("../README.md")]
struct Readme;
