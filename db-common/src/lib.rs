//! What crates that keep data in SQLite, PostgreSQL or Redis would each write again: which error of the database is which of ours,
//! and connections that behave.
//!
//! - [`postgres`] (feature `postgres`): pools of [`sqlx`](https://docs.rs/sqlx/0.8), errors by SQLSTATE.
//! - [`redis`](mod@redis) (feature `redis`): a [`Pool`](redis::Pool) over [`redis`](https://docs.rs/redis/1.8), which makes no change
//!   twice; errors by kind and code.
//! - [`sqlite`] (feature `sqlite`): connections of [`rusqlite`](https://docs.rs/rusqlite/0.32), the [`Mark`](sqlite::Mark) that tells
//!   one's own files from others', [`Readers`](sqlite::Readers) of one state each; errors by code.
//!
//! Types of the clients are in the signatures: a new version of a client is a new version of this crate.

#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;

/// What an error of a database means: its kind, and a message in lower case.
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
pub type Meaning = (worldstore_core::ErrorKind, &'static str);

/// Compiles and runs the example of the README.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
