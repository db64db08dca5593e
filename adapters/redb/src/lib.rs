//! Objects in one redb file: a backend that is embedded, transactional and durable.
//!
//! [`RedbConfig`] names the file and opens it as [`Redb`], a [`Backend`](worldstore_core::Backend) with every
//! capability. The object model (conditions, versions, pieces of large objects) is that of [`worldstore_core::kv`]; this
//! crate brings the map, its transactions and its errors.
//!
//! # Durability
//!
//! A change with [`Durability::File`](worldstore_core::Durability::File) or `Full` returns after redb has synced it, with
//! all changes before it: it survives a power cut. With `Durability::None` nothing is synced, and a crash falls back to
//! the last synced change, whole: a later change is never there without an earlier one. The folder is synced when the
//! file is made.

mod config;
mod failure;
mod map;

pub use config::{Missing, RedbConfig};
pub use map::RedbMap;

/// Objects in a redb file. Clones share it; the file is closed with the last of them and of its readers and writers.
pub type Redb = worldstore_core::kv::KvObjects<RedbMap>;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
