//! A PostgreSQL database as a byte store of worldstore: objects, conditions and versions in transactions.
//!
//! - [`PostgresConfig`] names server, database and namespace and connects; [`PostgresBackend`] is the
//!   [`AsyncBackend`](worldstore_async::AsyncBackend).
//! - A namespace is a schema of the database with four tables of its own. Objects are rows of chunks of
//!   [`CHUNK_BYTES`], so that reads and writers stream with bounded memory.

pub mod backend;
pub mod config;
mod error;
mod list;
mod objects;
mod read;
mod schema;
mod server;
mod write;
mod writer;

pub use backend::PostgresBackend;
pub use config::{Encryption, PostgresConfig};
pub use objects::CHUNK_BYTES;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
