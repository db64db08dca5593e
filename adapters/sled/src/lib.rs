//! Objects in a sled database: a backend that is embedded and transactional, and not power-safe.
//!
//! [`SledConfig`] names the folder and opens it as [`Sled`], a [`Backend`](worldstore_core::Backend) with every
//! capability but durability. The object model (conditions, versions, pieces of large objects) is that of
//! [`worldstore_core::kv`]; this crate brings the map, its transactions and its errors.
//!
//! # Durability
//!
//! A change with [`Durability::File`](worldstore_core::Durability::File) or `Full` returns after sled's `flush`: it
//! survives the death of the process. It does **not** survive a power cut for sure: on Linux `flush` waits for
//! `sync_file_range`, which reaches neither the cache of the device nor the length of the file (sled 0.34.7,
//! `src/pagecache/iobuf.rs`); a full sync happens every 500 ms in the background, where its failure is only logged
//! (`src/flusher.rs`, `src/config.rs`). So the capability says `durable: false`. There are reports of databases that
//! could not be opened after their process was killed (spacejam/sled issues 1509, 1527, 1533). Keep in it what can be
//! made again, and use redb for the rest.

mod config;
mod failure;
mod map;

pub use config::SledConfig;
pub use map::SledMap;

/// Objects in a sled database. Clones share it; it is closed with the last of them and of its readers and writers.
pub type Sled = worldstore_core::kv::KvObjects<SledMap>;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
