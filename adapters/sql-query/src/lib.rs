//! Named SQL queries as read-only objects of worldstore: `name.parquet`, `name.csv` and `name.arrow`.
//!
//! - [`SqlQueryConfig`] names a database and the queries.
//! - [`SqliteQueries`] (feature `sqlite`) is a [`Backend`](worldstore_core::Backend), [`PostgresQueries`] (feature
//!   `postgres`) an `AsyncBackend`.
//!
//! An object has no bytes before it is asked for: to look at one runs its query. The version of an object is the hash
//! of its bytes, and what was read last is kept within a budget, so that a reader that goes on with the version that it
//! began with sees one result.

#![cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "without a database nobody uses what both share")
)]

#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub mod config;
mod encode;
mod queries;
mod shelf;

pub use config::SqlQueryConfig;
#[cfg(feature = "postgres")]
pub use postgres::PostgresQueries;
pub use queries::Format;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteQueries;

/// Compiles and runs the example of the README.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
