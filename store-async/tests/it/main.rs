//! The async side from outside: the kit on both sides, the adapter's habits, and the object store bridge.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapter;
mod counts;
mod generated;
mod kit;
mod lake;
#[cfg(feature = "object-store")]
mod object_store;
mod reverse;
mod streams;
mod surface;
mod table;
mod transfer;
mod wal;
mod wrap;
