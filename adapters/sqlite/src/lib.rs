//! One SQLite file as a byte store of worldstore: objects, conditions and versions in transactions.
//!
//! - [`SqliteConfig`] names the file and opens it; [`SqliteBackend`] is the [`Backend`](worldstore_core::Backend).
//! - Objects are rows of chunks of [`CHUNK_BYTES`], so that reads and writers stream with bounded memory.
//!
//! Several threads and several processes on one machine may use one file. A file on a network share is none of this
//! crate's business: SQLite's write-ahead log needs shared memory.

pub mod backend;
pub mod config;
mod database;
mod list;
mod objects;
mod read;
mod schema;
mod writer;

pub use backend::SqliteBackend;
pub use config::{OpenMode, SqliteConfig};
pub use objects::CHUNK_BYTES;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
